"""`run --virtual`: a cluster in virtual time, repeatable to the byte."""

from __future__ import annotations

import contextlib
import gc
import time

import trio

from kube_actors.api.times import rfc3339
from kube_actors.cli.applying import apply_findings, origin_of
from kube_actors.cli.main import INTERRUPTED, NOT_FOUND
from kube_actors.cli.prepared import Prepared
from kube_actors.cli.progress import rows
from kube_actors.cli.run_options import RunOptions
from kube_actors.cli.signals import EndSignals
from kube_actors.cli.trace_file import TraceWriter, trace_file
from kube_actors.cli.views import described, say
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.kernel import VirtualClock, seeded_scheduling
from kube_actors.log import Log

log = Log(__name__)


def run_virtual(prepared: Prepared, options: RunOptions, signals: EndSignals) -> int:
    """Live through `options.until` seconds of cluster time, tell how the cluster stands then, and end."""
    with seeded_scheduling(prepared.config.seed), contextlib.ExitStack() as stack:
        stream = stack.enter_context(trace_file(options.trace)) if options.trace else None
        writer = TraceWriter(stream, prepared.state.root) if stream else None
        return trio.run(_live, prepared, options, signals, writer)


async def _live(prepared: Prepared, options: RunOptions, signals: EndSignals, writer: TraceWriter | None) -> int:
    started = time.monotonic()
    assert options.until is not None, "checked with the options"
    status = INTERRUPTED
    async with open_cluster(prepared.config, state=prepared.state, clock=VirtualClock()) as cluster:
        gc.set_threshold(50_000, 20, 1000)
        gc.enable()
        stop_tracing = cluster.system.on_trace(writer.write) if writer else None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_on_signal, signals, nursery.cancel_scope, name="signals")
            nursery.start_soon(_cancel_on_failure, cluster, nursery.cancel_scope, name="failure")
            end = cluster.plane.clock.now() + options.until
            origin = origin_of(prepared.cluster, options.files)
            keys = await apply_findings(cluster.session, prepared.findings, origin, prune=False)
            await cluster.plane.clock.sleep_until(end)
            status = 0
            nursery.cancel_scope.cancel()
        if stop_tracing is not None:
            stop_tracing()
        if status == 0:
            for row in rows(cluster.plane.store, keys):
                say(described(row))
            say(f"at {rfc3339(cluster.plane.clock.now())}")
            log.info("lived through", cluster_seconds=options.until, seconds=round(time.monotonic() - started, 3))
    return status if signals.first is not None or status == 0 else NOT_FOUND


async def _cancel_on_signal(signals: EndSignals, scope: trio.CancelScope) -> None:
    await signals.wait(1)
    scope.cancel()


async def _cancel_on_failure(cluster: Cluster, scope: trio.CancelScope) -> None:
    error = await cluster.failed()
    log.error("the cluster cannot go on", error=str(error))
    scope.cancel()
