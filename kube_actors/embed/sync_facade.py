"""The cluster in plain code.

    import kube_actors

    POD = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    }

    with kube_actors.run_cluster(POD, virtual=True) as cluster:
        cluster.wait("pod/web", "Ready", timeout=60)
        pod = cluster.get("pods", "web")
        print(pod["status"]["phase"])

The cluster lives in a thread of its own; its verbs may be called from any other. Ctrl-C interrupts the call that waits,
and only that. Every verb does what its namesake of `kube_actors.Cluster` says.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

from kube_actors.config.types import ClusterConfig, RuntimeName
from kube_actors.embed import cluster as trio_facade
from kube_actors.embed.opening import Opening, Wish, prepare
from kube_actors.embed.plain_errors import beside
from kube_actors.embed.portal import ThreadPortal
from kube_actors.embed.results import Applied, ExecResult, Object, WatchEvent
from kube_actors.embed.sources import Source
from kube_actors.embed.streams import Stream
from kube_actors.embed.sync_bridge import SyncStream, done, result_of
from kube_actors.embed.sync_parts import SyncClock, SyncNode, SyncRollout
from kube_actors.verbs.apply import Conflicts
from kube_actors.verbs.delete import Propagation
from kube_actors.writes.patching import PatchKind

P = ParamSpec("P")
R = TypeVar("R")


class SyncCluster:
    """A running cluster, made by `run_cluster`: the verbs of `kube_actors.Cluster`, for plain code."""

    def __init__(self, portal: ThreadPortal, cluster: trio_facade.Cluster) -> None:
        self._portal = portal
        self._cluster = cluster
        self.clock = SyncClock(portal, cluster.clock)
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

    def apply(
        self,
        source: Source,
        *,
        namespace: str | None = None,
        conflicts: Conflicts = "take over",
        dry_run: bool = False,
    ) -> tuple[Applied, ...]:
        """Make the cluster hold what the source says."""
        return self._call(self._cluster.apply, source, namespace=namespace, conflicts=conflicts, dry_run=dry_run)

    @overload
    def get(self, resource: str, name: str, *, namespace: str | None = None) -> Object: ...

    @overload
    def get(self, resource: str, *, namespace: str | None = None, labels: str = "", fields: str = "") -> Any: ...

    def get(
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
        return self._call(self._cluster.get, resource, name, **where)  # type: ignore[arg-type]  # an overload each

    def watch(
        self,
        resource: str,
        name: str | None = None,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        timeout: float | None = None,
    ) -> SyncStream[WatchEvent]:
        """What happens to the objects from now on."""

        async def begin() -> Stream[WatchEvent]:
            return self._cluster.watch(
                resource, name, namespace=namespace, labels=labels, fields=fields, timeout=timeout
            )

        return SyncStream(self._portal, begin)

    def wait(
        self,
        target: str,
        until: str | Callable[[Object], bool] = "Ready",
        *,
        timeout: float | None = 30.0,
        namespace: str | None = None,
        labels: str = "",
    ) -> None:
        """Return when `target` is as wanted. A function is called in the cluster's thread."""
        self._call(self._cluster.wait, target, until, timeout=timeout, namespace=namespace, labels=labels)

    def delete(
        self,
        target: str,
        *,
        namespace: str | None = None,
        labels: str = "",
        grace_period: int | None = None,
        propagation: Propagation = "Background",
    ) -> tuple[Object, ...]:
        """Delete `pod/web`, or with `labels` all of a resource that match."""
        return self._call(
            self._cluster.delete,
            target,
            namespace=namespace,
            labels=labels,
            grace_period=grace_period,
            propagation=propagation,
        )

    def patch(self, target: str, patch: Any, *, kind: PatchKind = "strategic", namespace: str | None = None) -> Object:
        """Change a part of an object."""
        return self._call(self._cluster.patch, target, patch, kind=kind, namespace=namespace)

    def scale(self, target: str, replicas: int, *, namespace: str | None = None) -> Object:
        """Set how many replicas there should be."""
        return self._call(self._cluster.scale, target, replicas, namespace=namespace)

    def rollout(self, target: str, *, namespace: str | None = None) -> SyncRollout:
        """The rollout of `deployment/web`."""
        return SyncRollout(self._portal, self._cluster.rollout(target, namespace=namespace))

    def logs(
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
        return self._call(
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
    ) -> SyncStream[str]:
        """The same line by line, and what comes, until the container ends."""

        async def begin() -> Stream[str]:
            return self._cluster.follow_logs(
                target, container=container, namespace=namespace, tail=tail, since=since, timestamps=timestamps
            )

        return SyncStream(self._portal, begin)

    def exec(
        self,
        target: str,
        command: Sequence[str],
        *,
        container: str = "",
        namespace: str | None = None,
        stdin: str | bytes | None = None,
        timeout: float | None = None,
    ) -> ExecResult:
        """Run a command in a container."""
        return self._call(
            self._cluster.exec,
            target,
            command,
            container=container,
            namespace=namespace,
            stdin=stdin,
            timeout=timeout,
        )

    def kill(self, target: str, *, container: str = "", namespace: str | None = None, signal: int = 9) -> None:
        """Send a signal to the first process of a pod's container, as if it crashed."""
        self._call(self._cluster.kill, target, container=container, namespace=namespace, signal=signal)

    def node(self, name: str) -> SyncNode:
        """A node, to cut off, stop and start again, or drain."""
        return SyncNode(self._portal, self._cluster.node(name))

    def url(self, service: str, *, namespace: str = "default", port: int | str | None = None) -> str:
        """`http://127.0.0.1:PORT/`, which leads to a TCP port of a Service."""
        return self._call(self._cluster.url, service, namespace=namespace, port=port)

    def stop(self) -> None:
        """End the cluster before its block ends."""
        self._call(self._cluster.stop)

    def _call(self, verb: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        return result_of(self._portal, verb, *args, **kwargs)


@contextmanager
def run_cluster(
    source: Source | None = None,
    *,
    name: str | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    virtual: bool = False,
    seed: int | None = None,
    nodes: int | None = None,
    runtime: RuntimeName | None = None,
    api: bool = False,
) -> Iterator[SyncCluster]:
    """Run a cluster for as long as the block lasts. See `kube_actors.open_cluster`.

    Leaving it, also by Ctrl-C, ends pods in order; a Ctrl-C meanwhile ends them at once.
    """
    with running(prepare(Wish(source, name, state_dir, virtual, seed, nodes, runtime, api))) as cluster:
        yield cluster


@contextmanager
def running(opening: Opening) -> Iterator[SyncCluster]:
    """The same for one that has been prepared."""
    portal = ThreadPortal(opening)
    raised: BaseException | None = None
    try:
        portal.start()
        yield SyncCluster(portal, done(portal.started, portal.abort))
    except BaseException as error:
        raised = error
        raise
    finally:
        portal.end()
        with beside(lambda: raised):
            try:
                done(portal.ended, portal.abort)
            finally:
                portal.join()
