"""Pods as real processes of this machine: the `Runtime` contract over the agent."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
import trio

from kube_actors.node.runtime.agent_link import FINISH_WITHIN, AgentLink, ProbeStep, Tier, connected
from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    EmptyDirVolume,
    FilesVolume,
    FoundSandbox,
    Mount,
    Resources,
    Runtime,
    RuntimeBack,
    RuntimeEvent,
    RuntimeGone,
    RuntimeLost,
    SandboxSpec,
    Started,
)
from kube_actors.node.runtime.process_attach import ProcessAttach
from kube_actors.node.runtime.process_exec import ProcessExec
from kube_actors.node.runtime.process_wire import (
    decode_exit,
    decode_found,
    decode_id,
    decode_started,
    encode_container,
    encode_sandbox,
    encode_volume,
)
from kube_actors.node.runtime.sessions import AttachSession, ExecSession

_SAME_CLOCK = 1.0  # seconds
_LOOPBACK = ("localhost", "127.0.0.1")
ACCOUNT_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ACCOUNT_VOLUME = "kube-api-access-"


class ProcessRuntime(Runtime):
    """One process node. Several share a link; the node is made on first use.

    `address` is the node's InternalIP, `clock_now` the cluster clock.
    """

    def __init__(self, link: AgentLink, *, node: str, address: str, clock_now: Callable[[], float]) -> None:
        self._link, self._node, self._address, self._now = link, node, address, clock_now
        self._send, self._receive = trio.open_memory_channel[RuntimeEvent](math.inf)
        self._execs: dict[int, ProcessExec] = {}
        self._starting_execs = 0
        self._early_ends: dict[int, int] = {}
        self._reported: set[ContainerId] = set()
        self._addresses: dict[str, str] = {}  # of pods that were asked for, by uid: a sandbox keeps its address
        self._unread: deque[ContainerId | None] = deque()  # one per event sent and not known to be read
        self._registered = False
        self._registering = trio.Lock()
        self._unsubscribe = link.subscribe(self._heard)

    # --- about

    @property
    def tier(self) -> Tier:
        """What the machine allows: A root, B user namespaces, C neither."""
        return self._link.tier

    @property
    def probe_report(self) -> tuple[ProbeStep, ...]:
        """What was tried to find the tier."""
        return self._link.probe_report

    @property
    def description(self) -> str:
        return f"process://{self.tier}"

    def unhonoured(self, spec: SandboxSpec | ContainerSpec) -> tuple[str, ...]:
        """What of a specification this machine leaves out, for a warning Event. What would change security or
        meaning is not listed here but refused by the call itself."""
        return _of_sandbox(spec, self._link) if isinstance(spec, SandboxSpec) else _of_container(spec, self._link)

    # --- the contract

    def events(self) -> trio.MemoryReceiveChannel[RuntimeEvent]:
        return self._receive

    async def adopt(self) -> tuple[FoundSandbox, ...]:
        answer = await self._ask("adopt", node=self._node)
        for sandbox in answer["sandboxes"]:
            for raw in sandbox["containers"]:
                if raw["exit"] is not None and not raw["seen"]:
                    self._report_exit(raw)
        return tuple(decode_found(raw, self._to_cluster) for raw in answer["sandboxes"])

    async def create_sandbox(self, spec: SandboxSpec) -> str | None:
        self._addresses.pop(spec.pod.uid, None)
        try:
            await self._ask("create_sandbox", node=self._node, spec=encode_sandbox(spec))
        except trio.Cancelled:  # undo what the agent may have done
            with trio.move_on_after(FINISH_WITHIN, shield=True):
                await self.remove_sandbox(spec.pod.uid)
            raise
        return spec.address

    async def remove_sandbox(self, pod_uid: str) -> None:
        self._addresses.pop(pod_uid, None)
        await self._finish("remove_sandbox", uid=pod_uid)
        self._reported = {key for key in self._reported if key.pod_uid != pod_uid}

    async def run_container(self, spec: ContainerSpec) -> Started:
        if self.tier == "C":
            spec = attrs.evolve(spec, mounts=tuple(each for each in spec.mounts if not _is_account(each)))
        answer = await self._finish("run", spec=encode_container(spec))  # a start is never half-known
        return decode_started(answer, self._to_cluster)

    async def update_resources(
        self, container: ContainerId, resources: Resources, pod: Resources | None = None
    ) -> None:
        wanted = {"resources": attrs.asdict(resources), "pod": None if pod is None else attrs.asdict(pod)}
        await self._finish("update_resources", container=list(container), **wanted)

    async def signal_container(self, container: ContainerId, signal: int, *, everything: bool = False) -> None:
        await self._ask("signal", container=list(container), signal=int(signal), everything=everything)

    async def remove_container(self, container: ContainerId) -> None:
        await self._finish("remove_container", container=list(container))
        self._reported.discard(container)

    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        self._starting_execs += 1
        try:
            answer, fds = await self._link.finish_fds(
                "exec", container=list(container), argv=list(argv), stdin=stdin, tty=tty
            )
        finally:
            self._starting_execs -= 1
        number = answer["exec"]
        session = ProcessExec(self._link, number, fds, stdin=stdin, tty=tty)
        if number in self._early_ends:  # it ended before we came to run again
            session.ended(self._early_ends.pop(number))
        else:
            self._execs[number] = session
        if not self._starting_execs:
            self._early_ends.clear()
        return session

    async def attach(self, container: ContainerId, *, stdin: bool = False) -> AttachSession:
        answer, fds = await self._link.finish_fds("attach", container=list(container), stdin=stdin)
        return ProcessAttach(self._link, container, answer, fds, stdin=stdin)

    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> trio.SocketStream:
        if host in _LOOPBACK:
            return await self._link.connect(pod_uid, "127.0.0.1", port)
        await self._register()
        target = host or await self._pod_address(pod_uid)
        return await connected(await self._link.socket(f"node:{self._node}"), target, port)

    async def forward(self, pod_uid: str, port: int, *, inside: bool = False) -> trio.SocketStream:
        if not inside or self.tier == "C":  # plain processes share the machine's loopback: their address is meant
            return await self.connect(pod_uid, port)
        return await self._link.connect(pod_uid, "127.0.0.1", port)

    async def update_files(self, pod_uid: str, volume: FilesVolume) -> None:
        await self._ask("update_files", uid=pod_uid, volume=encode_volume(volume))

    async def aclose(self, *, keep: bool) -> None:
        self._unsubscribe()
        try:
            for key in self._newly_read():
                await self._link.finish("seen", container=list(key))
            if not keep:
                await self._link.finish("remove_node", name=self._node)
        except RuntimeGone:
            pass  # then the keeper ends it all
        finally:
            for session in tuple(self._execs.values()):
                session.ended(None)
            self._send.close()

    # --- inside

    async def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        await self._prepare()
        return await self._link.request(operation, **arguments)

    async def _finish(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """For what is not to be left half-way: see `AgentLink.finish`."""
        with trio.move_on_after(FINISH_WITHIN, shield=True):
            await self._prepare()
        return await self._link.finish(operation, **arguments)

    async def _prepare(self) -> None:
        """Before every request: the node is there, and the agent knows which exits were taken note of."""
        await self._register()
        for key in self._newly_read():
            self._link.request_soon("seen", container=list(key))

    async def _register(self) -> None:
        """Make the node, once; an agent that came back knows it still."""
        async with self._registering:
            if not self._registered:
                await self._link.request("register_node", name=self._node, address=self._address)
                self._registered = True

    async def _pod_address(self, pod_uid: str) -> str:
        known = self._addresses.get(pod_uid)
        if known is None:
            answer = await self._link.request("pod_address", uid=pod_uid)
            known = self._addresses[pod_uid] = answer["address"] or self._address
        return known

    def _heard(self, event: dict[str, Any] | RuntimeLost | RuntimeBack) -> None:
        if isinstance(event, RuntimeLost | RuntimeBack):
            if isinstance(event, RuntimeLost):
                for session in self._execs.values():
                    session.ended(None)
                self._execs.clear()
            self._publish(event, None)
        elif event["event"] == "exited" and event["node"] == self._node:
            self._report_exit(event)
        elif event["event"] == "exec_ended":
            self._exec_ended(event["exec"], event["code"])

    def _exec_ended(self, number: int, code: int) -> None:
        session = self._execs.pop(number, None)
        if session is not None:
            session.ended(code)
        elif self._starting_execs:
            self._early_ends[number] = code

    def _report_exit(self, raw: dict[str, Any]) -> None:
        """Report an exit once."""
        key = decode_id(raw["id"])
        exited = decode_exit(raw, self._to_cluster)
        if exited is not None and key not in self._reported:
            self._reported.add(key)
            self._publish(exited, key)

    def _publish(self, event: RuntimeEvent, key: ContainerId | None) -> None:
        self._unread.append(key)
        self._send.send_nowait(event)

    def _newly_read(self) -> list[ContainerId]:
        """Exits that were taken from the channel since the last call. Only those count as reported: what nobody read
        is reported again by the next runtime."""
        read = []
        while len(self._unread) > self._send.statistics().current_buffer_used:
            key = self._unread.popleft()
            if key is not None:
                read.append(key)
        return read

    def _to_cluster(self, machine: float) -> float:
        """Machine time as cluster time; they differ only where the cluster's clock is not the machine's."""
        ahead = self._now() - time.time()
        return machine if abs(ahead) < _SAME_CLOCK else machine + ahead


def _of_sandbox(spec: SandboxSpec, link: AgentLink) -> tuple[str, ...]:
    found = []
    if link.tier == "C":
        found += [name for name, wanted in (("hostIPC", spec.host_ipc), ("hostname", spec.hostname)) if wanted]
        found += [f"sysctl {name}" for name, _ in spec.sysctls]
        found += ["dnsPolicy/dnsConfig"] if spec.dns.nameservers else []
    if link.tier != "A" and any(
        volume.fs_group is not None for volume in spec.volumes if isinstance(volume, EmptyDirVolume | FilesVolume)
    ):
        found.append("fsGroup")
    found += _lacking(link, memory=spec.resources.memory_limit, cpu=spec.resources.cpu_limit_milli)
    sized = [v.name for v in spec.volumes if isinstance(v, EmptyDirVolume) and v.size_limit]
    memory = [v.name for v in spec.volumes if isinstance(v, EmptyDirVolume) and v.size_limit and v.memory]
    enforced = memory if link.tier != "C" else []
    found += [f"sizeLimit of emptyDir {name}" for name in sized if name not in enforced]
    return tuple(found)


def _of_container(spec: ContainerSpec, link: AgentLink) -> tuple[str, ...]:
    resources, security = spec.resources, spec.security
    found = _lacking(link, memory=resources.memory_limit, cpu=resources.cpu_limit_milli, pids=resources.pids_limit)
    found = [f"{each} (kept for each process alone)" if each.endswith("memory") else each for each in found]
    if link.tier != "A" and security.supplemental_groups:
        found.append("supplementalGroups")
    if link.tier == "C" and not security.image_groups:
        found.append("supplementalGroupsPolicy")
    if link.tier == "C" and (security.capabilities_drop or security.capabilities_add):
        found.append("capabilities")
    if link.tier == "C" and spec.termination_message_path:
        found.append("terminationMessagePath")
    if link.tier == "C":
        found += [f"volumeMounts[{each.path}]" for each in spec.mounts if _is_account(each)]
    return tuple(found)


def _lacking(link: AgentLink, **limits: int | None) -> list[str]:
    """Which of these limits are set, and have no control group here that could keep them."""
    return [
        f"resources.limits.{name}" for name, value in limits.items() if value is not None and name not in link.limits
    ]


def _is_account(mount: Mount) -> bool:
    """Whether it is the volume that every pod is given to reach the API with: nobody asked for it, so a node that
    cannot mount anything leaves it out instead of refusing the pod."""
    return mount.path == ACCOUNT_MOUNT and mount.volume.startswith(ACCOUNT_VOLUME)
