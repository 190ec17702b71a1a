"""The runtime contract over a Docker Engine."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import signal as signals
from typing import Any

import trio

from kube_actors.api.codecs import json
from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    FilesVolume,
    FoundSandbox,
    Image,
    PodName,
    Resources,
    Runtime,
    RuntimeBack,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeGone,
    RuntimeLost,
    SandboxSpec,
    Started,
)
from kube_actors.node.runtime.docker import bodies
from kube_actors.node.runtime.docker.bodies import PREFIX, World
from kube_actors.node.runtime.docker.commands import Commands
from kube_actors.node.runtime.docker.containers import EngineContainers
from kube_actors.node.runtime.docker.engine import Engine, EngineError, text_filter
from kube_actors.node.runtime.docker.exec_session import DockerAttach, DockerExec
from kube_actors.node.runtime.docker.pod_files import PodFiles
from kube_actors.node.runtime.docker.preparation import DockerSettings, images_of, prepare
from kube_actors.node.runtime.docker.tracking import Tracked, Tracker, runtime_id, tracked_from
from kube_actors.records import define

RETRY_SECONDS = 0.5
END_SECONDS = 10.0


@define(eq=False)
class _Sandbox:
    pod: PodName
    engine_id: str
    address: str | None
    world: World


class DockerRuntime(Runtime):
    """One node's pods on an engine. Made by `start_docker_runtime`."""

    def __init__(self, engine: Engine, settings: DockerSettings, labels: dict[str, str], files: PodFiles) -> None:
        self._engine = engine
        self._settings = settings
        self._labels = labels
        self._files = files
        self._report, self._reports = trio.open_memory_channel[RuntimeEvent](math.inf)
        self._containers = EngineContainers(engine, labels)
        self._tracker = Tracker(engine, self._report.send_nowait)
        self._commands = Commands(engine)
        self._sandboxes: dict[str, _Sandbox] = {}
        self._starting: dict[str, bool] = {}
        self._tried = trio.Event()
        self._gone: str | None = None
        self._images: dict[str, Image] = {}
        self._version = ""
        self._network = f"kube-actors-{'-'.join(labels.values())}" if settings.subnet else settings.network
        self._life = trio.CancelScope()
        self._over = trio.Event()

    @property
    def description(self) -> str:
        return f"docker://{self._version}"

    def unhonoured(self, spec: SandboxSpec | ContainerSpec) -> tuple[str, ...]:
        """What an engine has no words for: it limits containers, not pods."""
        limited = isinstance(spec, SandboxSpec) and (spec.resources.memory_limit or spec.resources.cpu_limit_milli)
        return ("resources.limits of the pod as a whole",) if limited else ()

    def events(self) -> trio.MemoryReceiveChannel[RuntimeEvent]:
        return self._reports

    async def _reachable(self) -> None:
        """RuntimeGone while the engine is away."""
        await self._tried.wait()
        if self._gone is not None:
            raise RuntimeGone(self._gone)

    # -- the engine's side

    async def run(self) -> None:
        """Everything the runtime does by itself, until `aclose` or until cancelled."""
        try:
            with self._life:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self._engine.serve)
                    self._tracker.nursery = nursery
                    while True:
                        await self._listen(nursery)
                        await trio.sleep(RETRY_SECONDS)
        finally:
            self._gone = "the Docker runtime has been closed"
            self._tried.set()
            self._over.set()

    async def _listen(self, nursery: trio.Nursery) -> None:
        """Follow the engine's events while it is there; what it does not tell while away, `adopt` finds."""
        filters = text_filter({"type": ["container", "image"]})
        stream = self._engine.start_stream(nursery, "events", framed=False, filters=filters)
        why = "the Docker engine has gone away"
        try:
            self._version = await prepare(self._engine, self._settings, self._network, self._labels)
            self._images = await images_of(self._engine)
            if self._gone is not None:
                self._gone = None
                self._report.send_nowait(RuntimeBack())
            self._tried.set()
            async for _, line in stream.pieces:
                self._heard(json.loads_trusted(line))
        except (RuntimeGone, RuntimeFailure) as error:
            why = str(error)
        finally:
            stream.close()
        if self._gone is None:
            self._report.send_nowait(RuntimeLost(why))
        self._gone = why
        self._tried.set()

    def _heard(self, event: dict[str, Any]) -> None:
        attributes, engine_id = event["Actor"]["Attributes"], event["Actor"]["ID"]
        if event["Action"] == "exec_die":
            self._commands.ended(attributes["execID"], int(attributes["exitCode"]))
        elif event["Action"] == "die" and engine_id in self._starting:
            self._starting[engine_id] = True
        elif event["Type"] == "image":
            self._tracker.nursery.start_soon(self._learn_images)
        elif event["Action"] == "die" and self._labels.items() <= attributes.items():
            container = bodies.container_id_of(attributes)
            tracked = self._tracker.by_id.get(container) if container else None
            if tracked is not None and tracked.engine_id == engine_id:
                self._tracker.end_soon(tracked)

    async def _learn_images(self) -> None:
        with contextlib.suppress(RuntimeGone):
            self._images = await images_of(self._engine)

    # -- adoption

    async def adopt(self) -> tuple[FoundSandbox, ...]:
        await self._reachable()
        before, known = set(self._sandboxes), set(self._tracker.by_id)
        listed = await self._containers.list()
        present: set[ContainerId] = set()
        for summary in listed:
            container = bodies.container_id_of(summary["Labels"])
            if container is None:
                before.discard(await self._adopt_sandbox(summary["Id"]))
            elif summary["State"] != "created":
                present.add(container)
                await self._adopt_container(container, summary["Id"])
        for pod_uid in before:
            self._sandboxes.pop(pod_uid, None)
        for gone in known - present:
            self._tracker.by_id.pop(gone, None)
        return tuple(
            FoundSandbox(sandbox.pod, sandbox.address, self._found_in(uid)) for uid, sandbox in self._sandboxes.items()
        )

    def _found_in(self, pod_uid: str) -> tuple[Any, ...]:
        found = sorted(tracked.id for tracked in self._tracker.by_id.values() if tracked.id.pod_uid == pod_uid)
        return tuple(self._tracker.by_id[container].found for container in found)

    async def _adopt_sandbox(self, engine_id: str) -> str:
        inspected = await self._containers.inspect(engine_id)
        labels = inspected["Config"]["Labels"]
        pod = bodies.pod_name_of(labels)
        world = World.parse(labels[f"{PREFIX}.world"])
        address = None if world.host_network else self._address_in(inspected)
        self._sandboxes[pod.uid] = _Sandbox(pod, engine_id, address, world)
        return pod.uid

    def _address_in(self, inspected: dict[str, Any]) -> str | None:
        network = inspected["NetworkSettings"]["Networks"].get(self._network) or {}
        return network.get("IPAddress") or None

    async def _adopt_container(self, container: ContainerId, engine_id: str) -> None:
        tracked = self._tracker.by_id.get(container)
        if engine_id in self._starting or (tracked is not None and tracked.exit is not None):
            return
        inspected = await self._containers.inspect(engine_id)
        if tracked is None:
            tracked = self._tracker.by_id[container] = tracked_from(container, inspected)
        self._tracker.follow(tracked)
        if not inspected["State"]["Running"]:
            await self._tracker.end(tracked)

    # -- sandboxes

    async def create_sandbox(self, spec: SandboxSpec) -> str | None:
        await self._reachable()
        uid = spec.pod.uid
        if uid in self._sandboxes or await self._containers.list(pod_uid=uid):
            raise RuntimeFailure("FailedCreatePodSandBox", f"the pod {uid} has a sandbox already")
        world = self._files.make(spec)
        try:
            sandbox = await self._start_sandbox(spec, world)
        except BaseException:
            with trio.move_on_after(END_SECONDS, shield=True):
                await self.remove_sandbox(uid)
            raise
        self._sandboxes[uid] = sandbox
        return sandbox.address

    async def _start_sandbox(self, spec: SandboxSpec, world: World) -> _Sandbox:
        body = bodies.sandbox_body(
            spec,
            world,
            self._labels,
            image=self._settings.pause_image,
            network=self._network,
            fixed_address=self._settings.subnet is not None,
        )
        engine_id = await self._containers.create_sandbox(bodies.sandbox_name(spec.pod), body)
        await self._containers.start(engine_id, "FailedCreatePodSandBox")
        inspected = await self._containers.inspect(engine_id)
        address = None if spec.host_network else self._address_in(inspected)
        return _Sandbox(spec.pod, engine_id, address, world)

    async def remove_sandbox(self, pod_uid: str) -> None:
        await self._reachable()
        listed = await self._containers.list(pod_uid=pod_uid)
        containers = [container for s in listed if (container := bodies.container_id_of(s["Labels"])) is not None]
        async with trio.open_nursery() as nursery:
            for container in containers:
                nursery.start_soon(self.remove_container, container)
        for summary in listed:
            await self._containers.delete(summary["Id"])
        self._sandboxes.pop(pod_uid, None)
        self._files.remove(pod_uid)

    async def update_files(self, pod_uid: str, volume: FilesVolume) -> None:
        await self._reachable()
        if pod_uid in self._sandboxes:
            self._files.update(pod_uid, volume)

    # -- containers

    async def run_container(self, spec: ContainerSpec) -> Started:
        await self._reachable()
        sandbox = self._sandboxes.get(spec.id.pod_uid)
        if sandbox is None:
            raise RuntimeFailure("CreateContainerError", f"the pod {spec.id.pod_uid} has no sandbox")
        body = bodies.container_body(
            spec,
            sandbox.pod,
            sandbox.engine_id,
            sandbox.world,
            self._labels,
            message_file=self._files.new_message_file(spec.id),
        )
        if spec.processes_of:
            body["HostConfig"]["PidMode"] = f"container:{self._running(spec)}"
        sub_paths = [mount for mount in spec.mounts if mount.sub_path]
        self._files.make_sub_paths([f"{sandbox.world.volumes[mount.volume]}/{mount.sub_path}" for mount in sub_paths])
        engine_id = await self._containers.create(spec, bodies.container_name(sandbox.pod, spec.id), body)
        self._starting[engine_id] = False
        try:
            tracked = await self._start(spec.id, engine_id)
        except BaseException:
            with trio.move_on_after(END_SECONDS, shield=True):
                await self._containers.delete(engine_id)
            raise
        finally:
            ended = self._starting.pop(engine_id)
        if ended:
            self._tracker.end_soon(tracked)
        return Started(spec.id, runtime_id(engine_id), tracked.pid, tracked.started_at)

    def _running(self, spec: ContainerSpec) -> str:
        """The engine's id of the container this one is to look into."""
        for tracked in self._tracker.by_id.values():
            ours = (tracked.id.pod_uid, tracked.id.name) == (spec.id.pod_uid, spec.processes_of)
            if ours and tracked.exit is None:
                return tracked.engine_id
        message = f'target container "{spec.processes_of}" is not running'
        raise RuntimeFailure("CreateContainerConfigError", message)

    async def _start(self, container: ContainerId, engine_id: str) -> Tracked:
        await self._containers.start(engine_id, "RunContainerError")
        inspected = await self._containers.inspect(engine_id)
        tracked = self._tracker.by_id[container] = tracked_from(container, inspected)
        self._tracker.follow(tracked)
        return tracked

    async def update_resources(
        self, container: ContainerId, resources: Resources, pod: Resources | None = None
    ) -> None:
        await self._reachable()
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            raise RuntimeFailure("ResizeError", f"container {container.name} is not running")
        await self._containers.update(tracked.engine_id, bodies.limits(resources))

    async def signal_container(self, container: ContainerId, signal: int, *, everything: bool = False) -> None:
        await self._reachable()
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            return
        # SIGKILL to the first process of a PID namespace ends all of it; other signals go to the first.
        await self._containers.kill(tracked.engine_id, signal)

    async def remove_container(self, container: ContainerId) -> None:
        await self._reachable()
        tracked = self._tracker.by_id.get(container)
        if tracked is None:
            return
        await self.signal_container(container, signals.SIGKILL, everything=True)
        with trio.move_on_after(END_SECONDS):
            await tracked.reported.wait()
        await self._containers.delete(tracked.engine_id)
        self._tracker.by_id.pop(container, None)

    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> DockerExec:
        await self._reachable()
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            raise RuntimeFailure("ExecError", f"container not found or not running: {container.name}")
        return await self._commands.start(tracked.engine_id, argv, stdin=stdin, tty=tty)

    async def attach(self, container: ContainerId, *, stdin: bool = False) -> DockerAttach:
        await self._reachable()
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            raise RuntimeFailure("ExecError", f"container not found or not running: {container.name}")
        try:
            stream = await self._engine.open_attach(tracked.engine_id, stdin=stdin)
        except EngineError as error:
            raise RuntimeFailure("AttachError", error.message) from None
        config = (await self._containers.inspect(tracked.engine_id))["Config"]
        once = bool(config["StdinOnce"]) and not config["Tty"]
        return DockerAttach(self._engine, tracked.engine_id, stream, once=once)

    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> trio.SocketStream:
        await self._reachable()
        sandbox = self._sandboxes.get(pod_uid)
        target = host or (sandbox.address if sandbox else None) or "127.0.0.1"
        family = trio.socket.AF_INET6 if ":" in target else trio.socket.AF_INET
        connection = trio.socket.socket(family, trio.socket.SOCK_STREAM)
        try:
            await connection.connect((target, port))
        except BaseException:
            connection.close()
            raise
        return trio.SocketStream(connection)

    async def forward(self, pod_uid: str, port: int, *, inside: bool = False) -> trio.SocketStream:
        sandbox = self._sandboxes.get(pod_uid)
        if sandbox is None or sandbox.address is None:  # with hostNetwork it would be the machine's own loopback
            raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
        return await self.connect(pod_uid, port)

    def image(self, name: str) -> Image | None:
        """An image of the engine by the name a pod gives it, `:latest` understood; None when it is not there."""
        return self._images.get(name) or self._images.get(f"{name}:latest")

    # -- end

    async def aclose(self, *, keep: bool) -> None:
        try:
            if not keep:
                await self._take_down()
        finally:
            self._life.cancel()
            with trio.CancelScope(shield=True):
                await self._over.wait()
            self._report.close()

    async def _take_down(self) -> None:
        await self._reachable()
        for summary in await self._containers.list():
            await self._containers.delete(summary["Id"])
        if self._settings.subnet:
            with contextlib.suppress(EngineError):  # somebody else's container is in it, or it is gone
                await self._engine.ask(f"networks/{self._network}", "DELETE")
        self._files.remove_all()
