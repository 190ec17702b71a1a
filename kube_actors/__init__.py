"""Kubernetes in one Python process: every node, pod, deployment and service is a trio actor.

The same cluster in four worlds, with the same verbs:

    async with kube_actors.open_cluster("cluster.yaml") as cluster:          # trio
    async with kube_actors.aio.open_cluster("cluster.yaml") as cluster:      # asyncio
    with kube_actors.run_cluster("cluster.yaml") as cluster:                 # plain code
    def test_shop(kube_cluster):                                             # pytest, by the plugin's fixtures

        await cluster.apply("shop.yaml")                          # in plain code the same without `await`
        await cluster.wait("deployment/shop", "Available", timeout=30)
        await cluster.get("pods", labels="app=shop")
        async for event in cluster.watch("pods"): ...
        await cluster.logs("deployment/shop", tail=10)
        await cluster.exec("deployment/shop", ["date"])
        await cluster.stop()                                      # or just leave the block

Importing this package is cheap: a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kube_actors import aio
    from kube_actors.actors.scheduler.policy import Scheduler
    from kube_actors.config.types import (
        ClusterConfig,
        ListenerConfig,
        NetworkConfig,
        NodeConfig,
        SchedulerConfig,
        Taint,
        Timeouts,
    )
    from kube_actors.embed.clock import Clock
    from kube_actors.embed.cluster import Cluster, open_cluster
    from kube_actors.embed.errors import ClusterStopped, WaitTimeout
    from kube_actors.embed.faults import Node
    from kube_actors.embed.results import Applied, ExecResult, Object, RolloutRevision, WatchEvent
    from kube_actors.embed.rollout import Rollout
    from kube_actors.embed.sources import Source
    from kube_actors.embed.streams import Stream
    from kube_actors.embed.sync_bridge import SyncStream
    from kube_actors.embed.sync_facade import SyncCluster, run_cluster
    from kube_actors.embed.sync_parts import SyncClock, SyncNode, SyncRollout
    from kube_actors.errors import ApiError, InputError, KubeActorsError, Problem
    from kube_actors.node.runtime.base import Image, ImageKind
    from kube_actors.store.journal.errors import JournalFailed, StateError
    from kube_actors.verbs.errors import UsageError, VerbError

__all__ = [
    "ApiError",
    "Applied",
    "Clock",
    "Cluster",
    "ClusterConfig",
    "ClusterStopped",
    "ExecResult",
    "Image",
    "ImageKind",
    "InputError",
    "JournalFailed",
    "KubeActorsError",
    "ListenerConfig",
    "NetworkConfig",
    "Node",
    "NodeConfig",
    "Object",
    "Problem",
    "Rollout",
    "RolloutRevision",
    "Scheduler",
    "SchedulerConfig",
    "Source",
    "StateError",
    "Stream",
    "SyncClock",
    "SyncCluster",
    "SyncNode",
    "SyncRollout",
    "SyncStream",
    "Taint",
    "Timeouts",
    "UsageError",
    "VerbError",
    "WaitTimeout",
    "WatchEvent",
    "aio",
    "open_cluster",
    "run_cluster",
]

_HOMES = {
    "actors.scheduler.policy": ("Scheduler",),
    "config.types": (
        "ClusterConfig",
        "ListenerConfig",
        "NetworkConfig",
        "NodeConfig",
        "SchedulerConfig",
        "Taint",
        "Timeouts",
    ),
    "embed.clock": ("Clock",),
    "embed.cluster": ("Cluster", "open_cluster"),
    "embed.errors": ("ClusterStopped", "WaitTimeout"),
    "embed.faults": ("Node",),
    "embed.results": ("Applied", "ExecResult", "Object", "RolloutRevision", "WatchEvent"),
    "embed.rollout": ("Rollout",),
    "embed.sources": ("Source",),
    "embed.streams": ("Stream",),
    "embed.sync_bridge": ("SyncStream",),
    "embed.sync_facade": ("SyncCluster", "run_cluster"),
    "embed.sync_parts": ("SyncClock", "SyncNode", "SyncRollout"),
    "errors": ("ApiError", "InputError", "KubeActorsError", "Problem"),
    "node.runtime.base": ("Image", "ImageKind"),
    "store.journal.errors": ("JournalFailed", "StateError"),
    "verbs.errors": ("UsageError", "VerbError"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first used."""
    if name == "aio":
        return import_module("kube_actors.aio")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"kube_actors.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
