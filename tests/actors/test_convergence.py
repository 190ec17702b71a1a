"""Whatever is done to a cluster, it ends where it should, and then rests.

Random edits, crashes, partitions and node losses are driven through the real actors and plans on simulated nodes in
virtual time. When the world is whole again the cluster converges, and then nobody writes anything but heartbeats.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kube_actors.cluster import Cluster
from kube_actors.messages.node import PartitionNode, StartNode, StopNode
from kube_actors.node.runtime.base import ContainerId
from kube_actors.store import Commit, Key

from .conftest import OpenSimulated, deployment

WEB = Key("deployments.apps", "default", "web")
NODES = ("a", "b", "c")

operations = st.lists(
    st.one_of(
        st.tuples(st.just("image"), st.integers(1, 4)),
        st.tuples(st.just("scale"), st.integers(0, 9)),
        st.tuples(st.just("surge"), st.sampled_from([(1, 0), (0, 1), ("25%", "25%"), ("50%", 0), (2, 2)])),
        st.tuples(st.just("kill"), st.integers(0, 8)),
        st.tuples(st.just("delete"), st.integers(0, 8)),
        st.tuples(st.just("partition"), st.sampled_from(NODES[1:])),
        st.tuples(st.just("stop"), st.sampled_from(NODES[1:])),
        st.tuples(st.just("start"), st.sampled_from(NODES[1:])),
        st.tuples(st.just("pause"), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from([0.01, 0.3, 3.0, 30.0, 90.0])),
    ),
    max_size=14,
)


def pods(cluster: Cluster) -> list[Any]:
    """The pods there are."""
    return cluster.plane.store.list("pods", "default")


async def perform(cluster: Cluster, operation: tuple[str, Any]) -> None:
    """Do one thing to the cluster."""
    client = cluster.session.client
    match operation:
        case ("image", number):
            await client.mutate(WEB, lambda body: _container(body).update(image=f"app:{number}"))
        case ("scale", number):
            await client.mutate(WEB, lambda body: body["spec"].update(replicas=number))
        case ("surge", (surge, unavailable)):
            bounds = {"maxSurge": surge, "maxUnavailable": unavailable}
            strategy = {"type": "RollingUpdate", "rollingUpdate": bounds}
            await client.mutate(WEB, lambda body: body["spec"].update(strategy=strategy))
        case ("pause", paused):
            await client.mutate(WEB, lambda body: body["spec"].update(paused=paused))
        case ("kill", index):
            await _kill(cluster, index)
        case ("delete", index):
            found = pods(cluster)
            if found:
                await client.delete(found[index % len(found)].key)
        case ("partition", name):
            await cluster.plane.directory.nodes[name].ask(PartitionNode(), deadline=30)
        case ("stop", name):
            await cluster.plane.directory.nodes[name].ask(StopNode(), deadline=30)
        case ("start", name):
            await cluster.plane.directory.nodes[name].ask(StartNode(), deadline=30)
        case ("wait", seconds):
            await cluster.system.clock.sleep(seconds)


def _container(body: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return container


async def _kill(cluster: Cluster, index: int) -> None:
    running = [pod for pod in pods(cluster) if pod.projection.facts.ready]
    if not running or cluster.factory is None:
        return
    pod = running[index % len(running)]
    restarts = pod.body()["status"]["containerStatuses"][0]["restartCount"]
    runtime = cluster.factory.runtimes[pod.projection.facts.node]
    await runtime.signal_container(ContainerId(pod.uid, "c", restarts), signal.SIGKILL)


def is_converged(cluster: Cluster) -> bool:
    """Exactly the wanted pods, all of the current template, all ready; status says so."""
    found = cluster.session.client.get(WEB)
    assert found is not None
    body = found.body()
    wanted, status = body["spec"]["replicas"], body.get("status", {})
    living = pods(cluster)
    images = {pod.body()["spec"]["containers"][0]["image"] for pod in living}
    return (
        len(living) == wanted
        and all(pod.projection.facts.ready for pod in living)
        and images <= {_container(body)["image"]}
        and status.get("observedGeneration") == body["metadata"]["generation"]
        and status.get("availableReplicas", 0) == status.get("updatedReplicas", 0) == wanted
    )


@given(operations, st.integers(0, 1000))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_history_ends_converged_and_at_rest(
    open_simulated: OpenSimulated, history: list[tuple[str, Any]], seed: int
) -> None:
    """Random histories: bounds held at every commit, converged in the end, and then nothing is written."""

    async def live() -> None:
        async with open_simulated(*NODES, seed=seed, startSeconds=0.5, readySeconds=1) as cluster:
            await cluster.session.client.create(deployment(replicas=4))
            await cluster.system.clock.sleep(30)
            assert is_converged(cluster)
            for operation in history:
                await perform(cluster, operation)
            for name in NODES[1:]:
                await perform(cluster, ("start", name))
            await perform(cluster, ("pause", False))
            await cluster.system.clock.sleep(1500)
            assert is_converged(cluster), [pod.body()["status"] for pod in pods(cluster)]
            assert not cluster.failures
            await _assert_at_rest(cluster)

    trio.run(live)


@contextmanager
def listening(cluster: Cluster) -> Iterator[list[str]]:
    """What is written meanwhile, except heartbeats and the ends of old Events."""
    written: list[str] = []

    def hear(commit: Commit) -> None:
        if commit.key.resource not in ("leases.coordination.k8s.io", "nodes") and commit.kind != "deleted":
            written.append(f"{commit.kind} {commit.key}")

    unsubscribe = cluster.plane.store.subscribe(hear)
    yield written
    unsubscribe()


async def _assert_at_rest(cluster: Cluster) -> None:
    """An hour in which nothing happens."""
    with listening(cluster) as written:
        await cluster.system.clock.sleep(3600)
    assert written == []


async def test_reconciling_twice_changes_nothing(open_simulated: OpenSimulated) -> None:
    """Waking every controller of a converged cluster writes nothing."""
    async with open_simulated("a", "b") as cluster:
        client = cluster.session.client
        service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        metadata = {"name": "web", "namespace": "default"}
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
        await client.create(deployment())
        await cluster.system.clock.sleep(60)
        assert is_converged(cluster)
        with listening(cluster) as written:
            for status in cluster.system.actors():
                ref = cluster.system.find(status.path)
                if ref is not None and "." in status.path:
                    ref.notify("again")
            await cluster.system.clock.sleep(10)
        assert written == []
