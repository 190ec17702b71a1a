"""The runtime contract: what a Node actor asks of whatever runs its pods.

A *sandbox* is a pod's shared world (address, network, IPC, host name, volumes); *containers* run in it. The process,
Docker and simulated runtimes keep the same promises, checked by the same contract tests:

* Identity. A container is named by `ContainerId` (pod uid, name, attempt); starting the same id twice is an error
  (`AlreadyRunning`), stopping or removing what is gone is not.
* Exits. Every started container is reported exactly once by `ContainerExited` on `events()`, also when it ended while
  nobody listened: the event then comes first thing after `adopt()`.
* Ends. When `remove_sandbox` returns, nothing the pod started is left: no process, mount, namespace or address.
* Cancelling a call leaves the runtime consistent: the work is finished or undone, never half-known.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, NamedTuple

import attrs
import trio

from kube_actors.node.runtime.handlers import ProbeHandler, ProbeResult
from kube_actors.node.runtime.sessions import AttachSession, ExecSession
from kube_actors.plan.container_user import User
from kube_actors.records import frozen

RESIZE_UNSUPPORTED = "ResizeUnsupported"
"""The reason of a RuntimeFailure that says: this runtime cannot change that of a running container."""


class RuntimeFailure(Exception):
    """A call of the runtime failed; `reason` is the word Kubernetes shows for it (`CreateContainerError`)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class RuntimeGone(Exception):
    """The runtime itself is out of reach (agent ended, engine stopped); what runs goes on and is adopted later."""


class ContainerId(NamedTuple):
    """One attempt at one container of one pod. Attempts count from 0 and are never reused."""

    pod_uid: str
    name: str
    attempt: int


@frozen
class PodName:
    """Who the pod is, for host name, labels, log paths and messages."""

    uid: str
    namespace: str
    name: str


@frozen
class File:
    """A file of a materialised volume (configMap, secret, downwardAPI): relative path, content, permission bits.

    `user` is who owns it; None is root.
    """

    path: str
    content: bytes = attrs.field(repr=False)
    mode: int = 0o644
    user: int | None = None


@frozen
class EmptyDirVolume:
    """A fresh directory with the pod's life. `size_limit` in bytes; `memory` asks for tmpfs."""

    name: str
    memory: bool = False
    size_limit: int | None = None
    fs_group: int | None = None


@frozen
class FilesVolume:
    """Read-only files from the API, kept in memory-backed storage; replaced atomically by `update_files`."""

    name: str
    files: tuple[File, ...]
    secret: bool = False
    fs_group: int | None = None


@frozen
class HostPathVolume:
    """A path of the machine; `type` is Kubernetes' (`""`, DirectoryOrCreate, Directory, File, Socket, …)."""

    name: str
    path: str
    type: str = ""


Volume = EmptyDirVolume | FilesVolume | HostPathVolume


@frozen
class Dns:
    """The pod's /etc/resolv.conf."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@frozen
class HostPort:
    """A port of the node's address that leads to a port of the pod."""

    protocol: str
    host_ip: str
    host_port: int
    container_port: int


@frozen
class Resources:
    """Limits and shares of a pod or container; None is unlimited. Memory in bytes, cpu in thousandths of a core."""

    memory_limit: int | None = None
    cpu_limit_milli: int | None = None
    cpu_request_milli: int | None = None
    pids_limit: int | None = None


@frozen
class SandboxSpec:
    """A pod's shared world. `address` is the pod IP to give it; None with `host_network`, which shares the node's."""

    pod: PodName
    hostname: str
    address: str | None
    dns: Dns = Dns()
    hosts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    volumes: tuple[Volume, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    sysctls: tuple[tuple[str, str], ...] = ()
    resources: Resources = Resources()
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)


class ImageKind(Enum):
    """Where a container's root comes from: the machine's own programs, an unpacked directory, or an engine's image."""

    HOST = "host"
    ROOTFS = "rootfs"
    ENGINE = "engine"


@frozen
class Image:
    """What an image name of cluster.yaml's `images` map stands for, with the defaults an image may carry.

    `files` are laid over the root (absolute path → content); `binds` show further directories of the machine read-only
    at the same path (a `host` image needs them for programs outside /usr).
    """

    name: str
    kind: ImageKind
    rootfs: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = "SIGTERM"
    files: tuple[tuple[str, str], ...] = ()
    binds: tuple[str, ...] = ()


@frozen
class Mount:
    """A volume of the sandbox inside one container."""

    volume: str
    path: str
    read_only: bool = False
    sub_path: str = ""


@frozen
class Security:
    """Who a container runs as and what it may do; None takes the image's or the runtime's default.

    `image_groups`: the groups that the image's /etc/group gives the user count too (supplementalGroupsPolicy `Merge`).
    """

    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    image_groups: bool = True
    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    unmasked_proc: bool = False


@frozen
class ContainerSpec:
    """One container to start. `argv` is complete (image defaults already applied, references expanded).

    `processes_of` names a running container of the pod whose processes this one is to see (`kubectl debug --target`).
    The log goes to `log_path` in CRI format (`<rfc3339nano> stdout|stderr F|P <text>`), rotated at `log_max_size`
    bytes keeping `log_max_files`.
    """

    id: ContainerId
    image: Image
    argv: tuple[str, ...]
    log_path: str
    env: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    security: Security = Security()
    resources: Resources = Resources()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    termination_message_path: str = "/dev/termination-log"
    processes_of: str = ""
    log_max_size: int = 10 * 1024 * 1024
    log_max_files: int = 5
    annotations: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class Started:
    """A container runs. `pid` is the machine's process id (0 when there is none), times are cluster epoch seconds;
    `user` None is not known to this runtime."""

    id: ContainerId
    runtime_id: str
    pid: int
    started_at: float
    user: User | None = None


@frozen
class ContainerExited:
    """A container ended. When a signal ended it, `exit_code` is 128 + its number."""

    id: ContainerId
    exit_code: int
    oom_killed: bool
    finished_at: float
    message: str = ""


@frozen
class RuntimeLost:
    """The runtime ended or became unreachable; calls raise RuntimeGone until `RuntimeBack`."""

    message: str


@frozen
class RuntimeBack:
    """The runtime answers again; adopt what runs."""


RuntimeEvent = ContainerExited | RuntimeLost | RuntimeBack


@frozen
class FoundContainer:
    """A container that was there when the runtime was asked: running (`exit` None) or ended."""

    id: ContainerId
    runtime_id: str
    pid: int
    started_at: float
    image: str
    exit: ContainerExited | None = None
    user: User | None = None


@frozen
class FoundSandbox:
    """A sandbox that was there when the runtime was asked, with its containers."""

    pod: PodName
    address: str | None
    containers: tuple[FoundContainer, ...] = ()


class Runtime(abc.ABC):
    """What runs the pods of one node. Calls may be concurrent; every call raises RuntimeFailure or RuntimeGone."""

    settling_seconds: ClassVar[float] = 0.25
    """How long a container has to run until one may say that it does: many a program that cannot run ends at once. A
    kubelet hears of what runs once in a second, and so never tells of those."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """Name and version, as in `node.status.nodeInfo.containerRuntimeVersion` (`process://A`)."""

    def unhonoured(self, spec: SandboxSpec | ContainerSpec) -> tuple[str, ...]:
        """What of a specification this runtime leaves out, each a sentence for a warning Event. What would change
        security or meaning is not left out but refused by the call itself."""
        return ()

    @abc.abstractmethod
    def events(self) -> trio.MemoryReceiveChannel[RuntimeEvent]:
        """Exits and losses, in order. One reader."""

    @abc.abstractmethod
    async def adopt(self) -> tuple[FoundSandbox, ...]:
        """Everything of this node that runs or ended unseen."""

    @abc.abstractmethod
    async def create_sandbox(self, spec: SandboxSpec) -> str | None:
        """Make the pod's world; its address (None when it shares the node's and has none of its own)."""

    @abc.abstractmethod
    async def remove_sandbox(self, pod_uid: str) -> None:
        """Kill what is left in it and take it away with its volumes, mounts and address. Gone already is fine."""

    @abc.abstractmethod
    async def run_container(self, spec: ContainerSpec) -> Started:
        """Create and start; returns when the program has been executed. A command that does not exist is a
        RuntimeFailure with reason `RunContainerError` or `StartError` in Kubernetes' words."""

    @abc.abstractmethod
    async def update_resources(
        self, container: ContainerId, resources: Resources, pod: Resources | None = None
    ) -> None:
        """Give a running container other limits and shares, and (`pod`) its sandbox. A RuntimeFailure has the reason
        RESIZE_UNSUPPORTED where they could not be kept."""

    @abc.abstractmethod
    async def signal_container(self, container: ContainerId, signal: int, *, everything: bool = False) -> None:
        """Send a signal to the container's first process, or with `everything` to all it started."""

    @abc.abstractmethod
    async def remove_container(self, container: ContainerId) -> None:
        """Forget an ended container; kills it first if it runs. Its log stays."""

    @abc.abstractmethod
    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Run a command in a running container with its environment, user and directory."""

    @abc.abstractmethod
    async def attach(self, container: ContainerId, *, stdin: bool = False) -> AttachSession:
        """The streams of a running container itself, its input only with `stdin`."""

    @abc.abstractmethod
    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> trio.abc.HalfCloseableStream:
        """A TCP connection to a port of the pod from the node: for probes, hooks, proxies and port-forward.
        `host` None is the pod's address. Raises OSError as connect(2) does."""

    async def forward(self, pod_uid: str, port: int, *, inside: bool = False) -> trio.abc.HalfCloseableStream:
        """A connection for somebody outside: to the pod's address as proxies make it, or (`inside`, for port-forward)
        to its own loopback where the runtime can reach that. It never leads to the machine itself. Raises OSError as
        connect(2) does."""
        return await self.connect(pod_uid, port)

    async def probe(self, container: ContainerId, handler: ProbeHandler, within: float) -> ProbeResult | None:
        """A runtime that can answer a probe without doing it (the simulated one) answers here, in at most
        `within` cluster seconds; None means: do it the ordinary way, with `exec` and `connect`."""
        return None

    @abc.abstractmethod
    async def update_files(self, pod_uid: str, volume: FilesVolume) -> None:
        """Replace the files of a configMap or secret volume atomically."""

    @abc.abstractmethod
    async def aclose(self, *, keep: bool) -> None:
        """Let go: with `keep` containers run on and are adopted later, otherwise everything ends with the runtime."""
