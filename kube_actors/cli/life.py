"""The life of one cluster in real time: start, show, stay, drain."""

from __future__ import annotations

import functools
import gc
import shlex
import sys
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import trio

from kube_actors.cli.about import VERSION
from kube_actors.cli.main import NOT_FOUND
from kube_actors.cli.memory import map_large_blocks
from kube_actors.cli.prepared import Prepared
from kube_actors.cli.processes import ProcessIdentity
from kube_actors.cli.run_options import RunOptions
from kube_actors.cli.runtime_file import RuntimeRecord, write_record
from kube_actors.cli.signals import EndSignals
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.log import Log
from kube_actors.network.services import ServiceName
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.records import define
from kube_actors.verbs.session import Session

TEARDOWN_SECONDS = 1.0
"""What is left of the shutdown time for taking down what pods leave behind."""
SWITCH_SECONDS = 0.002
"""After so long a thread gives way to another one: what is done aside may take seconds, and each read and write of a
client waits this long then: Python's own 5 ms make 20 ms of a request, and 0.5 ms make each write dearer by 4 %."""
FIRST_TURN_SECONDS = 0.002
"""Whoever waited for the console is answered before the first line of the log is said, which takes 20 ms to prepare."""

log = Log(__name__)


def _shown(service: ServiceName) -> str:
    """`web`, or `shop/web` outside the namespace default."""
    return service.name if service.namespace == "default" else f"{service.namespace}/{service.name}"


def _console(session: Session, path: Path) -> AbstractAsyncContextManager[object]:
    """The console's code, as that of what comes after it, is read when the API is served."""
    from kube_actors.console.server import open_console

    return open_console(session, path)


@define
class Life:
    """One run. `interpreter` waits to become the agent of a cluster that needs one."""

    prepared: Prepared
    options: RunOptions
    signals: EndSignals
    interpreter: AgentInterpreter | None = None
    status: int = 0
    started: bool = False

    async def live(self) -> int:
        """Start, show, stay, drain; answers the exit status."""
        started = time.monotonic()
        config = self.prepared.config
        state, serve = self.prepared.state, config.api.enabled
        opening = open_cluster(config, state=state, serve=serve, interpreter=self.interpreter)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._not_even_started, nursery.cancel_scope)
            await self._live_in(opening, started)
            nursery.cancel_scope.cancel()
        return self.status

    async def _live_in(self, opening: AbstractAsyncContextManager[Cluster], started: float) -> None:
        socket = self.prepared.state.console_socket
        async with opening as cluster, _console(cluster.session, socket):
            self.started = True
            self._record(cluster)
            gc.set_threshold(50_000, 20, 1000)  # with many actors the default makes timers seconds late
            gc.freeze()  # nothing that is here by now is garbage, and looking through it takes time clients wait for
            gc.enable()
            sys.setswitchinterval(SWITCH_SECONDS)
            map_large_blocks()
            await trio.sleep(FIRST_TURN_SECONDS)
            tier = {"tier": cluster.tier} if cluster.tier else {}
            log.info("cluster started", name=cluster.config.name, **tier, seconds=round(time.monotonic() - started, 3))
            await self._until_end(cluster, started)

    async def _not_even_started(self, scope: trio.CancelScope) -> None:
        """A signal before there is anything to drain."""
        await self.signals.wait(1)
        if not self.started:
            self.status = self.signals.status
            scope.cancel()

    def _record(self, cluster: Cluster) -> None:
        """Tell other commands where this cluster is."""
        config, state = cluster.config, self.prepared.state
        record = RuntimeRecord(
            name=config.name,
            process=ProcessIdentity.own(),
            console=str(state.console_socket),
            version=VERSION,
            started=time.time(),
            listeners=tuple((_shown(each.service), each.url) for each in cluster.listeners),
            tier=cluster.tier,
            shutdown_seconds=config.timeouts.shutdown,
            api=cluster.api.url if cluster.api is not None else "",
        )
        write_record(state.runtime_file, record)

    async def _until_end(self, cluster: Cluster, started: float) -> None:
        """Work until a signal comes, time is up or the cluster fails; then end its pods, and what its clients do."""
        async with trio.open_nursery() as nursery:
            for ending in (self._signalled, self._time_is_up, self._failing):
                nursery.start_soon(ending, cluster, nursery.cancel_scope)
            await self._work(cluster, started)
            await trio.sleep_forever()
        if self.status != NOT_FOUND:
            await self._drain(cluster)

    async def _signalled(self, _cluster: Cluster, scope: trio.CancelScope) -> None:
        await self.signals.wait(1)
        self.status = self.signals.status
        log.info("ending", signal=self.signals.first.name if self.signals.first else "")
        scope.cancel()

    async def _time_is_up(self, cluster: Cluster, scope: trio.CancelScope) -> None:
        if self.options.until is not None:
            await cluster.plane.clock.sleep(self.options.until)
            log.info("ending", reason="--until")
            scope.cancel()

    async def _failing(self, cluster: Cluster, scope: trio.CancelScope) -> None:
        error = await cluster.failed()
        log.error("the cluster cannot go on", error=str(error))
        self.status = NOT_FOUND
        scope.cancel()

    async def _work(self, cluster: Cluster, started: float) -> None:
        """Apply the files, show how they come up, and say where the first listener is."""
        from kube_actors.cli.applying import apply_findings, origin_of
        from kube_actors.cli.following import show_until_ready, until_answering
        from kube_actors.cli.views import say, view

        origin = origin_of(self.prepared.cluster, self.options.files)
        keys = await apply_findings(cluster.session, self.prepared.findings, origin, prune=self.options.prune)
        with view(interactive=self.options.interactive) as shown:
            await show_until_ready(cluster.plane.store, keys, shown)
        say(f"ready in {time.monotonic() - started:.1f} s")
        if cluster.api is not None:
            say(f"export KUBECONFIG={shlex.quote(str(cluster.api.kubeconfig))}")
        for listener in reversed(cluster.listeners):
            tell = functools.partial(log.warning, "the listener does not answer yet", url=listener.url)
            await until_answering(listener.host, listener.port, lambda trouble, tell=tell: tell(trouble=trouble))  # type: ignore[misc]
            say(listener.url)
        gc.collect()
        gc.freeze()  # what is here now stays: never look through it again

    async def _drain(self, cluster: Cluster) -> None:
        """End the pods in order, within the shutdown time; a second signal ends the waiting."""
        seconds = cluster.config.timeouts.shutdown
        grace = max(seconds - TEARDOWN_SECONDS, seconds / 2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pressed, nursery.cancel_scope)
            if cluster.config.on_runtime_exit == "keep":
                log.info("pods run on; the next start takes them over")
            else:
                with trio.move_on_after(grace):
                    await cluster.drain(grace)
            await cluster.end_serving()
            nursery.cancel_scope.cancel()

    async def _pressed(self, scope: trio.CancelScope) -> None:
        await self.signals.wait(2)
        log.warning("ending at once", signal=self.signals.received[-1].name)
        scope.cancel()
