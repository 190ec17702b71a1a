"""pods_100: a Deployment of 100 real pods of one `sleep`, created until all are ready; the median of three clusters."""

from __future__ import annotations

import gc
import statistics
import time

import trio

from benchmarks.measured import Values, say
from benchmarks.real_pods import cluster_of_processes, deployment, ready_pods
from benchmarks.waiting import until

PODS, RUNS = 100, 3


async def _run() -> float:
    async with cluster_of_processes() as cluster:
        began = time.perf_counter()
        await cluster.session.client.create(deployment("sleep", PODS, {"command": ["sleep", "3600"]}))
        await until(lambda: ready_pods(cluster) == PODS, f"{PODS} pods")
        return time.perf_counter() - began


def measure(names: list[str]) -> Values:
    """`pods_100`."""
    gc.set_threshold(50_000, 20, 1000)  # as the command line does
    runs = [trio.run(_run) for _ in range(RUNS)]
    say(f"runs: {runs}")
    return {"pods_100": statistics.median(runs)}
