"""A running cluster, and what a test asks of it."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from kube_actors.api.codecs.yaml import load_documents
from kube_actors.api.selectors import LabelSelector
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.cluster_document import Problems, parse_cluster
from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ClusterClock
from kube_actors.messages.node import Exec, NodeMessage
from kube_actors.node.runtime.base import ContainerId, RuntimeFailure
from kube_actors.state import StateDirectory
from kube_actors.store import Key, Revision

from .footprint import Footprint

Body = dict[str, Any]
PATIENCE = 90.0
"""Machine seconds a test waits for what should take a moment: a busy machine is no failure."""

PODS = "pods"
DEPLOYMENTS = "deployments.apps"
REPLICA_SETS = "replicasets.apps"
SLICES = "endpointslices.discovery.k8s.io"


def read_config(text: str) -> ClusterConfig:
    """The Cluster document `text` begins with."""
    problems = Problems()
    config = parse_cluster(load_documents(text, "cluster.yaml")[0].body, directory=Path("/"), problems=problems)
    assert not problems, problems
    return config


class Stage:
    """One cluster and its ways in. `footprint` knows what on the machine is the cluster's."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.plane.store
        self.client = cluster.session.client
        self.footprint = Footprint.of(cluster)

    # -- writing

    async def apply(self, *bodies: Body | str) -> None:
        """Apply objects, in dictionaries or YAML; without a namespace they go to `default`."""
        for body in bodies:
            for one in [body] if isinstance(body, dict) else [each.body for each in load_documents(body, "test.yaml")]:
                await self.client.apply(one, namespace=one["metadata"].get("namespace", "default"), force=True)

    async def delete(self, resource: str, name: str, **options: Any) -> None:
        """Ask for an object's deletion."""
        await self.client.delete(Key(resource, options.pop("namespace", "default"), name), **options)

    # -- reading

    def get(self, resource: str, name: str, namespace: str = "default") -> Body | None:
        """An object, as it is."""
        revision = self.store.get(Key(resource, namespace, name))
        return revision.body() if revision is not None else None

    def pod(self, name: str, namespace: str = "default") -> Body:
        """A pod that is there."""
        body = self.get(PODS, name, namespace)
        assert body is not None, f"pod {name} is not there"
        return body

    def pods(self, selector: str = "", namespace: str = "default") -> list[Revision]:
        """The pods a selector finds."""
        return self.store.list(PODS, namespace, LabelSelector.parse(selector) if selector else None)

    def container(self, pod: str, container: str = "main") -> Body:
        """One container's status; {} before there is one."""
        status = self.pod(pod).get("status", {})
        statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        return next((one for one in statuses if one["name"] == container), {})

    def events(self, name: str, reason: str = "") -> list[str]:
        """The messages of the Events about an object, oldest first."""
        found = [one.body() for one in self.store.list("events")]
        found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [
            event["message"]
            for event in found
            if event["involvedObject"]["name"] == name and reason in ("", event["reason"])
        ]

    def log(self, pod: str, container: str = "main", attempt: int = 0) -> str:
        """What an attempt printed, without the stamps of the log file's lines."""
        meta = self.pod(pod)["metadata"]
        directory = f"{meta['namespace']}_{meta['name']}_{meta['uid']}"
        path = self.cluster.state.logs / directory / container / f"{attempt}.log"
        if not path.exists():
            return ""
        lines = [line.split(" ", 3) for line in path.read_text(errors="replace").splitlines()]
        return "".join(line[3] + ("\n" if line[2] == "F" else "") for line in lines)

    def service_ip(self, name: str, namespace: str = "default") -> str:
        """A Service's ClusterIP."""
        body = self.get("services", name, namespace)
        assert body is not None, f"service {name} is not there"
        return str(body["spec"]["clusterIP"])

    def endpoints(self, service: str) -> set[str]:
        """Addresses that get the Service's traffic, by its EndpointSlices."""
        slices = self.store.list(SLICES, "default", LabelSelector.parse(f"kubernetes.io/service-name={service}"))
        return {
            address
            for one in slices
            for endpoint in one.body().get("endpoints") or ()
            if endpoint["conditions"].get("ready")
            for address in endpoint["addresses"]
        }

    # -- waiting

    async def until(self, what: Callable[[], object], *, within: float = PATIENCE) -> None:
        """Wait for something to become true; when it does not, say what the pods and Events say."""
        with trio.move_on_after(within):
            while not what():
                await trio.sleep(0.01)
            return
        raise AssertionError(f"not within {within:.0f} s: {inspect.getsource(what).strip()}\n{self.story()}")

    async def ready(self, *names: str) -> None:
        """Wait until these pods are ready."""
        for name in names:
            await self.until(lambda name=name: self._is_ready(name))  # type: ignore[misc]

    def _is_ready(self, name: str) -> bool:
        revision = self.store.get(Key(PODS, "default", name))
        return revision is not None and bool(revision.projection.facts.ready)

    async def ended(self, name: str) -> Body:
        """Wait until a pod is over (Succeeded or Failed), and give it."""
        await self.until(lambda: self.pod(name).get("status", {}).get("phase") in ("Succeeded", "Failed"))
        return self.pod(name)

    async def gone(self, resource: str, name: str, namespace: str = "default", *, within: float = PATIENCE) -> None:
        """Wait until an object is not there any more."""
        await self.until(lambda: self.get(resource, name, namespace) is None, within=within)

    async def rolled_out(self, name: str, *, within: float = PATIENCE) -> None:
        """Wait until a Deployment's newest version is all there is, as `rollout status` does."""
        await self.until(lambda: is_rolled_out(self.get(DEPLOYMENTS, name)), within=within)

    def story(self) -> str:
        """Pods, Events and failed actors, for a person who wonders why."""
        rows = [f"{one.key.name}: {one.body().get('status')}" for one in self.store.list(PODS)]
        rows += [f"{e['involvedObject']['name']}: {e['reason']}: {e['message']}"
                 for e in (one.body() for one in self.store.list("events"))]  # fmt: skip
        return "\n".join([*rows, *(f"{failure.path}: {failure.error!r}" for failure in self.cluster.failures)])

    # -- acting

    async def roll(self, name: str, change: Callable[[Body], None]) -> None:
        """Change a Deployment's spec, and wait for nothing."""
        await self.client.mutate(Key(DEPLOYMENTS, "default", name), lambda body: change(body["spec"]))

    async def tell_node(self, node: str, message: NodeMessage) -> None:
        """What `node stop`, `partition` and `start` of the console do."""
        await self.cluster.plane.directory.nodes[node].ask(message, deadline=PATIENCE)  # type: ignore[arg-type, misc]

    async def exec(self, pod: str, *argv: str, container: str = "main") -> tuple[int, str]:
        """Run a command in a container: its exit code, and what it printed to both streams."""
        body, attempt = self.pod(pod), self.container(pod, container).get("restartCount", 0)
        node = self.cluster.plane.directory.nodes[body["spec"]["nodeName"]]
        id = ContainerId(body["metadata"]["uid"], container, attempt)
        session = await node.ask(Exec(id, argv), deadline=PATIENCE)
        try:
            output = b"".join([data async for _, data in session.output()])
            return await session.wait(), output.decode(errors="replace")
        finally:
            await session.aclose()

    async def found(self, pod: str) -> dict[tuple[str, int], int]:
        """The machine's process ids of what runs of a pod: (container, attempt) → pid."""
        body = self.pod(pod)
        assert self.cluster.factory is not None
        sandboxes = await self.cluster.factory.runtimes[body["spec"]["nodeName"]].adopt()
        return {
            (one.id.name, one.id.attempt): one.pid
            for sandbox in sandboxes
            if sandbox.pod.uid == body["metadata"]["uid"]
            for one in sandbox.containers
            if one.exit is None
        }

    async def pid(self, pod: str, container: str = "main") -> int:
        """The process id of the running attempt."""
        return next(pid for (name, _), pid in (await self.found(pod)).items() if name == container)

    async def kill(self, pod: str, container: str = "main") -> None:
        """kill -9 its first process."""
        os.kill(await self.pid(pod, container), 9)


async def eventually(what: Callable[[], Awaitable[object]], *, within: float = PATIENCE) -> None:
    """Ask again and again until the answer is true."""
    with trio.move_on_after(within):
        while not await what():
            await trio.sleep(0.05)
        return
    raise AssertionError(f"not within {within:.0f} s: {inspect.getsource(what).strip()}")


def is_rolled_out(deployment: Body | None) -> bool:
    """What `kubectl rollout status` waits for."""
    if deployment is None:
        return False
    wanted, status = deployment["spec"]["replicas"], deployment.get("status", {})
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [wanted] * 3


@asynccontextmanager
async def running(
    config: ClusterConfig, root: Path, *, clock: ClusterClock | None = None, ephemeral: bool = False
) -> AsyncIterator[Stage]:
    """A cluster for as long as the block; afterwards nothing of it may be left, and no actor may have failed."""
    try:
        async with open_cluster(config, state=StateDirectory(root, ephemeral), clock=clock) as cluster:
            stage = Stage(cluster)
            yield stage
            stage.footprint.look()
    except* RuntimeFailure as failures:
        words = "; ".join(failure.message for failure in _leaves(failures))
        if config.tier is not None and "tier" in words:
            pytest.skip(f"tier {config.tier} is not possible here: {words}")
        raise
    assert not [f"{failure.path}: {failure.error!r}" for failure in stage.cluster.failures]
    await nothing_left(stage.footprint)


async def nothing_left(footprint: Footprint, *, within: float = PATIENCE) -> None:
    """Nothing of a cluster is on the machine any more, or will be in a moment."""
    left = footprint.left()
    with trio.move_on_after(within):
        while left:
            await trio.sleep(0.02)
            left = footprint.left()
    assert left == [], left


def _leaves(group: BaseExceptionGroup[Any]) -> list[Any]:
    found = []
    for one in group.exceptions:
        found += _leaves(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
