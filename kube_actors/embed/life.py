"""One running cluster, from its start to the end of its last process.

It runs in a task of its own, so that it can be stopped in the middle of the block that opened it, and so that what the
block raises comes out as it was raised. Whoever works with it does so inside `working()`, which ends when it ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from kube_actors.cluster import Cluster as Running
from kube_actors.cluster import open_cluster as run_core
from kube_actors.embed.errors import ClusterStopped
from kube_actors.embed.gate import Gate
from kube_actors.embed.opening import FIELD_MANAGER, Opening
from kube_actors.embed.sources import placed, raise_problems
from kube_actors.kernel import ClockMode, ClusterClock, RealClock, VirtualClock
from kube_actors.state import StateDirectory
from kube_actors.verbs.apply import apply
from kube_actors.verbs.session import Session


class Life:
    """See the module. `run` lives it; the rest is for the same trio run, once that has started."""

    cluster: Running
    session: Session
    tasks: trio.Nursery
    """For what serves the caller (streams); ends with the life."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.config = opening.config
        self.clock: ClusterClock = VirtualClock() if opening.virtual else RealClock()
        self.gate = Gate(self.clock, virtual=opening.virtual)
        self.token = trio.lowlevel.current_trio_token()
        self._ending = trio.Event()
        self._ended = trio.Event()
        self._work: set[trio.CancelScope] = set()
        self._failure: BaseException | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start, apply the manifests, stay until told to stop, end the pods in order. Cancelled, it ends at once.

        Raises InputError and StateError before anything is started, later what the cluster cannot live without.
        """
        state = self.opening.make_state()
        try:
            serve = self.opening.api
            async with run_core(self.config, state=state, clock=self.clock, serve=serve) as self.cluster:
                self.session = self.cluster.session.written_by(FIELD_MANAGER)
                await self._apply_manifests()
                async with trio.open_nursery() as self.tasks:
                    self.tasks.start_soon(self._watch_journal, name="journal watch")
                    task_status.started()
                    await self._ending.wait()
                    self._end_work()
                    self.tasks.cancel_scope.cancel()
                await self._drain()
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ending.set()
            self._end_work()
            await _clean_up(state)
            self._ended.set()

    async def stop(self) -> None:
        """End the cluster, its pods first and in order; returns when nothing is left. Twice is once."""
        self._ending.set()
        await self._ended.wait()

    @contextmanager
    def working(self) -> Iterator[Session]:
        """Do something with the cluster; virtual time may pass meanwhile. ClusterStopped when it has ended, or ends."""
        if self._ending.is_set():
            raise self._stopped()
        with trio.CancelScope() as scope, self.gate.open():
            self._work.add(scope)
            try:
                yield self.session
            finally:
                self._work.discard(scope)
        if scope.cancelled_caught:
            raise self._stopped()

    def _stopped(self) -> ClusterStopped:
        stopped = ClusterStopped(f"cluster {self.config.name!r} has stopped")
        stopped.__cause__ = self._failure
        return stopped

    async def _apply_manifests(self) -> None:
        with placed():
            applied = await apply(self.session, self.opening.manifests)
        raise_problems(each.error for each in applied if each.error is not None)

    def _end_work(self) -> None:
        for scope in tuple(self._work):
            scope.cancel()

    async def _watch_journal(self) -> None:
        raise await self.cluster.failed()

    async def _drain(self) -> None:
        """preStop, SIGTERM and grace for what really runs. Simulated pods that nothing remembers just go."""
        config = self.cluster.config
        leaves_nothing = self.opening.state is None and all(node.runtime == "simulated" for node in config.nodes)
        if config.on_runtime_exit != "keep" and not leaves_nothing:
            if self.clock.mode is ClockMode.PAUSED:
                self.clock.resume()
            with self.gate.open():
                await self.cluster.drain(config.timeouts.shutdown)
        await self.cluster.end_serving()


async def _clean_up(state: StateDirectory) -> None:
    if not state.ephemeral:
        return
    with trio.CancelScope(shield=True):
        for directory in (state.root, state.sockets):
            await trio.to_thread.run_sync(lambda path=directory: shutil.rmtree(path, ignore_errors=True))  # type: ignore[misc]
