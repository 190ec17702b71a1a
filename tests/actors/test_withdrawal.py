"""A pod that ends gets no new connection before its preStop hook begins: the order of the conversation."""

from __future__ import annotations

from kube_actors.kernel import TraceKind, TraceRecord
from kube_actors.messages.network import WithdrawEndpoint, Withdrawn
from kube_actors.messages.node import RemoveSandbox, StopContainer

from .conftest import OpenSimulated, deployment


async def test_the_endpoint_is_withdrawn_before_anything_stops(open_simulated: OpenSimulated) -> None:
    """Withdraw, wait for the data plane's answer, only then the stop signal, and the sandbox last."""
    heard: list[str] = []

    def hear(record: TraceRecord) -> None:
        if "/default.web-" not in record.sender + record.receiver:
            return
        asked = record.kind is TraceKind.ASK
        if asked and isinstance(record.message, WithdrawEndpoint | StopContainer | RemoveSandbox):
            heard.append(type(record.message).__name__)
        elif record.kind is TraceKind.REPLY and isinstance(record.message, Withdrawn):
            heard.append("Withdrawn")

    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        metadata = {"name": "web", "namespace": "default"}
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
        await client.create(deployment(replicas=1))
        await clock.sleep(30)
        (pod,) = cluster.plane.store.list("pods")
        cluster.system.on_trace(hear)
        await client.delete(pod.key)
        await clock.sleep(30)
    assert heard == ["WithdrawEndpoint", "Withdrawn", "StopContainer", "RemoveSandbox"]
