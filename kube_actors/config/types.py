"""What a Cluster document says, checked and with defaults applied.

Durations are seconds, sizes bytes, cpu thousandths of a core.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from kube_actors.node.runtime.base import Image
from kube_actors.records import frozen

RuntimeName = Literal["process", "docker", "simulated"]
OnRuntimeExit = Literal["end", "keep"]


def machine_capacity() -> dict[str, str]:
    """What this machine has: its processors, its memory, its disk, and room for 110 pods as a kubelet says."""
    memory_kib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    disk = os.statvfs("/")
    return {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{memory_kib}Ki",
        "ephemeral-storage": f"{disk.f_blocks * disk.f_frsize // 1024}Ki",
        "pods": "110",
    }


@frozen
class Taint:
    """A taint a node is registered with."""

    key: str
    value: str
    effect: str


@frozen
class NodeConfig:
    """One node. Nodes written with `count: n` are spread out into n of these, named `<name>-1` … `<name>-n`."""

    name: str
    runtime: RuntimeName = "process"
    capacity: Mapping[str, str] = attrs.field(factory=machine_capacity)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    simulation: Mapping[str, Any] = attrs.field(factory=dict)
    docker: Mapping[str, Any] = attrs.field(factory=dict)


@frozen
class SchedulerConfig:
    """A scheduler pods can name. `policy` is `LeastAllocated` (spread) or `MostAllocated` (pack);
    `plugin` is `module:Class` of a scheduler of one's own, or in a program the class itself, made with `options`."""

    name: str = "default-scheduler"
    policy: Literal["LeastAllocated", "MostAllocated"] = "LeastAllocated"
    plugin: str | type[Any] | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict)


@frozen
class NetworkConfig:
    """Address ranges; None picks ones that collide with nothing on this machine."""

    pod_cidr: str | None = None
    service_cidr: str | None = None
    node_cidr: str | None = None
    cluster_domain: str = "cluster.local"


@frozen
class ListenerConfig:
    """A port of the machine that leads to a Service. Port 0 takes a free one."""

    service: str
    namespace: str = "default"
    service_port: str = ""
    host: str = "127.0.0.1"
    port: int = 0


@frozen
class ApiConfig:
    """The Kubernetes API over HTTPS. `port` 0 takes a free one on the first start and keeps it; `names` go into the
    certificate beside those it always has; `token_file` holds static bearer tokens."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    token_file: str | None = None


@frozen
class Timeouts:
    """How long things may take, in seconds."""

    shutdown: float = 10.0
    node_heartbeat: float = 10.0
    node_grace: float = 40.0
    default_toleration: float = 300.0
    event_ttl: float = 3600.0


@frozen
class ClusterConfig:
    """A whole cluster as its file describes it."""

    name: str = "default"
    nodes: tuple[NodeConfig, ...] = attrs.field(factory=lambda: (NodeConfig("node-1"),))
    images: Mapping[str, Image] = attrs.field(factory=dict)
    host_image: bool = True
    schedulers: tuple[SchedulerConfig, ...] = (SchedulerConfig(),)
    network: NetworkConfig = NetworkConfig()
    api: ApiConfig = ApiConfig()
    listeners: tuple[ListenerConfig, ...] = ()
    timeouts: Timeouts = Timeouts()
    on_runtime_exit: OnRuntimeExit = "end"
    tier: Literal["A", "B", "C"] | None = None
    seed: int = 0

    @property
    def needs_agent(self) -> bool:
        """Whether any node runs real processes."""
        return any(node.runtime == "process" for node in self.nodes)
