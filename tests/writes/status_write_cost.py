"""Print what one write of a pod's status costs: `python -m tests.writes.status_write_cost`.

Processor time of this thread, best of seven rounds, garbage collected as the command line has it; beside it, as a
measure of the machine, what reading the same object once costs.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import trio

from kube_actors.store import Key

from .world import World, pod

ROUNDS, WRITES = 7, 2000
SINCE = "2025-01-01T00:00:00Z"
POD = Key("pods", "default", "web")


class Report:
    """A change of the status: the container's restarts."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, body: dict[str, Any]) -> None:
        """Write the whole status, as a kubelet does."""
        body["status"].update(_status(self.number))


def _status(number: int) -> dict[str, Any]:
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": SINCE}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    container = {
        "name": "app",
        "image": "nginx:1.27",
        "containerID": "process://1",
        "ready": True,
        "started": True,
        "restartCount": number,
        "state": {"running": {"startedAt": SINCE}},
    }
    return {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "startTime": SINCE,
        "conditions": conditions,
        "containerStatuses": [container],
    }


def _pod() -> dict[str, Any]:
    probe = {"httpGet": {"port": 80, "path": "/health"}}
    amounts = {"cpu": "100m", "memory": "64Mi"}
    container = {
        "name": "app",
        "image": "nginx:1.27",
        "command": ["nginx", "-g", "daemon off;"],
        "env": [{"name": name, "value": "some value"} for name in ("FIRST", "SECOND")],
        "ports": [{"containerPort": 80}],
        "resources": {"requests": amounts, "limits": amounts},
        "readinessProbe": probe,
        "livenessProbe": probe,
    }
    return pod(containers=[container])


async def measure() -> None:
    """Write the status of one pod over and over."""
    world = await World().with_namespace()
    await world.client.create(_pod())
    await world.client.bind(POD, "node-1")
    kubelet = world.named("kubelet")
    times = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for number in range(WRITES):
            await kubelet.mutate(POD, Report(number), subresource="status")
        times.append((time.thread_time() - began) / WRITES)
    live = kubelet.live(POD)
    began = time.thread_time()
    for _ in range(WRITES):
        live.body()
    reading = (time.thread_time() - began) / WRITES
    print(f"status write {min(times) * 1e6:.0f} µs; reading its {len(live.raw)} bytes once {reading * 1e6:.0f} µs")


if __name__ == "__main__":
    gc.set_threshold(50_000, 20, 1000)
    trio.run(measure)
