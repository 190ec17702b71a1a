"""The way into a cluster's API: its kubeconfig, taken apart for clients that know nothing of it."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measured import CannotMeasure

_PARTS = ("client-certificate-data", "client-key-data", "certificate-authority-data")


@dataclass(frozen=True)
class Entrance:
    """Where the API answers, and a file with the owner's certificate, its key and the authority's certificate."""

    address: tuple[str, int]
    pem: Path

    def connection(self) -> http.client.HTTPSConnection:
        """A new connection."""
        context = ssl.create_default_context(cafile=str(self.pem))
        context.load_cert_chain(self.pem)
        return http.client.HTTPSConnection(*self.address, context=context, timeout=30)

    def create(self, path: str, *bodies: dict[str, Any]) -> None:
        """Create ConfigMaps, one after the other."""
        connection = self.connection()
        for body in bodies:
            whole = {"apiVersion": "v1", "kind": "ConfigMap", **body}
            connection.request("POST", path, json.dumps(whole), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.CREATED:
                raise CannotMeasure(f"a ConfigMap was not created: {answer.read()!r}")
            answer.read()
        connection.close()


def entrance_of(home: Path, directory: Path) -> Entrance:
    """The entrance of the cluster whose state is below `home`; its file is made in `directory`."""
    found = sorted(home.glob("*/kubeconfig"))
    if not found:
        raise CannotMeasure("this checkout does not serve the API")
    text = found[0].read_text()
    parts = [re.search(rf"{name}: *(\S+)", text) for name in _PARTS]
    server = re.search(r"server: *(\S+)", text)
    assert server is not None, "a kubeconfig names its server"
    pem = directory / "owner.pem"
    pem.write_bytes(b"".join(base64.b64decode(part[1]) for part in parts if part is not None))
    where = urlsplit(server[1])
    assert where.hostname is not None, "a server has a host"
    return Entrance((where.hostname, where.port or 443), pem)
