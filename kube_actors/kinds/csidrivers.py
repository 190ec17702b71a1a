"""CSIDrivers: what a volume driver can do."""

from __future__ import annotations

from typing import Final

from kube_actors.kinds.hooks import Body, Hooks

_DEFAULTS: Final = {
    "attachRequired": True,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "podInfoOnMount": False,
    "requiresRepublish": False,
    "seLinuxMount": False,
    "storageCapacity": False,
}


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    for name, value in _DEFAULTS.items():
        spec.setdefault(name, value)
    spec.setdefault("volumeLifecycleModes", ["Persistent"])


HOOKS = Hooks(default=_default, generation=None)
