"""The Docker runtime keeps the runtime contract on a real engine, and what only engines have."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import pytest
import trio

from kube_actors.node.runtime.base import (
    Image,
    ImageKind,
    Resources,
    RuntimeBack,
    RuntimeFailure,
    RuntimeGone,
    RuntimeLost,
)
from kube_actors.node.runtime.docker import DockerSettings, start_docker_runtime
from kube_actors.node.runtime.docker.pause import pause_program

from .contract import EXITS, HOST_IMAGE, PATIENCE, RUNS, IsolationContract, Stage, dial, log_text
from .docker_stage import DockerStage, EngineProcess, engine_ask, running_engine


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    """One engine for all tests of the module."""
    with running_engine() as engine:
        yield engine


class TestDocker(IsolationContract):
    """A node on an engine."""

    @pytest.fixture
    async def stage(self, engine: EngineProcess, tmp_path: Path) -> AsyncIterator[DockerStage]:
        """A node of its own for each test."""
        async with DockerStage(engine, tmp_path).opened() as stage:
            yield stage

    async def test_a_server_is_reached_at_the_pods_address(self, stage: Stage) -> None:
        """From the node to the pod; a port nobody listens on refuses."""
        await stage.runtime.create_sandbox(stage.sandbox())
        serve = "echo HELLO > /tmp/hello; httpd -f -p 8080 -h /tmp"
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", serve))
        await stage.runtime.run_container(spec)
        async with await dial(stage.runtime, 8080) as stream:
            await stream.send_all(b"GET /hello HTTP/1.0\r\n\r\n")
            answer = b"".join([piece async for piece in stream])
            assert answer.endswith(b"HELLO\n")
        with pytest.raises(ConnectionRefusedError):
            await stage.runtime.connect("u-1", 9)

    async def test_containers_of_a_pod_share_network_and_ipc(self, stage: DockerStage) -> None:
        """One address, one loopback."""
        await stage.runtime.create_sandbox(stage.sandbox())
        argv = ("httpd", "-f", "-p", "127.0.0.1:99", "-h", "/bin")
        server = attrs.evolve(stage.container(RUNS, name="server"), argv=argv)
        await stage.runtime.run_container(server)
        script = "until wget -q -O /tmp/x http://127.0.0.1:99/busybox; do sleep 0.05; done; readlink /proc/self/ns/ipc"
        client = attrs.evolve(stage.container(RUNS, name="client"), argv=("/bin/sh", "-c", script))
        await stage.runtime.run_container(client)
        await stage.next_exit()
        session = await stage.runtime.exec(server.id, ("readlink", "/proc/self/ns/ipc"))
        shown = b"".join([data async for _, data in session.output()]).decode()
        await session.aclose()
        assert log_text(client) == shown

    async def test_an_image_the_engine_does_not_have(self, stage: DockerStage) -> None:
        """Nothing is pulled."""
        await stage.runtime.create_sandbox(stage.sandbox())
        for image, reason in (
            (Image("nope:1", ImageKind.ENGINE), "ErrImageNeverPull"),
            (HOST_IMAGE, "CreateContainerError"),
        ):
            with pytest.raises(RuntimeFailure) as refused:
                await stage.runtime.run_container(attrs.evolve(stage.container(RUNS), image=image))
            assert refused.value.reason == reason
        assert stage.runtime.image("nope:1") is None

    async def test_images_carry_their_defaults(self, stage: DockerStage) -> None:
        """Environment and command of the engine's images are known before a container is made, new ones soon."""
        await stage.runtime.adopt()
        image = stage.runtime.image("kube-actors-test:1")
        assert image is not None
        assert (image.kind, image.args) == (ImageKind.ENGINE, ("sh",))
        assert ("FROM_IMAGE", "yes") in image.env
        assert stage.runtime.image("another") is None
        engine_ask(stage.engine.socket, "POST", "/images/kube-actors-test:1/tag?repo=another&tag=latest")
        with trio.fail_after(PATIENCE):
            while True:
                if stage.runtime.image("another") is not None:
                    break
                await trio.sleep(0.01)

    async def test_out_of_memory(self, stage: DockerStage) -> None:
        """A container above its limit is killed, and the exit says why."""
        await stage.runtime.create_sandbox(stage.sandbox())
        hungry = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo ${#x}"
        limits = Resources(memory_limit=20 << 20)
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", hungry), resources=limits)
        await stage.runtime.run_container(spec)
        exited = await stage.next_exit()
        assert (exited.exit_code, exited.oom_killed) in ((137, True), (2, True), (1, True))

    async def test_termination_message(self, stage: DockerStage) -> None:
        """What the container leaves at its termination message path comes with its exit."""
        await stage.runtime.create_sandbox(stage.sandbox())
        script = "echo -n sorry > /dev/termination-log; exit 3"
        await stage.runtime.run_container(attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script)))
        assert (await stage.next_exit()).message == "sorry"

    async def test_logs_go_on_after_adoption(self, stage: DockerStage) -> None:
        """Nothing is lost or doubled where one runtime ends and the next goes on."""
        await stage.runtime.create_sandbox(stage.sandbox())
        script = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; sleep 0.05; done"
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script))
        await stage.runtime.run_container(spec)
        await trio.sleep(0.5)
        await stage.reopen()
        await stage.runtime.adopt()
        await stage.next_exit()
        assert log_text(spec).splitlines() == [f"line {number}" for number in range(1, 41)]


async def test_a_lost_engine(tmp_path: Path) -> None:
    """Calls say that it is gone, its return is told, and what ended meanwhile is found."""
    with running_engine() as engine:
        async with DockerStage(engine, tmp_path).opened() as stage:
            container = await stage.start(RUNS)
            engine.stop()
            with trio.fail_after(PATIENCE):
                assert isinstance(await stage.runtime.events().receive(), RuntimeLost)
            with pytest.raises(RuntimeGone):
                await stage.runtime.adopt()
            engine.start()
            with trio.fail_after(PATIENCE):
                assert await stage.runtime.events().receive() == RuntimeBack()
            found = (await stage.runtime.adopt())[0].containers[0]
            assert found.id == container
            assert found.exit is not None
            assert (await stage.next_exit()).id == container
            await stage.runtime.remove_sandbox("u-1")
            await stage.start(EXITS)
            assert (await stage.next_exit()).exit_code == 3


async def test_no_engine(tmp_path: Path, nursery: trio.Nursery) -> None:
    """An engine that is not there is said to be out of reach; closing is possible all the same."""
    settings = DockerSettings(f"unix://{tmp_path}/none.sock")
    runtime = start_docker_runtime(nursery, settings, cluster="c", node="n", directory=str(tmp_path))
    with pytest.raises(RuntimeGone, match=r"none\.sock"):
        await runtime.adopt()
    assert isinstance(await runtime.events().receive(), RuntimeLost)
    await runtime.aclose(keep=True)
    with pytest.raises(RuntimeGone, match="closed"):
        await runtime.adopt()


def test_settings_from_config() -> None:
    """cluster.yaml's words; a network of the engine's own instead of the node's; what is no setting is named."""
    assert DockerSettings.from_config({}, subnet="10.1.0.0/24") == DockerSettings(subnet="10.1.0.0/24")
    own = {"network": "lab", "pauseImage": "pause:3", "socket": "/d"}
    chosen = DockerSettings.from_config(own, subnet="10.1.0.0/24")
    assert chosen == DockerSettings("/d", "lab", None, "pause:3")
    with pytest.raises(ValueError, match="no such docker setting: colour"):
        DockerSettings.from_config({"colour": "red"})


def test_pause_program_sleeps(tmp_path: Path) -> None:
    """The program written byte by byte runs on this machine and does nothing until it is killed."""
    architecture = os.uname().machine
    if architecture not in ("x86_64", "aarch64"):
        pytest.skip(f"no pause program for {architecture}")
    path = tmp_path / "pause"
    path.write_bytes(pause_program(architecture))
    path.chmod(0o755)
    with subprocess.Popen([path]) as process:
        time.sleep(0.05)
        assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
