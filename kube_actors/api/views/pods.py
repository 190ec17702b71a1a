"""Pods: spec and status, complete enough to run one."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import Container, ResourceRequirements
from kube_actors.api.views.converter import ALWAYS, Time, always
from kube_actors.api.views.metadata import ObjectMeta
from kube_actors.api.views.placement import Affinity, Toleration, TopologySpreadConstraint
from kube_actors.api.views.volumes import Volume
from kube_actors.records import frozen


@frozen
class Sysctl:
    """A kernel parameter of the pod's namespaces."""

    name: str = ""
    value: str = ""


@frozen
class PodSecurityContext:
    """Security settings of all the pod's containers."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    fs_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()


@frozen
class PodDnsConfigOption:
    """A resolver option; None means no value."""

    name: str = ""
    value: str | None = None


@frozen
class PodDnsConfig:
    """Resolver settings added to what the DNS policy gives."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[PodDnsConfigOption, ...] = ()


@frozen
class HostAlias:
    """A line of /etc/hosts."""

    ip: str = ""
    hostnames: tuple[str, ...] = ()


@frozen
class ReadinessGate:
    """A further condition the pod's readiness waits for."""

    condition_type: str = ""


@frozen
class SchedulingGate:
    """Something that keeps the scheduler from looking at the pod."""

    name: str = ""


@frozen
class PodOs:
    """The operating system that a pod is made for."""

    name: str = ""


@frozen
class PodSpec:
    """What a pod is to be."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    node_name: str = ""
    scheduler_name: str = "default-scheduler"
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    node_selector: Mapping[str, str] = attrs.field(factory=dict)
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    priority: int = 0
    preemption_policy: str = "PreemptLowerPriority"
    security_context: PodSecurityContext | None = None
    resources: PodResources | None = None
    overhead: Mapping[str, Quantity] = attrs.field(factory=dict)
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    host_users: bool | None = None
    share_process_namespace: bool = False
    hostname: str = ""
    hostname_override: str = ""
    subdomain: str = ""
    set_hostname_as_fqdn: bool = False
    host_aliases: tuple[HostAlias, ...] = ()
    dns_policy: str = "ClusterFirst"
    dns_config: PodDnsConfig | None = None
    enable_service_links: bool = True
    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    readiness_gates: tuple[ReadinessGate, ...] = ()
    os: PodOs | None = None

    @property
    def debug_containers(self) -> tuple[Container, ...]:
        """The ephemeral containers; they run once, whatever the pod's policy."""
        return tuple(attrs.evolve(one, restart_policy="Never") for one in self.ephemeral_containers)


@frozen
class PodResources:
    """Requests and limits of the pod as a whole."""

    requests: Mapping[str, Quantity] = attrs.field(factory=dict)
    limits: Mapping[str, Quantity] = attrs.field(factory=dict)


@frozen
class ContainerStateWaiting:
    """Why a container does not run yet, or not again."""

    reason: str = ""
    message: str = ""


@frozen
class ContainerStateRunning:
    """Since when it runs."""

    started_at: Time | None = None


@frozen
class ContainerStateTerminated:
    """How it ended."""

    exit_code: int = always(default=0)
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: Time | None = None
    finished_at: Time | None = None
    container_id: str = ""


@frozen
class ContainerState:
    """One of three, or none: nothing is known yet."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


@frozen
class VolumeMountStatus:
    """A volume as a container has it; `recursive_read_only` is said of read-only mounts."""

    name: str = always(default="")
    mount_path: str = always(default="")
    read_only: bool = False
    recursive_read_only: str = ""


@frozen
class ContainerStatus:
    """What became of one container; `restart_count` counts finished attempts."""

    name: str = always(default="")
    state: ContainerState = attrs.field(factory=ContainerState, metadata=ALWAYS)
    last_state: ContainerState = attrs.field(factory=ContainerState, metadata=ALWAYS)
    ready: bool = always(default=False)
    restart_count: int = always(default=0)
    image: str = always(default="")
    image_id: str = always(default="")
    container_id: str = ""
    started: bool | None = None
    resources: ResourceRequirements | None = None
    allocated_resources: Mapping[str, Quantity] = attrs.field(factory=dict)
    volume_mounts: tuple[VolumeMountStatus, ...] = ()


@frozen
class PodIp:
    """An address of a pod or its node."""

    ip: str = ""


@frozen
class PodCondition:
    """A condition of a pod; times are epoch seconds."""

    type: str = always(default="")
    status: str = always(default="")
    observed_generation: int = 0
    reason: str = ""
    message: str = ""
    last_probe_time: Time | None = always(default=None)
    last_transition_time: Time | None = None


@frozen
class PodStatus:
    """What a pod is."""

    phase: str = ""
    observed_generation: int = 0
    conditions: tuple[PodCondition, ...] = ()
    message: str = ""
    reason: str = ""
    nominated_node_name: str = ""
    host_ip: str = ""
    host_ips: tuple[PodIp, ...] = ()
    pod_ip: str = ""
    pod_ips: tuple[PodIp, ...] = ()
    start_time: Time | None = None
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()
    qos_class: str = ""

    def condition(self, kind: str) -> PodCondition | None:
        """The condition of that type, if it was ever set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen
class PodView:
    """A pod."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
