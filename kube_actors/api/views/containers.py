"""Containers of a pod's spec: command, environment, probes, hooks, security and resources."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.records import frozen


@frozen
class ContainerPort:
    """A port the container serves; `host_port` 0 means none on the node."""

    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0
    host_ip: str = ""


@frozen
class KeySelector:
    """One key of a ConfigMap or Secret; with `optional` it may be missing."""

    name: str = ""
    key: str = ""
    optional: bool = False


@frozen
class ObjectFieldSelector:
    """A field of the pod itself, such as `status.podIP` or `metadata.labels['app']`."""

    field_path: str = ""
    api_version: str = "v1"


@frozen
class ResourceFieldSelector:
    """A resource of a container, such as `limits.memory`, divided (rounding up) by `divisor`; 0 stands for 1."""

    resource: str = ""
    container_name: str = ""
    divisor: Quantity | None = None


@frozen
class EnvVarSource:
    """Where an environment variable's value comes from; exactly one is given."""

    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


@frozen
class EnvVar:
    """One environment variable; `value` may refer to earlier ones as `$(NAME)`."""

    name: str = ""
    value: str = ""
    value_from: EnvVarSource | None = None


@frozen
class EnvFromReference:
    """A ConfigMap or Secret whose every key becomes a variable."""

    name: str = ""
    optional: bool = False


@frozen
class EnvFromSource:
    """Variables taken from a whole ConfigMap or Secret."""

    prefix: str = ""
    config_map_ref: EnvFromReference | None = None
    secret_ref: EnvFromReference | None = None


@frozen
class VolumeMount:
    """A volume inside a container."""

    name: str = ""
    mount_path: str = ""
    read_only: bool = False
    sub_path: str = ""
    sub_path_expr: str = ""
    mount_propagation: str = ""
    recursive_read_only: str = ""


@frozen
class ExecAction:
    """A command run in the container, without a shell."""

    command: tuple[str, ...] = ()


@frozen
class HttpHeader:
    """A header sent with a probe or hook."""

    name: str = ""
    value: str = ""


@frozen
class HttpGetAction:
    """An HTTP GET; `port` is a number or a container port's name, `host` defaults to the pod's address."""

    port: int | str = 0
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


@frozen
class TcpSocketAction:
    """A TCP connection that only has to be accepted."""

    port: int | str = 0
    host: str = ""


@frozen
class GrpcAction:
    """A call of the gRPC health service."""

    port: int = 0
    service: str = ""


@frozen
class SleepAction:
    """Wait that many seconds."""

    seconds: int = 0


@frozen
class Probe:
    """A liveness, readiness or startup probe; times in seconds, thresholds in consecutive results."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    grpc: GrpcAction | None = None
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


@frozen
class LifecycleHandler:
    """What a hook does; exactly one is given."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    sleep: SleepAction | None = None


@frozen
class Lifecycle:
    """Hooks around a container's life."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


@frozen
class Capabilities:
    """Linux capabilities added to and dropped from the default, without `CAP_`."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@frozen
class SecurityContext:
    """A container's own security settings; None falls back to the pod's."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    capabilities: Capabilities | None = None
    proc_mount: str = ""


@frozen
class ResourceRequirements:
    """Requests and limits by resource name."""

    requests: Mapping[str, Quantity] = attrs.field(factory=dict)
    limits: Mapping[str, Quantity] = attrs.field(factory=dict)


@frozen
class ResizePolicy:
    """What a change of a resource (`cpu`, `memory`) takes: NotRequired or RestartContainer."""

    resource_name: str = ""
    restart_policy: str = "NotRequired"


@frozen
class RestartRuleExitCodes:
    """Exit codes a restart rule speaks of; `operator` is In or NotIn."""

    operator: str = "In"
    values: tuple[int, ...] = ()

    def matches(self, exit_code: int) -> bool:
        """Whether the rule applies to this exit code."""
        return (exit_code in self.values) == (self.operator == "In")


@frozen
class RestartRule:
    """A container's own rule: on these exit codes do `action` (Restart), whatever the policy."""

    action: str = ""
    exit_codes: RestartRuleExitCodes | None = None


@frozen
class Container:
    """A container. An init container with `restart_policy` Always is a sidecar: it keeps running beside the others.

    `target_container_name` is an ephemeral container's: whose processes it sees.
    """

    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    resources: ResourceRequirements = ResourceRequirements()
    resize_policy: tuple[ResizePolicy, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    security_context: SecurityContext | None = None
    restart_policy: str | None = None
    restart_policy_rules: tuple[RestartRule, ...] = ()
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    target_container_name: str = ""

    @property
    def sidecar(self) -> bool:
        """Whether, as an init container, it runs on beside the pod's containers."""
        return self.restart_policy == "Always"
