"""What an update leaves out of a Service's ports, and what becomes of them when the type changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import Caller

SERVICES = "/api/v1/namespaces/default/services"
WEB: dict[str, Any] = {"name": "web", "port": 80, "nodePort": 30080}
DNS: dict[str, Any] = {"name": "dns", "port": 53, "nodePort": 30053}


async def updated(call: Caller, kind: str, ports: list[dict[str, Any]]) -> Any:
    """The answer to an update of a NodePort service with WEB and DNS to this type and these ports."""
    body = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [WEB, DNS]}}
    stored = (await call("POST", SERVICES, body)).body
    stored["spec"].update(type=kind, ports=ports)
    return await call("PUT", f"{SERVICES}/s", stored)


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([{"name": "web", "port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}], [30080, 30053]),
        ([{"name": "dns", "port": 80}], [30053]),
        ([{"name": "web", "port": 80, "nodePort": 30081}, {"name": "dns", "port": 53}], [30081, 30053]),
        ([{"name": "other", "port": 80, "nodePort": 30080}, DNS], [30080, 30053]),
    ],
)
async def test_a_node_port_stays_with_the_name(call: Caller, ports: list[dict[str, Any]], expected: list[int]) -> None:
    """Whatever else of the port changes; one that the update names goes where it says."""
    reply = await updated(call, "NodePort", ports)
    assert [port["nodePort"] for port in reply.body["spec"]["ports"]] == expected


async def test_a_node_port_that_another_took_is_given_anew(call: Caller) -> None:
    """The port that had it gets a free one."""
    ports = [{"name": "web", "port": 80}, {"name": "new", "port": 81, "nodePort": 30080}]
    web, new = (await updated(call, "LoadBalancer", ports)).body["spec"]["ports"]
    assert new["nodePort"] == 30080
    assert web["nodePort"] not in (30080, 30053)


async def test_a_type_without_node_ports(call: Caller) -> None:
    """Those that were there go; a new one among them is refused, and then all of them are told."""
    reply = await updated(call, "ClusterIP", [WEB, {**DNS, "nodePort": 31000}])
    why = "Forbidden: may not be used when `type` is 'ClusterIP'"
    assert reply.causes == [f"spec.ports[{index}].nodePort: {why}" for index in (0, 1)]
    stored = (await call("GET", f"{SERVICES}/s")).body
    stored["spec"]["type"] = "ClusterIP"
    ports = (await call("PUT", f"{SERVICES}/s", stored)).body["spec"]["ports"]
    assert [port.get("nodePort") for port in ports] == [None, None]
