"""status_write: a kubelet's report on one pod through `writes/`, again and again, each with a change in it.

Processor time of the thread, for nothing here waits; the best of seven rounds of 2,000 writes, since anything else on
the machine can only add to it.
"""

from __future__ import annotations

import gc
import time
from random import Random
from typing import Any

import attrs
import trio

from benchmarks.measured import Values
from kube_actors.api.registry import Registry
from kube_actors.kernel import RealClock
from kube_actors.kinds import project
from kube_actors.store import Key, Store
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.writes import Client, Identity
from kube_actors.writes.pipeline import Pipeline

ROUNDS, WRITES = 7, 2000
SINCE = "2025-01-01T00:00:00Z"
POD = Key("pods", "default", "web")


def pod() -> dict[str, Any]:
    """A pod of the usual kind: 3.8 KB when it runs."""
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
    metadata = {"name": POD.name, "namespace": POD.namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def status(number: int) -> dict[str, Any]:
    """What the kubelet reports; `number` is the container's restarts."""
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    container = {
        "name": "app",
        "image": "nginx:1.27",
        "imageID": "nginx:1.27",
        "containerID": "process://1",
        "ready": True,
        "started": True,
        "restartCount": number,
        "state": {"running": {"startedAt": SINCE}},
        "lastState": {},
    }
    return {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "startTime": SINCE,
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": SINCE} for kind in kinds
        ],
        "containerStatuses": [container],
    }


@attrs.frozen
class Report:
    """What a kubelet makes of a pod's body: the same with its status in it, as the Pod actor does it."""

    status: dict[str, Any]

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """The new body."""
        return {**body, "status": {**body.get("status", {}), **self.status}}


async def _write() -> float:
    store = Store(MemoryJournal(), project=project, on_error=lambda error, commit: None)
    pipeline = Pipeline(store, Registry.built_in(), RealClock(), Random(0))
    client = Client(pipeline, Identity("system:node:node-1", ("system:nodes",), "kubelet"))
    await client.create(pod())
    await client.bind(POD, "node-1")
    rounds = []
    for round_ in range(ROUNDS + 1):
        began = time.thread_time()
        for number in range(WRITES):
            await client.edit(POD, Report(status(round_ * WRITES + number)), "status", in_place=False)
        rounds.append((time.thread_time() - began) / WRITES)
    return min(rounds[1:]) * 1e6


def measure(names: list[str]) -> Values:
    """`status_write`."""
    gc.set_threshold(50_000, 20, 1000)  # as the command line does
    return {"status_write": trio.run(_write)}
