"""The variables that tell a container where services are: `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR`, …"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kube_actors.node.objects import Body, Objects


def service_variables(pod: Body, objects: Objects) -> dict[str, str]:
    """Variables of the pod's own namespace (unless `enableServiceLinks: false`) and always of `default/kubernetes`.
    A service without a cluster IP (headless, ExternalName) has none."""
    namespace = pod["metadata"].get("namespace", "default")
    links = pod["spec"].get("enableServiceLinks", True)
    chosen: dict[str, Body] = {}
    for service in objects.services:
        metadata = service["metadata"]
        name, home = metadata["name"], metadata.get("namespace", "default")
        if service["spec"].get("clusterIP") in (None, "", "None"):
            continue
        own = links and home == namespace
        if own or (home == "default" and name == "kubernetes" and name not in chosen):
            chosen[name] = service
    variables: dict[str, str] = {}
    for name in sorted(chosen):
        variables.update(_variables_of(name, chosen[name]["spec"]))
    return variables


def _variables_of(name: str, spec: Body) -> Iterator[tuple[str, str]]:
    prefix = _variable_name(name)
    address = spec["clusterIP"]
    ports: list[dict[str, Any]] = spec.get("ports") or []
    yield f"{prefix}_SERVICE_HOST", address
    if not ports:
        return
    yield f"{prefix}_SERVICE_PORT", str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            yield f"{prefix}_SERVICE_PORT_{_variable_name(port['name'])}", str(port["port"])
    host = f"[{address}]" if ":" in address else address
    for index, port in enumerate(ports):
        protocol = port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{host}:{port['port']}"
        link = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        if index == 0:
            yield f"{prefix}_PORT", url
        yield link, url
        yield f"{link}_PROTO", protocol.lower()
        yield f"{link}_PORT", str(port["port"])
        yield f"{link}_ADDR", address


def _variable_name(name: str) -> str:
    return name.upper().replace("-", "_")
