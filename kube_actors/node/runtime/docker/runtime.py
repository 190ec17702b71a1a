"""The runtime contract over a Docker Engine."""

from __future__ import annotations

import math
import secrets
import signal as signals
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import orjson
import trio

from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    FilesVolume,
    FoundSandbox,
    Image,
    ImageKind,
    PodName,
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
from kube_actors.node.runtime.docker.engine import Engine, EngineError, open_engine, text_filter
from kube_actors.node.runtime.docker.exec_session import MARK, DockerExec
from kube_actors.node.runtime.docker.pause import PAUSE_IMAGE, pause_archive
from kube_actors.node.runtime.docker.pod_files import PodFiles
from kube_actors.node.runtime.docker.tracking import Tracked, Tracker, runtime_id, tracked_from

RETRY_SECONDS = 0.5
END_SECONDS = 10.0


@attrs.frozen
class DockerSettings:
    """A node's `docker` mapping of cluster.yaml.

    With `subnet` the node has an engine network of its own, in which pods get the addresses they are to have; without,
    pods are on the engine's network `network` and get what it gives. `pause_image` replaces our own.
    """

    socket: str = "/var/run/docker.sock"
    network: str = "bridge"
    subnet: str | None = None
    pause_image: str = PAUSE_IMAGE


@attrs.define(eq=False)
class _Sandbox:
    pod: PodName
    engine_id: str
    address: str | None
    world: World


class DockerRuntime(Runtime):
    """One node's pods on an engine. Made by `open_docker_runtime`."""

    def __init__(
        self, engine: Engine, nursery: trio.Nursery, settings: DockerSettings, labels: dict[str, str], files: PodFiles
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._labels = labels
        self._files = files
        self._nursery = nursery
        self._report, self._reports = trio.open_memory_channel[RuntimeEvent](math.inf)
        self._tracker = Tracker(engine, nursery, self._report.send_nowait)
        self._sandboxes: dict[str, _Sandbox] = {}
        self._commands: dict[str, DockerExec] = {}
        self._ended_commands: dict[str, int] = {}
        self._starting: dict[str, bool] = {}
        self._lost = False
        self._images: dict[str, Image] = {}
        self._version = ""
        name = "-".join(labels.values())
        self._network = f"kube-actors-{name}" if settings.subnet else settings.network

    @property
    def description(self) -> str:
        return f"docker://{self._version}"

    def events(self) -> trio.MemoryReceiveChannel[RuntimeEvent]:
        return self._reports

    # -- the engine itself

    async def prepare(self) -> None:
        """See that the engine has what sandboxes need: our pause image and the node's network."""
        version = await self._engine.ask("version")
        self._version = version["Version"]
        info = await self._engine.ask("info")
        if not await self._has(f"images/{self._settings.pause_image}/json"):
            await self._import_pause(info["Architecture"])
        if self._settings.subnet and not await self._has(f"networks/{self._network}"):
            config = {"Config": [{"Subnet": self._settings.subnet}]}
            body = {"Name": self._network, "Driver": "bridge", "IPAM": config, "Labels": self._labels}
            await self._ask("FailedCreatePodSandBox", "networks/create", "POST", body=body)

    async def _has(self, path: str) -> bool:
        try:
            await self._engine.ask(path)
        except EngineError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _import_pause(self, architecture: str) -> None:
        image = self._settings.pause_image
        if image != PAUSE_IMAGE:
            raise RuntimeFailure("FailedCreatePodSandBox", f'the engine has no pause image "{image}"')
        try:
            archive = pause_archive(architecture)
        except KeyError:
            message = f"no pause image for {architecture}: name one of the engine's as `docker.pauseImage`"
            raise RuntimeFailure("FailedCreatePodSandBox", message) from None
        name, _, tag = image.partition(":")
        await self._engine.ask("images/create", "POST", body=archive, fromSrc="-", repo=name, tag=tag)

    async def _ask(self, reason: str, path: str, method: str = "GET", *, body: Any = None, **params: Any) -> Any:
        """A request whose refusal is a RuntimeFailure with this reason."""
        try:
            return await self._engine.ask(path, method, body=body, **params)
        except EngineError as error:
            raise RuntimeFailure(reason, error.message) from None

    async def listen(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow the engine's events, for ever; what it does not tell while away, `adopt` finds."""
        filters = text_filter({"type": ["container"], "label": [f"{k}={v}" for k, v in self._labels.items()]})
        while True:
            stream = self._engine.start_stream(self._nursery, "events", framed=False, filters=filters)
            try:
                # An engine without events says nothing, not even a head, until the first one: a ping tells it is there.
                await self._engine.ask("version")
                if self._lost:
                    await self.prepare()
                    self._lost = False
                    self._report.send_nowait(RuntimeBack())
                task_status.started()
                task_status = trio.TASK_STATUS_IGNORED
                async for _, line in stream.pieces:
                    self._heard(orjson.loads(line))
            except (RuntimeGone, RuntimeFailure, EngineError):
                pass
            finally:
                stream.close()
            if not self._lost:
                self._lost = True
                self._report.send_nowait(RuntimeLost("the Docker engine has gone away"))
            await trio.sleep(RETRY_SECONDS)

    def _heard(self, event: dict[str, Any]) -> None:
        attributes = event["Actor"]["Attributes"]
        if event["Action"] == "exec_die":
            command = self._commands.pop(attributes["execID"], None)
            if command is not None:
                command.ended(int(attributes["exitCode"]))
        elif event["Action"] == "die":
            engine_id = event["Actor"]["ID"]
            if engine_id in self._starting:
                self._starting[engine_id] = True
                return
            container = bodies.container_id_of(attributes)
            tracked = self._tracker.by_id.get(container) if container else None
            if tracked is not None and tracked.engine_id == engine_id:
                self._nursery.start_soon(self._tracker.end, tracked)

    # -- adoption

    async def adopt(self) -> tuple[FoundSandbox, ...]:
        listed = await self._list()
        self._sandboxes.clear()
        present = set()
        for summary in listed:
            container = bodies.container_id_of(summary["Labels"])
            if container is None:
                await self._adopt_sandbox(summary["Id"])
            elif summary["State"] != "created":
                present.add(container)
                await self._adopt_container(container, summary["Id"])
        for gone in self._tracker.by_id.keys() - present:
            if self._tracker.by_id[gone].engine_id not in self._starting:
                del self._tracker.by_id[gone]
        return tuple(
            FoundSandbox(sandbox.pod, sandbox.address, self._found_in(uid)) for uid, sandbox in self._sandboxes.items()
        )

    def _found_in(self, pod_uid: str) -> tuple[Any, ...]:
        found = sorted(tracked.id for tracked in self._tracker.by_id.values() if tracked.id.pod_uid == pod_uid)
        return tuple(self._tracker.by_id[container].found for container in found)

    async def _list(self, **labels: str) -> list[dict[str, Any]]:
        wanted = self._labels | {f"{PREFIX}.{name.replace('_', '-')}": value for name, value in labels.items()}
        filters = text_filter({"label": [f"{name}={value}" for name, value in wanted.items()]})
        listed: list[dict[str, Any]] = await self._ask("Unknown", "containers/json", all=1, filters=filters)
        return listed

    async def _adopt_sandbox(self, engine_id: str) -> None:
        inspected = await self._ask("Unknown", f"containers/{engine_id}/json")
        labels = inspected["Config"]["Labels"]
        pod = bodies.pod_name_of(labels)
        world = World.parse(labels[f"{PREFIX}.world"])
        address = None if world.host_network else self._address_in(inspected)
        self._sandboxes[pod.uid] = _Sandbox(pod, engine_id, address, world)

    def _address_in(self, inspected: dict[str, Any]) -> str | None:
        network = inspected["NetworkSettings"]["Networks"].get(self._network) or {}
        return network.get("IPAddress") or None

    async def _adopt_container(self, container: ContainerId, engine_id: str) -> None:
        tracked = self._tracker.by_id.get(container)
        if engine_id in self._starting or (tracked is not None and tracked.exit is not None):
            return
        inspected = await self._ask("Unknown", f"containers/{engine_id}/json")
        if tracked is None:
            tracked = self._tracker.by_id[container] = tracked_from(container, inspected)
        self._tracker.follow(tracked)
        if not inspected["State"]["Running"]:
            await self._tracker.end(tracked)

    # -- sandboxes

    async def create_sandbox(self, spec: SandboxSpec) -> str | None:
        uid = spec.pod.uid
        if uid in self._sandboxes:
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
        reason = "FailedCreatePodSandBox"
        name = bodies.sandbox_name(spec.pod)
        created = await self._ask(reason, "containers/create", "POST", body=body, name=name)
        await self._ask(reason, f"containers/{created['Id']}/start", "POST")
        inspected = await self._ask(reason, f"containers/{created['Id']}/json")
        address = None if spec.host_network else self._address_in(inspected)
        return _Sandbox(spec.pod, created["Id"], address, world)

    async def remove_sandbox(self, pod_uid: str) -> None:
        listed = await self._list(pod_uid=pod_uid)
        containers = [container for s in listed if (container := bodies.container_id_of(s["Labels"])) is not None]
        async with trio.open_nursery() as nursery:
            for container in containers:
                nursery.start_soon(self.remove_container, container)
        for summary in listed:
            await self._delete(summary["Id"])
        self._sandboxes.pop(pod_uid, None)
        self._files.remove(pod_uid)

    async def _delete(self, engine_id: str) -> None:
        try:
            await self._engine.ask(f"containers/{engine_id}", "DELETE", force="true", v="true")
        except EngineError as error:
            if error.status not in (404, 409):  # gone, or going
                raise RuntimeFailure("KillContainerError", error.message) from None

    async def update_files(self, pod_uid: str, volume: FilesVolume) -> None:
        await trio.lowlevel.checkpoint()
        if pod_uid in self._sandboxes:
            self._files.update(pod_uid, volume)

    # -- containers

    async def run_container(self, spec: ContainerSpec) -> Started:
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
        sub_paths = [mount for mount in spec.mounts if mount.sub_path]
        self._files.make_sub_paths([f"{sandbox.world.volumes[mount.volume]}/{mount.sub_path}" for mount in sub_paths])
        engine_id = await self._create(spec, bodies.container_name(sandbox.pod, spec.id), body)
        self._starting[engine_id] = False
        try:
            tracked = await self._start(spec.id, engine_id)
        except BaseException:
            with trio.move_on_after(END_SECONDS, shield=True):
                await self._delete(engine_id)
            raise
        finally:
            ended = self._starting.pop(engine_id)
        if ended:
            self._nursery.start_soon(self._tracker.end, tracked)
        return Started(spec.id, runtime_id(engine_id), tracked.pid, tracked.started_at)

    async def _create(self, spec: ContainerSpec, name: str, body: dict[str, Any]) -> str:
        try:
            created = await self._engine.ask("containers/create", "POST", body=body, name=name)
        except EngineError as error:
            if error.status == 409:
                message = f"container {spec.id.name} attempt {spec.id.attempt} was started already"
                raise RuntimeFailure("AlreadyRunning", message) from None
            if error.status == 404 and "image" in error.message.lower():
                message = f'Container image "{spec.image.name}" is not present with pull policy of Never'
                raise RuntimeFailure("ErrImageNeverPull", f"{message}: the engine says {error.message}") from None
            raise RuntimeFailure("CreateContainerError", error.message) from None
        return str(created["Id"])

    async def _start(self, container: ContainerId, engine_id: str) -> Tracked:
        await self._ask("RunContainerError", f"containers/{engine_id}/start", "POST")
        inspected = await self._ask("RunContainerError", f"containers/{engine_id}/json")
        tracked = self._tracker.by_id[container] = tracked_from(container, inspected)
        self._tracker.follow(tracked)
        return tracked

    async def signal_container(self, container: ContainerId, signal: int, *, everything: bool = False) -> None:
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            return
        try:  # SIGKILL to the first process of a PID namespace ends all of it; other signals go to the first
            await self._engine.ask(f"containers/{tracked.engine_id}/kill", "POST", signal=str(int(signal)))
        except EngineError as error:
            if error.status not in (404, 409):  # gone, or not running
                raise RuntimeFailure("KillContainerError", error.message) from None

    async def remove_container(self, container: ContainerId) -> None:
        tracked = self._tracker.by_id.get(container)
        if tracked is None:
            return
        await self.signal_container(container, signals.SIGKILL, everything=True)
        with trio.move_on_after(END_SECONDS):
            await tracked.reported.wait()
        await self._delete(tracked.engine_id)
        self._tracker.by_id.pop(container, None)

    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> DockerExec:
        tracked = self._tracker.by_id.get(container)
        if tracked is None or tracked.exit is not None:
            raise RuntimeFailure("ExecError", f"container not found or not running: {container.name}")
        mark = secrets.token_hex(16)
        body = {
            "Cmd": list(argv),
            "AttachStdin": stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": tty,
            "Env": [f"{MARK}={mark}"],
        }
        created = await self._ask("ExecError", f"containers/{tracked.engine_id}/exec", "POST", body=body)
        stream = await self._engine.open_exec(created["Id"], tty)
        session = self._commands[created["Id"]] = DockerExec(self._engine, created["Id"], stream, mark)
        try:
            await self._wait_started(created["Id"], session, argv)
        except BaseException:
            self._commands.pop(created["Id"], None)
            with trio.move_on_after(END_SECONDS, shield=True):
                await stream.close()
            raise
        return session

    async def _wait_started(self, exec_id: str, session: DockerExec, argv: tuple[str, ...]) -> None:
        """Until the command runs or has run; RuntimeFailure when it could not."""
        while True:
            state = await self._ask("ExecError", f"exec/{exec_id}/json")
            if state["ExitCode"] is not None:
                if not state["Pid"] and state["ExitCode"] in (126, 127):
                    said = b"".join([data async for _, data in session.output()]).decode(errors="replace").strip()
                    raise RuntimeFailure("ExecError", said or f"cannot run {argv[0]}")
                if self._commands.pop(exec_id, None) is not None:
                    session.ended(int(state["ExitCode"]))
                return
            if state["Pid"]:
                return
            await trio.sleep(0.005)

    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> trio.SocketStream:
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

    # -- images

    async def refresh_images(self) -> None:
        """Learn which images the engine has, with the defaults they carry."""
        for summary in await self._ask("ImageInspectError", "images/json"):
            for name in summary.get("RepoTags") or ():
                inspected = await self._ask("ImageInspectError", f"images/{summary['Id']}/json")
                self._images[name] = _image(name, inspected["Config"] or {})

    def image(self, name: str) -> Image | None:
        """An image of the engine by the name a pod gives it, `:latest` understood; None when it is not there."""
        return self._images.get(name) or self._images.get(f"{name}:latest")

    # -- end

    async def aclose(self, *, keep: bool) -> None:
        if not keep:
            for summary in await self._list():
                await self._delete(summary["Id"])
            if self._settings.subnet:
                await self._ask("KillPodSandboxError", f"networks/{self._network}", "DELETE")
            self._files.remove_all()
        self._nursery.cancel_scope.cancel()
        self._report.close()


def _image(name: str, config: dict[str, Any]) -> Image:
    env = tuple((variable, value) for variable, _, value in (e.partition("=") for e in config.get("Env") or ()))
    return Image(
        name,
        ImageKind.ENGINE,
        command=tuple(config.get("Entrypoint") or ()),
        args=tuple(config.get("Cmd") or ()),
        env=env,
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        stop_signal=config.get("StopSignal") or "SIGTERM",
    )


@asynccontextmanager
async def open_docker_runtime(
    settings: DockerSettings, *, cluster: str, node: str, directory: str
) -> AsyncIterator[DockerRuntime]:
    """A node's runtime on the engine at `settings.socket`; `directory` is the node's own. RuntimeGone when the engine
    does not answer. Leaving it keeps what runs, unless `aclose(keep=False)` was called."""
    async with open_engine(settings.socket) as engine:
        await engine.ask("version")  # an engine that is not there is said before there are tasks to end
        async with trio.open_nursery() as nursery:
            own_tasks = await nursery.start(_hold_nursery)
            runtime = DockerRuntime(engine, own_tasks, settings, bodies.node_labels(cluster, node), PodFiles(directory))
            await runtime.prepare()
            await runtime.refresh_images()
            await own_tasks.start(runtime.listen)
            yield runtime
            nursery.cancel_scope.cancel()


async def _hold_nursery(task_status: trio.TaskStatus[trio.Nursery]) -> None:
    """The runtime's own tasks, which `aclose` may end without ending whoever opened it."""
    async with trio.open_nursery() as nursery:
        task_status.started(nursery)
        await trio.sleep_forever()
