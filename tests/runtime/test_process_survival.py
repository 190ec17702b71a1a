"""What survives whose death: agent, runtime and keeper killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from kube_actors.node.agent.keeper import child_pids
from kube_actors.node.runtime import agent_link
from kube_actors.node.runtime.agent_link import Tier
from kube_actors.node.runtime.base import (
    ContainerExited,
    FoundSandbox,
    Image,
    ImageKind,
    RuntimeBack,
    RuntimeFailure,
    RuntimeLost,
)

from .contract import EXITS, RUNS, eventually, log_text
from .process_stage import RANGES, ProcessStage, is_running, opened, process_ended

NO_IMAGE = Image("gone", ImageKind.ROOTFS, rootfs="/no-such-directory")
RUNTIME = """
import sys, time, trio
from ipaddress import IPv4Network
from pathlib import Path
from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.runtime.agent_link import open_agent
from kube_actors.node.runtime.base import *
from kube_actors.node.runtime.process import ProcessRuntime

async def main(directory, on_exit, *cidrs):
    ranges = NetworkRanges(*map(IPv4Network, cidrs))
    async with open_agent(Path(directory), cluster_id=Path(directory).name, ranges=ranges, on_exit=on_exit) as link:
        runtime = ProcessRuntime(link, node="node-1", address=str(ranges.node_cidr[16]), clock_now=time.time)
        pod = PodName("u-1", "default", "web")
        await runtime.create_sandbox(SandboxSpec(pod, "web", str(link.ranges.pod_cidr[16])))
        image = Image("host", ImageKind.HOST)
        started = await runtime.run_container(
            ContainerSpec(ContainerId("u-1", "main", 0), image, ("sleep", "1000"), directory + "/log"))
        print(link.keeper_pid, started.pid, flush=True)
        await trio.sleep_forever()

trio.run(main, *sys.argv[1:])
"""


@pytest.fixture(params=["A", "B", "C"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in each tier."""
    tier: Tier = request.param
    async with opened(tier, tmp_path) as stage:
        yield stage


async def kill_agent(stage: ProcessStage) -> None:
    """kill -9 the agent and wait until the keeper has started another."""
    old = stage.link.agent_pid
    os.kill(old, signal.SIGKILL)
    events = stage.runtime.events()
    assert isinstance(await events.receive(), RuntimeLost)
    assert isinstance(await events.receive(), RuntimeBack)
    assert stage.link.agent_pid != old


async def test_a_killed_agent_loses_nothing(stage: ProcessStage) -> None:
    """Containers run on with the same pids, their output before and after is logged, exec and exits still work."""
    spec = await stage.run("i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done")
    before = await stage.runtime.adopt()

    async def lines() -> bool:
        return log_text(spec).count("\n") > 3

    await eventually(lines)
    await kill_agent(stage)
    assert await stage.runtime.adopt() == before
    session = await stage.runtime.exec(spec.id, ("/bin/sh", "-c", "exit 5"))
    assert await session.wait() == 5
    await session.aclose()
    await stage.runtime.signal_container(spec.id, signal.SIGKILL)
    assert (await stage.next_exit()).exit_code == 137
    numbers = [int(line) for line in log_text(spec).split()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_an_exit_while_the_agent_was_dead_is_reported(stage: ProcessStage) -> None:
    """The keeper reaped it: code and all."""
    spec = await stage.run("trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done")

    async def up() -> bool:
        return log_text(spec) == "up\n"

    await eventually(up)
    (sandbox,) = await stage.runtime.adopt()
    os.kill(stage.link.agent_pid, signal.SIGSTOP)
    os.kill(sandbox.containers[0].pid, signal.SIGUSR1)
    await process_ended(sandbox.containers[0].pid)
    await kill_agent(stage)
    await stage.runtime.adopt()
    exited = await stage.next_exit()
    assert (exited.id, exited.exit_code) == (spec.id, 9)
    await stage.no_more_exits()


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2])
async def test_an_agent_that_nobody_waits_for_any_more_ends(tmp_path: Path, after: float) -> None:
    """Whoever starts one and is cancelled before it answers leaves nothing behind, not even for a while."""
    with trio.move_on_after(after):
        async with agent_link.open_agent(tmp_path / "agent", cluster_id="early", ranges=RANGES, on_exit="end"):
            await trio.sleep_forever()

    async def nobody_writes_its_log() -> bool:
        return not any(_told_to(record).startswith(str(tmp_path)) for record in Path("/proc").glob("[0-9]*/fd/2"))

    with trio.fail_after(4):  # an agent that waits for a runtime does so for eight
        await eventually(nobody_writes_its_log)


def _told_to(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""  # it has ended meanwhile


async def test_the_agent_dies_again_and_again(stage: ProcessStage) -> None:
    """Each time it comes back, and pods can be made and removed."""
    for round_number in range(3):
        uid = f"u-{round_number + 1}"
        await stage.start(RUNS, uid=uid)
        await kill_agent(stage)
    found = await stage.runtime.adopt()
    assert len(found) == 3
    for sandbox in found:
        await stage.runtime.remove_sandbox(sandbox.pod.uid)
    assert await stage.runtime.adopt() == ()


def start_runtime(directory: Path, on_exit: str) -> tuple[subprocess.Popen[str], int, int]:
    """A runtime in a process of its own; its keeper's and its container's pid."""
    cidrs = [str(network) for _, network in RANGES.named()]
    process = subprocess.Popen(
        [sys.executable, "-c", RUNTIME, str(directory), on_exit, *cidrs],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SECRET_OF_THE_RUNTIME": "1"},
    )
    assert process.stdout is not None
    keeper, container = process.stdout.readline().split()
    return process, int(keeper), int(container)


async def test_with_end_a_killed_runtime_takes_all_with_it(tmp_path: Path) -> None:
    """kill -9 of the runtime ends keeper, agent and containers, and nothing stays on the machine."""
    process, keeper, container = start_runtime(tmp_path, "end")
    process.kill()
    process.wait()
    await process_ended(keeper)
    await process_ended(container)
    assert not (tmp_path / "agent.sock").exists()


async def test_with_keep_containers_outlive_a_killed_runtime(tmp_path: Path) -> None:
    """The next runtime finds the same process."""
    process, keeper, container = start_runtime(tmp_path, "keep")
    process.kill()
    process.wait()
    found: tuple[FoundSandbox, ...]
    async with ProcessStage(tmp_path, "A").opened() as stage:
        assert stage.link.keeper_pid == keeper
        found = await stage.runtime.adopt()
        assert [c.pid for c in found[0].containers] == [container]
        assert is_running(container)
    await process_ended(container)


async def test_terminating_the_keeper_takes_all_down(tmp_path: Path) -> None:
    """SIGTERM to it is the way to end a cluster whose runtime is gone."""
    process, keeper, container = start_runtime(tmp_path, "keep")
    process.kill()
    process.wait()
    os.kill(keeper, signal.SIGTERM)
    await process_ended(keeper)
    await process_ended(container)
    assert not {"agent.sock", "pods"} & set(os.listdir(tmp_path))


async def test_kept_pods_end_when_their_state_is_deleted(tmp_path: Path) -> None:
    """No runtime could ever find them again."""
    process, keeper, container = start_runtime(tmp_path, "keep")
    (tmp_path / "agent.sock").unlink()
    process.kill()
    process.wait()
    await process_ended(keeper)
    await process_ended(container)


async def test_containers_inherit_nothing_of_the_runtime(tmp_path: Path) -> None:
    """Neither environment nor descriptors nor ignored signals nor umask."""
    previous = os.umask(0o077)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    os.environ["SECRET_OF_THE_RUNTIME"] = "1"
    try:
        async with opened("A", tmp_path) as stage:
            text = await stage.output("umask; env; ls /proc/self/fd; grep SigIgn /proc/self/status")
    finally:
        os.umask(previous)
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        del os.environ["SECRET_OF_THE_RUNTIME"]
    assert text.startswith("0022\n")
    assert "SECRET" not in text
    assert "\n0\n1\n2\n3\nSigIgn:\t0000000000000000\n" in text


async def test_when_the_keeper_is_killed_nothing_runs_on(tmp_path: Path) -> None:
    """Containers die with it, and the next start finds a clean machine."""
    if os.geteuid():
        pytest.skip("tier A needs root")
    process, keeper, container = start_runtime(tmp_path, "keep")
    os.kill(keeper, signal.SIGKILL)
    await process_ended(container)
    process.kill()
    process.wait()
    async with ProcessStage(tmp_path, "A").opened() as stage:
        assert await stage.runtime.adopt() == ()
        assert await stage.output("echo fresh") == "fresh\n"


async def test_exit_times_are_in_order(stage: ProcessStage) -> None:
    """Started and finished times are of the cluster's clock."""
    before = time.time()
    await stage.start(EXITS)
    exited: ContainerExited = await stage.next_exit()
    (sandbox,) = await stage.runtime.adopt()
    started = sandbox.containers[0].started_at
    assert before - 0.1 <= started <= exited.finished_at <= time.time() + 0.1
    assert attrs.evolve(exited, message="") == exited


async def test_nothing_piles_up(stage: ProcessStage) -> None:
    """Pods, containers, commands and failures leave no descriptors in agent or keeper, and no processes."""

    async def one_round(number: int) -> None:
        uid = f"u-{number}"
        spec = await stage.run("echo x; sleep 100", uid=uid)
        session = await stage.runtime.exec(spec.id, ("true",))
        assert await session.wait() == 0
        await session.aclose()
        with pytest.raises(RuntimeFailure):
            await stage.runtime.exec(spec.id, ("no-such-program",))
        with pytest.raises(RuntimeFailure):
            await stage.runtime.run_container(attrs.evolve(stage.container(RUNS, uid=uid, name="x"), argv=("nope",)))
        asked = attrs.evolve(stage.container(RUNS, uid=uid, name="y"), stdin=True)
        for spec in (attrs.evolve(asked, image=NO_IMAGE), attrs.evolve(asked, log_path="/dev/null/x.log")):
            with pytest.raises(RuntimeFailure):
                await stage.runtime.run_container(spec)
        assert [found.id.name for found in (await stage.runtime.adopt())[0].containers] == ["main"]
        await stage.runtime.remove_sandbox(uid)

    def held() -> list[int]:
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (stage.link.agent_pid, stage.link.keeper_pid)]

    await one_round(1)
    before = held()
    for number in range(2, 6):
        await one_round(number)

    def children() -> list[list[int]]:
        return [child_pids(pid) for pid in (stage.link.agent_pid, stage.link.keeper_pid)]

    async def as_before() -> bool:
        fewer = all(now <= then for then, now in zip(before, held(), strict=True))
        return fewer and children() == [[], [stage.link.agent_pid]]

    await eventually(as_before)


async def test_where_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime is told in a sentence."""

    def refuse() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(agent_link, "AgentInterpreter", refuse)
    with pytest.raises(RuntimeFailure, match=r"no process can be started: .*Resource temporarily unavailable"):
        async with agent_link.open_agent(tmp_path / "agent", cluster_id="none", ranges=RANGES, on_exit="end"):
            pass
