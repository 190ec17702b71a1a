"""The cluster in a trio program.

    import kube_actors, trio

    POD = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    }

    async def main():
        async with kube_actors.open_cluster(POD, virtual=True) as cluster:
            await cluster.wait("pod/web", "Ready", timeout=60)
            pod = await cluster.get("pods", "web")
            print(pod["status"]["phase"])

    trio.run(main)

Every verb is awaited, those too that never wait here, so that the same lines work under asyncio.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, overload

import trio

from kube_actors.config.types import ClusterConfig, RuntimeName
from kube_actors.embed import doing, following
from kube_actors.embed.clock import Clock
from kube_actors.embed.faults import Node, kill
from kube_actors.embed.life import Life
from kube_actors.embed.opening import Opening, Wish, prepare
from kube_actors.embed.plain_errors import beside, is_cancelling, ungrouped
from kube_actors.embed.reaching import service_url
from kube_actors.embed.results import Applied, ExecResult, Object, WatchEvent
from kube_actors.embed.rollout import Rollout
from kube_actors.embed.sources import Source
from kube_actors.embed.streams import Stream
from kube_actors.verbs.apply import Conflicts
from kube_actors.verbs.delete import Propagation
from kube_actors.verbs.errors import UsageError
from kube_actors.writes.patching import PatchKind


class Cluster:
    """A running cluster, made by `open_cluster`.

    Objects are named as with kubectl: a resource is `pods`, `po` or `Pod`, one object `deployment/web`; `namespace`
    None is `default`. Times are in seconds of cluster time, which is real time unless the cluster is virtual.
    Every verb raises ApiError as Kubernetes answers, UsageError for what makes no sense, ClusterStopped after the end.
    """

    def __init__(self, life: Life) -> None:
        self._life = life
        self.clock = Clock(life)
        """Cluster time: `now`, `advance`, `sleep`, `pause`, `resume`."""

    @property
    def config(self) -> ClusterConfig:
        """What it is made of now: the Cluster document with its defaults, and every node."""
        return self._life.cluster.config

    @property
    def name(self) -> str:
        """Its name."""
        return self._life.config.name

    @property
    def tier(self) -> str:
        """How well pods of process nodes are kept apart on this machine: A, B or C; "" without process nodes."""
        return self._life.cluster.tier

    @property
    def state_dir(self) -> Path:
        """Where its files are: journal and pod logs. Gone with the cluster, unless it was opened with `state_dir`."""
        return self._life.cluster.state.root

    @property
    def kubeconfig(self) -> Path:
        """The file for `KUBECONFIG`, with which kubectl and client libraries work with this cluster; gone with it.

        UsageError unless it was opened with `api=True`.
        """
        api = self._life.cluster.api
        if api is None:
            raise UsageError("this cluster serves no API: open it with api=True")
        return api.kubeconfig

    async def apply(
        self,
        source: Source,
        *,
        namespace: str | None = None,
        conflicts: Conflicts = "take over",
        dry_run: bool = False,
    ) -> tuple[Applied, ...]:
        """Make the cluster hold what the source says, by server-side apply; one answer per object, in order.

        A Cluster document in it adds, removes and relabels nodes. `conflicts`: fields set by others are taken over with
        a warning ("take over"), refused ("refuse"), or taken over silently ("force").
        InputError with every problem of the source; then nothing was done.
        """
        with self._life.working() as session:
            return await doing.apply(session.in_namespace(namespace), source, conflicts, dry_run=dry_run)

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
        """The object `get("deployments", "web")` or `get("deployment/web")`; without a name the list of all of the
        namespace ("*": of all namespaces) that the selectors `labels` and `fields` let through, by name. ApiError 404.
        """
        with self._life.working() as session:
            return await doing.get(session, resource, name, doing.Where(namespace, labels, fields))

    def watch(
        self,
        resource: str,
        name: str | None = None,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        timeout: float | None = None,
    ) -> Stream[WatchEvent]:
        """What happens to the objects from now on: `async for event in cluster.watch("pods")`. It begins with an ADDED
        for each that is there, and ends after `timeout` seconds (None: never). ApiError 410 for one who is too slow."""
        where = doing.Where(namespace, labels, fields)
        with self._life.working() as session:
            return following.watch(self._life, session, resource, name, where, timeout)

    async def wait(
        self,
        target: str,
        until: str | Callable[[Object], bool] = "Ready",
        *,
        timeout: float | None = 30.0,  # noqa: ASYNC109  (cluster time, not trio's)
        namespace: str | None = None,
        labels: str = "",
    ) -> None:
        """Return when `target` is as wanted: `deployment/web`, or with `labels` every one of a resource.

        `until` is a condition ("Available", "Ready=False"), "create", "delete", "jsonpath={.status.phase}=Running", or
        a function that is given the object after every change. WaitTimeout after `timeout` seconds (None: never), 0
        only looks; ApiError 404 when there is nothing to wait for.
        """
        waiting = doing.Waiting(until, timeout)
        with self._life.working() as session:
            await doing.wait(session, target, waiting, doing.Where(namespace, labels))

    async def delete(
        self,
        target: str,
        *,
        namespace: str | None = None,
        labels: str = "",
        grace_period: int | None = None,
        propagation: Propagation = "Background",
    ) -> tuple[Object, ...]:
        """Delete `pod/web`, or with `labels` all of a resource that match; answers them as they were. What they own
        goes with them. Does not wait until they are gone: `wait(target, "delete")`. ApiError 404."""
        where = doing.Where(namespace, labels)
        with self._life.working() as session:
            return await doing.delete(session, target, where, grace_period, propagation)

    async def patch(
        self, target: str, patch: Any, *, kind: PatchKind = "strategic", namespace: str | None = None
    ) -> Object:
        """Change a part of an object: `patch("deployment/web", {"spec": {"replicas": 2}})`; answers the whole. `kind`
        is "strategic", "merge" or "json"."""
        with self._life.working() as session:
            return await doing.patch(session.in_namespace(namespace), target, patch, kind)

    async def scale(self, target: str, replicas: int, *, namespace: str | None = None) -> Object:
        """Set how many replicas there should be; answers the object."""
        with self._life.working() as session:
            return await doing.scale(session.in_namespace(namespace), target, replicas)

    def rollout(self, target: str, *, namespace: str | None = None) -> Rollout:
        """The rollout of `deployment/web`: its `status`, `history`, `undo`, `restart`, `pause` and `resume`."""
        return Rollout(self._life, target, namespace)

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
        """What a container has printed: of the pod of that name, or of one pod of `deployment/web`. `tail` is in lines,
        `since` in seconds back from now; `previous` is the attempt before the last restart. ApiError 400 before it
        has begun."""
        wanted = following.Wanted(container, previous, tail, since, timestamps)
        with self._life.working() as session:
            return await following.logs(session.in_namespace(namespace), target, wanted)

    def follow_logs(
        self,
        target: str,
        *,
        container: str = "",
        namespace: str | None = None,
        tail: int | None = None,
        since: float | None = None,
        timestamps: bool = False,
    ) -> Stream[str]:
        """The same line by line (without line ends), and what comes, until the container ends."""
        wanted = following.Wanted(container, False, tail, since, timestamps)
        with self._life.working() as session:
            return following.follow_logs(self._life, session.in_namespace(namespace), target, wanted)

    async def exec(
        self,
        target: str,
        command: Sequence[str],
        *,
        container: str = "",
        namespace: str | None = None,
        stdin: str | bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  (cluster time, not trio's)
    ) -> ExecResult:
        """Run a command in a container and answer what it printed and its exit code. After `timeout` seconds it is
        killed, and WaitTimeout raised. ApiError when the container does not run."""
        run = doing.Command(tuple(command), container, stdin, timeout)
        with self._life.working() as session:
            return await doing.execute(session.in_namespace(namespace), target, run)

    async def kill(self, target: str, *, container: str = "", namespace: str | None = None, signal: int = 9) -> None:
        """Send a signal to the first process of a pod's container, as if it crashed: it is restarted as its
        restartPolicy says."""
        with self._life.working() as session:
            await kill(session.in_namespace(namespace), target, container, signal)

    def node(self, name: str) -> Node:
        """A node, to cut off, stop and start again, or drain."""
        return Node(self._life, name)

    async def url(self, service: str, *, namespace: str = "default", port: int | str | None = None) -> str:
        """`http://127.0.0.1:PORT/`, which leads to a TCP port of a Service (its first, or by number or name).
        Connections are refused while it has no ready pod. Stays the same until the cluster stops. ApiError 404."""
        with self._life.working() as session:
            return service_url(self._life.cluster, session, (namespace, service), port)

    async def stop(self) -> None:
        """End the cluster before its block ends: pods in order with preStop and grace, then everything else."""
        await self._life.stop()


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
) -> AsyncIterator[Cluster]:
    """Run a cluster for as long as the block lasts: what the source describes, with its manifests applied.

    `source` is a path, YAML text, an object or several of these (see `Source`). Without a Cluster document in it there
    are `nodes` (1) of a `runtime`: "process", "docker" or "simulated". `virtual` (simulated nodes only): time passes
    only while somebody waits for the cluster, and then at once. `name` and `seed` (of all randomness) win over the
    source's. With `api` it serves the Kubernetes API as well (`kubeconfig` says where). The state goes with the block,
    unless a `state_dir` is given: it is `state_dir/name`, and opening it again, or `kube-actors run --state-dir`, goes
    on where this ended. Leaving the block ends pods in order (preStop, SIGTERM, grace, within the shutdownTimeout); a
    cancelled block ends them at once.
    Raises InputError with every problem of the source, and StateError when the state cannot be used.
    """
    opening = await trio.to_thread.run_sync(prepare, Wish(source, name, state_dir, virtual, seed, nodes, runtime, api))
    async with opened(opening) as cluster:
        yield cluster


@asynccontextmanager
async def opened(opening: Opening) -> AsyncIterator[Cluster]:
    """The same for one that has been prepared."""
    life = Life(opening)
    raised: BaseException | None = None
    with beside(lambda: raised), ungrouped():
        async with trio.open_nursery() as nursery:
            await nursery.start(life.run, name=f"cluster {opening.config.name}")
            try:
                yield Cluster(life)
            except BaseException as error:
                if is_cancelling(error):
                    raise
                raised = error  # raised again below, as it was, when the cluster has ended
            await life.stop()
    if raised is not None:
        raise raised
