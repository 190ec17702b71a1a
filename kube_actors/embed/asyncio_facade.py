"""The cluster in an asyncio program.

    import asyncio
    from kube_actors import aio

    POD = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    }

    async def main():
        async with aio.open_cluster(POD, virtual=True) as cluster:
            await cluster.wait("pod/web", "Ready", timeout=60)
            pod = await cluster.get("pods", "web")
            print(pod["status"]["phase"])

    asyncio.run(main())

The cluster lives in a thread of its own, where trio runs. Cancelling a task cancels what it waits for in the cluster,
and goes on when that has cleaned up. Every verb does what its namesake of `kube_actors.Cluster` says.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

from kube_actors.config.types import ClusterConfig, RuntimeName
from kube_actors.embed import cluster as trio_facade
from kube_actors.embed.asyncio_bridge import AioStream, patiently, result_of
from kube_actors.embed.asyncio_parts import AioClock, AioNode, AioRollout
from kube_actors.embed.guest import GuestPortal
from kube_actors.embed.opening import Wish, prepare
from kube_actors.embed.plain_errors import beside
from kube_actors.embed.portal import Portal, ThreadPortal
from kube_actors.embed.results import Applied, ExecResult, Object, WatchEvent
from kube_actors.embed.sources import Source
from kube_actors.embed.streams import Stream
from kube_actors.verbs.apply import Conflicts
from kube_actors.verbs.delete import Propagation
from kube_actors.writes.patching import PatchKind

P = ParamSpec("P")
R = TypeVar("R")


class Cluster:
    """A running cluster, made by `open_cluster`: the verbs of `kube_actors.Cluster`, for one asyncio loop."""

    def __init__(self, portal: Portal, cluster: trio_facade.Cluster) -> None:
        self._portal = portal
        self._cluster = cluster
        self.clock = AioClock(portal, cluster.clock)
        """Cluster time: `now`, `advance`, `sleep`, `pause`, `resume`."""

    @property
    def config(self) -> ClusterConfig:
        """What it is made of now: the Cluster document with its defaults, and every node."""
        return self._cluster.config

    @property
    def name(self) -> str:
        """Its name."""
        return self._cluster.name

    @property
    def tier(self) -> str:
        """How well pods of process nodes are kept apart on this machine: A, B or C; "" without process nodes."""
        return self._cluster.tier

    @property
    def state_dir(self) -> Path:
        """Where its files are: journal and pod logs. Gone with the cluster, unless it was opened with `state_dir`."""
        return self._cluster.state_dir

    @property
    def kubeconfig(self) -> Path:
        """The file for `KUBECONFIG`. UsageError unless the cluster was opened with `api=True`."""
        return self._cluster.kubeconfig

    async def apply(
        self,
        source: Source,
        *,
        namespace: str | None = None,
        conflicts: Conflicts = "take over",
        dry_run: bool = False,
    ) -> tuple[Applied, ...]:
        """Make the cluster hold what the source says."""
        return await self._call(self._cluster.apply, source, namespace=namespace, conflicts=conflicts, dry_run=dry_run)

    @overload
    async def get(self, resource: str, name: str, *, namespace: str | None = None) -> Object: ...

    @overload
    async def get(self, resource: str, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Any: ...

    async def get(
        self,
        resource: str,
        name: str | None = None,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
    ) -> Any:
        """One object, or the list of all that the selectors let through."""
        where = {"namespace": namespace, "labels": labels, "fields": fields}
        return await self._call(self._cluster.get, resource, name, **where)  # type: ignore[arg-type]  # an overload each

    def watch(
        self,
        resource: str,
        name: str | None = None,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        timeout: float | None = None,
    ) -> AioStream[WatchEvent]:
        """What happens to the objects from now on. Its errors come with its first event."""

        async def begin() -> Stream[WatchEvent]:
            return self._cluster.watch(
                resource, name, namespace=namespace, labels=labels, fields=fields, timeout=timeout
            )

        return AioStream(self._portal, self._portal.submit(begin))

    async def wait(
        self,
        target: str,
        until: str | Callable[[Object], bool] = "Ready",
        *,
        timeout: float | None = 30.0,  # noqa: ASYNC109  (cluster time, not the loop's)
        namespace: str | None = None,
        labels: str = "",
    ) -> None:
        """Return when `target` is as wanted. A function is called in the cluster's thread."""
        await self._call(self._cluster.wait, target, until, timeout=timeout, namespace=namespace, labels=labels)

    async def delete(
        self,
        target: str,
        *,
        namespace: str | None = None,
        labels: str = "",
        grace_period: int | None = None,
        propagation: Propagation = "Background",
    ) -> tuple[Object, ...]:
        """Delete `pod/web`, or with `labels` all of a resource that match."""
        return await self._call(
            self._cluster.delete,
            target,
            namespace=namespace,
            labels=labels,
            grace_period=grace_period,
            propagation=propagation,
        )

    async def patch(
        self, target: str, patch: Any, *, kind: PatchKind = "strategic", namespace: str | None = None
    ) -> Object:
        """Change a part of an object."""
        return await self._call(self._cluster.patch, target, patch, kind=kind, namespace=namespace)

    async def scale(self, target: str, replicas: int, *, namespace: str | None = None) -> Object:
        """Set how many replicas there should be."""
        return await self._call(self._cluster.scale, target, replicas, namespace=namespace)

    def rollout(self, target: str, *, namespace: str | None = None) -> AioRollout:
        """The rollout of `deployment/web`."""
        return AioRollout(self._portal, self._cluster.rollout(target, namespace=namespace))

    async def logs(
        self,
        target: str,
        *,
        container: str = "",
        namespace: str | None = None,
        previous: bool = False,
        tail: int | None = None,
        since: float | None = None,
        timestamps: bool = False,
    ) -> str:
        """What a container has printed."""
        return await self._call(
            self._cluster.logs,
            target,
            container=container,
            namespace=namespace,
            previous=previous,
            tail=tail,
            since=since,
            timestamps=timestamps,
        )

    def follow_logs(
        self,
        target: str,
        *,
        container: str = "",
        namespace: str | None = None,
        tail: int | None = None,
        since: float | None = None,
        timestamps: bool = False,
    ) -> AioStream[str]:
        """The same line by line, and what comes, until the container ends. Its errors come with its first line."""

        async def begin() -> Stream[str]:
            return self._cluster.follow_logs(
                target, container=container, namespace=namespace, tail=tail, since=since, timestamps=timestamps
            )

        return AioStream(self._portal, self._portal.submit(begin))

    async def exec(
        self,
        target: str,
        command: Sequence[str],
        *,
        container: str = "",
        namespace: str | None = None,
        stdin: str | bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  (cluster time, not the loop's)
    ) -> ExecResult:
        """Run a command in a container."""
        return await self._call(
            self._cluster.exec,
            target,
            command,
            container=container,
            namespace=namespace,
            stdin=stdin,
            timeout=timeout,
        )

    async def kill(self, target: str, *, container: str = "", namespace: str | None = None, signal: int = 9) -> None:
        """Send a signal to the first process of a pod's container, as if it crashed."""
        await self._call(self._cluster.kill, target, container=container, namespace=namespace, signal=signal)

    def node(self, name: str) -> AioNode:
        """A node, to cut off, stop and start again, or drain."""
        return AioNode(self._portal, self._cluster.node(name))

    async def url(self, service: str, *, namespace: str = "default", port: int | str | None = None) -> str:
        """`http://127.0.0.1:PORT/`, which leads to a TCP port of a Service."""
        return await self._call(self._cluster.url, service, namespace=namespace, port=port)

    async def stop(self) -> None:
        """End the cluster before its block ends."""
        await self._call(self._cluster.stop)

    async def _call(self, verb: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        return await result_of(self._portal.submit(verb, *args, **kwargs))


@asynccontextmanager
async def open_cluster(
    source: Source | None = None,
    *,
    name: str | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    virtual: bool = False,
    seed: int | None = None,
    nodes: int | None = None,
    runtime: RuntimeName | None = None,
    api: bool = False,
    guest: bool = False,
) -> AsyncIterator[Cluster]:
    """Run a cluster for as long as the block lasts. See `kube_actors.open_cluster`.

    With `guest` trio runs in the thread of this loop, in turns with it: no thread, and functions of yours that the
    cluster calls run in your own; a loop that is busy stops the cluster. The block must be left before the loop ends.
    """
    opening = await asyncio.to_thread(prepare, Wish(source, name, state_dir, virtual, seed, nodes, runtime, api))
    portal = GuestPortal(opening) if guest else ThreadPortal(opening)
    portal.start()
    raised: BaseException | None = None
    try:
        yield Cluster(portal, await patiently(portal.started, portal.abort))
    except BaseException as error:
        raised = error
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            portal.abort()
        raise
    finally:
        portal.end()
        with beside(lambda: raised):
            try:
                await patiently(portal.ended, portal.abort)
            finally:
                portal.join()
