"""Nodes that stop, are cut off and come back, with the quickstart's times: heartbeat 1 s, grace 4 s, toleration 5 s."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from kube_actors.config.types import ListenerConfig
from kube_actors.messages.node import NodeMessage, PartitionNode, StartNode, StopNode

from .footprint import is_alive
from .load import load
from .manifests import CLUSTER, SERVER_FILES, service, web
from .stage import Stage, read_config, running


async def two_each(stage: Stage) -> None:
    """Four web servers, two on each node, behind a Service."""
    await stage.apply(SERVER_FILES, web(replicas=4), service("web"))
    await stage.rolled_out("web")
    await stage.until(lambda: len(stage.endpoints("web")) == 4)
    nodes = [one.projection.facts.node for one in stage.pods("app=web")]
    assert sorted(nodes) == ["node-1", "node-1", "node-2", "node-2"]


def on(stage: Stage, node: str) -> set[str]:
    """Uids of the pods the API has on a node."""
    return {one.uid for one in stage.pods() if one.projection.facts.node == node}


def is_ready(stage: Stage, node: str) -> str:
    """The node's Ready condition."""
    body = stage.get("nodes", node, "")
    assert body is not None
    return str(next(one["status"] for one in body["status"]["conditions"] if one["type"] == "Ready"))


Scenario = Callable[[Stage], Awaitable[None]]


async def test_lost_nodes(tmp_path: Path) -> None:
    """Stopped, cut off for long, cut off for a moment: three clusters side by side, for each has to wait."""
    scenarios: dict[str, Scenario] = {
        "stopped": lambda stage: is_replaced(stage, StopNode),
        "partitioned": lambda stage: is_replaced(stage, PartitionNode),
        "briefly": costs_nothing,
    }

    async def play(name: str, scenario: Scenario) -> None:
        config = attrs.evolve(read_config(CLUSTER), listeners=(ListenerConfig("web"),))
        if name == "briefly":
            config = attrs.evolve(config, timeouts=attrs.evolve(config.timeouts, default_toleration=600.0))
        async with running(config, tmp_path / name) as stage:
            await scenario(stage)

    async with trio.open_nursery() as nursery:
        for name, scenario in scenarios.items():
            nursery.start_soon(play, name, scenario, name=name)


async def is_replaced(stage: Stage, fault: Callable[[], NodeMessage]) -> None:
    """Replacements come up on the other node after the toleration; the node's return kills what was replaced."""
    await two_each(stage)
    listener = stage.cluster.listeners[0]
    routed = stage.cluster.tier == "A"  # otherwise the machine has no route to Services
    host, port = (stage.service_ip("web"), 80) if routed else (listener.host, listener.port)
    lost = on(stage, "node-1")
    addresses = {one.projection.facts.address for one in stage.pods() if one.uid in lost}
    pids = [pid for one in stage.pods() if one.uid in lost for pid in (await stage.found(one.key.name)).values()]
    began = trio.current_time()
    await stage.tell_node("node-1", fault())
    if fault is StopNode:
        await stage.until(lambda: not any(is_alive(pid) for pid in pids))
    await stage.until(lambda: is_ready(stage, "node-1") == "Unknown")
    assert trio.current_time() - began >= 3
    await stage.until(lambda: not stage.endpoints("web") & addresses)
    async with load(host, port, rate=50, kept=False) as result:
        await stage.until(lambda: len(stage.endpoints("web")) == 4)
    assert result.failed == []
    assert trio.current_time() - began >= 8  # grace and toleration
    assert len(on(stage, "node-2")) == 4
    taints = (stage.get("nodes", "node-1", "") or {})["spec"]["taints"]
    assert {(one["key"], one["effect"]) for one in taints} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }
    if fault is PartitionNode:
        assert all(is_alive(pid) for pid in pids)
    assert lost <= {one.uid for one in stage.pods()}  # nobody has said that they ended

    await stage.tell_node("node-1", StartNode())
    await stage.until(lambda: not any(is_alive(pid) for pid in pids))
    await stage.until(lambda: not lost & {one.uid for one in stage.pods()})
    await stage.until(lambda: is_ready(stage, "node-1") == "True")
    await stage.until(lambda: not (stage.get("nodes", "node-1", "") or {})["spec"].get("taints"))
    assert len(stage.pods()) == 4
    assert not stage.endpoints("web") & addresses


async def costs_nothing(stage: Stage) -> None:
    """Back within the toleration: same pods, no restart."""
    await two_each(stage)
    before = {one.uid for one in stage.pods()}
    await stage.tell_node("node-1", PartitionNode())
    await stage.until(lambda: is_ready(stage, "node-1") == "Unknown")
    await stage.tell_node("node-1", StartNode())
    await stage.until(lambda: is_ready(stage, "node-1") == "True")
    await stage.until(lambda: len(stage.endpoints("web")) == 4)
    await trio.sleep(1)
    assert {one.uid for one in stage.pods()} == before
    assert all(one.projection.facts.restarts == (0, 0) for one in stage.pods())
