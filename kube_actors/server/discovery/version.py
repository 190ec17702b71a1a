"""`/version`: which Kubernetes this is to its clients."""

from __future__ import annotations

import platform
from typing import Final

from kube_actors.api.codecs import json
from kube_actors.server.cached_documents import check_get
from kube_actors.server.call import Call
from kube_actors.server.http import Full, Response

MAJOR: Final = "1"
MINOR: Final = "36"
GIT_VERSION: Final = "v1.36.0+kube-actors"
"""A semantic version, as client libraries and helm demand; what follows the `+` says whose server it is."""

_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


async def version(call: Call) -> Response:
    """Kubernetes' version, and what the server is written in; indented for whoever asks."""
    check_get(call)
    return Full(200, json.dumps_indented(_version()))


def _version() -> dict[str, str]:
    machine = platform.machine()
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{_MACHINES.get(machine, machine)}",
    }
