"""The simulated runtime, in virtual time."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
import trio

from kube_actors.kernel import VirtualClock
from kube_actors.kernel.clock import CLOCK_TASK
from kube_actors.node.runtime.base import (
    ContainerExited,
    ContainerId,
    ContainerSpec,
    Image,
    ImageKind,
    PodName,
    Resources,
    RuntimeBack,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeGone,
    RuntimeLost,
    SandboxSpec,
    Security,
)
from kube_actors.node.runtime.handlers import (
    ExecAction,
    HttpGetAction,
    ProbeHandler,
    ProbeOutcome,
    ProbeResult,
    TcpSocketAction,
)
from kube_actors.node.runtime.simulated import SimulatedRuntime
from kube_actors.node.runtime.simulated_profile import ANNOTATION_DOMAIN, SimulationProfiles
from kube_actors.plan.container_user import User
from kube_actors.records import define

from .contract import Does, RuntimeContract, Stage, pod_name

IMAGE = Image("web", ImageKind.HOST)


@define
class Node:
    """A simulated runtime with its clock; `start_time` is when the test began."""

    clock: VirtualClock
    runtime: SimulatedRuntime
    start_time: float

    async def run(self, attempt: int = 0, *, pod: str = "u-1", log: str = "", memory: int | None = None) -> ContainerId:
        """Start the container `main` of the pod."""
        container = ContainerId(pod, "main", attempt)
        spec = ContainerSpec(
            container, IMAGE, ("web",), log, env=(("A", "1"),), resources=Resources(memory_limit=memory)
        )
        await self.runtime.run_container(spec)
        return container

    async def sandbox(self, uid: str = "u-1", **settings: object) -> None:
        """Make a pod whose annotations say `settings`."""
        annotations = {
            f"simulation.kube-actors.dev/{name.replace('_', '-')}": str(value) for name, value in settings.items()
        }
        spec = SandboxSpec(PodName(uid, "ns", "web-0"), "web-0", "10.1.0.2", annotations=annotations)
        await self.runtime.create_sandbox(spec)

    @property
    def seconds(self) -> float:
        """Cluster time since the test began."""
        return round(self.clock.now() - self.start_time, 6)

    async def event(self) -> RuntimeEvent:
        """The next event."""
        return await self.runtime.events().receive()

    async def exit(self) -> tuple[float, int, bool]:
        """The next exit: when, code, for memory."""
        event = await self.event()
        assert isinstance(event, ContainerExited)
        return round(event.finished_at - self.start_time, 6), event.exit_code, event.oom_killed

    def nothing_more(self) -> bool:
        """No event is waiting."""
        try:
            self.runtime.events().receive_nowait()
        except trio.WouldBlock:
            return True
        return False


@pytest.fixture
async def node(nursery: trio.Nursery) -> AsyncIterator[Node]:
    """A node without settings of its own."""
    clock = VirtualClock()
    nursery.start_soon(clock.run, name=CLOCK_TASK)
    yield Node(clock, SimulatedRuntime(clock=clock, random=Random(7)), clock.now())
    nursery.cancel_scope.cancel()


async def test_start_takes_its_time(node: Node) -> None:
    """`start-seconds` is how long starting takes, and what `Started` says is when it was done."""
    await node.sandbox(start_seconds=3)
    await node.run()
    assert node.seconds == 3


async def test_life_and_exit_code(node: Node) -> None:
    """`run-seconds` and `exit-code`, reported once."""
    await node.sandbox(run_seconds=60, exit_code=4)
    await node.run()
    assert await node.exit() == (60, 4, False)
    assert node.nothing_more()


async def test_sigterm_ends_at_once_unless_said_otherwise(node: Node) -> None:
    """The signal is what ended it."""
    await node.sandbox()
    container = await node.run()
    await node.runtime.signal_container(container, signal.SIGTERM)
    assert await node.exit() == (0, 143, False)


async def test_term_seconds_and_code(node: Node) -> None:
    """A program that tidies up exits in its own way, later; a second SIGTERM does not put it off."""
    await node.sandbox(term_seconds=5, term_exit_code=0)
    container = await node.run()
    await node.runtime.signal_container(container, signal.SIGTERM)
    await node.clock.sleep(3)
    await node.runtime.signal_container(container, signal.SIGTERM)
    assert await node.exit() == (5, 0, False)


async def test_ignored_sigterm_and_kill(node: Node) -> None:
    """Only SIGKILL ends a container that ignores SIGTERM; signals after the end are nothing."""
    await node.sandbox(ignore_sigterm="true")
    container = await node.run()
    await node.runtime.signal_container(container, signal.SIGTERM)
    await node.clock.sleep(30)
    assert node.nothing_more()
    await node.runtime.signal_container(container, signal.SIGKILL, everything=True)
    await node.runtime.signal_container(container, signal.SIGKILL)
    assert await node.exit() == (30, 137, False)
    assert node.nothing_more()


async def test_memory_above_the_limit(node: Node) -> None:
    """It is OOM-killed when it would have become ready."""
    await node.sandbox(memory="100Mi", ready_seconds=2)
    await node.run(memory=50 << 20)
    assert await node.exit() == (2, 137, True)


async def test_start_error(node: Node) -> None:
    """A container that cannot start leaves nothing behind, and the same attempt may be tried again."""
    await node.sandbox(start_error="no such file")
    for _ in range(2):
        with pytest.raises(RuntimeFailure, match="no such file") as caught:
            await node.run()
        assert caught.value.reason == "RunContainerError"
    assert (await node.runtime.adopt())[0].containers == ()


async def test_wrong_settings_are_named(node: Node) -> None:
    """A wrong annotation is the container's configuration error."""
    await node.sandbox(run_seconds="later")
    with pytest.raises(RuntimeFailure, match="run-seconds: 'later' is no duration") as caught:
        await node.run()
    assert caught.value.reason == "CreateContainerConfigError"


async def test_cancelled_start_is_undone(node: Node) -> None:
    """Who gives up waiting has started nothing, and may start it again."""
    await node.sandbox(start_seconds=10)
    with trio.CancelScope() as scope:
        node.clock.call_at(node.clock.now() + 1, scope.cancel)
        await node.run()
    assert node.seconds == 1
    await node.run()
    assert node.seconds == 11


async def test_sandbox_removed_while_starting(node: Node) -> None:
    """The start fails, and nothing is reported as exited that never ran."""
    await node.sandbox(start_seconds=10)
    async with trio.open_nursery() as nursery:
        await nursery.start(_remove_soon, node)
        with pytest.raises(RuntimeFailure, match="removed while it started"):
            await node.run()
    assert node.nothing_more()


async def _remove_soon(node: Node, task_status: trio.TaskStatus[None]) -> None:
    task_status.started()
    await node.clock.sleep(1)
    await node.runtime.remove_sandbox("u-1")


async def test_probes_follow_readiness_and_hanging(node: Node) -> None:
    """Probes fail until it is ready and from when it hangs, in the words of each kind of probe."""
    await node.sandbox(ready_seconds=5, hang_seconds=10)
    container = await node.run()
    get, tcp, command = HttpGetAction(8080, "/health"), TcpSocketAction(8080), ExecAction(("true",))
    refused = "dial tcp 10.1.0.2:8080: connect: connection refused"
    expected: list[tuple[ProbeHandler, ProbeResult]] = [
        (get, ProbeResult(ProbeOutcome.FAILURE, f'Get "http://10.1.0.2:8080/health": {refused}')),
        (tcp, ProbeResult(ProbeOutcome.FAILURE, refused)),
        (command, ProbeResult(ProbeOutcome.FAILURE, "simulated: not ready")),
    ]
    for handler, result in expected:
        assert await node.runtime.probe(container, handler, 1) == result
    await node.clock.sleep(5)
    for handler, _ in expected:
        assert (await node.runtime.probe(container, handler, 1)).succeeded
    await node.clock.sleep(5)
    assert not (await node.runtime.probe(container, get, 1)).succeeded


async def test_slow_probes_time_out_on_cluster_time(node: Node) -> None:
    """`probe-seconds` beyond the timeout is a failure, after the timeout."""
    await node.sandbox(probe_seconds=3)
    container = await node.run()
    assert (await node.runtime.probe(container, TcpSocketAction(80), 5)).succeeded
    assert node.seconds == 3
    result = await node.runtime.probe(container, TcpSocketAction(80), 2)
    assert result == ProbeResult(ProbeOutcome.FAILURE, "context deadline exceeded")
    assert node.seconds == 5


async def test_one_seed_one_fate_in_any_order(nursery: trio.Nursery) -> None:
    """Chances hang on the seed and on the pod, not on the order in which pods start."""

    async def codes(seed: int, order: list[str]) -> dict[str, float]:
        clock = VirtualClock()
        nursery.start_soon(clock.run, name=CLOCK_TASK)
        runtime = SimulatedRuntime(
            clock=clock,
            random=Random(seed),
            profiles=SimulationProfiles.from_config({"runSeconds": "1..1000"}),
        )
        node = Node(clock, runtime, clock.now())
        for uid in order:
            await node.sandbox(uid)
            await node.run(pod=uid)
        ends = {}
        for _ in order:
            event = await node.event()
            assert isinstance(event, ContainerExited)
            ends[event.id.pod_uid] = round(event.finished_at - node.start_time, 6)
        return ends

    first = await codes(1, ["a", "b", "c"])
    assert await codes(1, ["c", "a", "b"]) == first
    assert await codes(2, ["a", "b", "c"]) != first
    assert len(set(first.values())) == 3
    nursery.cancel_scope.cancel()


async def test_loss_and_return(node: Node) -> None:
    """While it is lost every call says so; exits meanwhile come first thing after `adopt`, once."""
    await node.sandbox(run_seconds=10)
    container = await node.run()
    node.runtime.lose("the machine is away")
    with pytest.raises(RuntimeGone, match="the machine is away"):
        await node.runtime.signal_container(container, signal.SIGKILL)
    await node.clock.sleep(20)
    assert await node.event() == RuntimeLost("the machine is away")
    assert node.nothing_more()
    node.runtime.restore()
    assert await node.event() == RuntimeBack()
    found = (await node.runtime.adopt())[0].containers[0]
    assert await node.event() == found.exit
    assert (found.id, found.exit and found.exit.exit_code) == (container, 0)
    assert (await node.runtime.adopt())[0].pod == PodName("u-1", "ns", "web-0")
    assert node.nothing_more()


async def test_logs_only_where_a_directory_is(node: Node, tmp_path: Path) -> None:
    """Two lines in CRI format, and no directory made for them."""
    await node.sandbox(run_seconds=1)
    log = tmp_path / "0.log"
    await node.run(0, log=str(log))
    await node.event()
    await node.run(1, log=str(tmp_path / "none" / "1.log"))
    assert [line.split(" ", 1)[1] for line in log.read_text().splitlines()] == [
        "stdout F simulated container main started",
        "stdout F simulated container main exited with 0",
    ]
    assert not (tmp_path / "none").exists()


async def output(node: Node, *argv: str, feed: Callable[[Any], Any] | None = None) -> tuple[bytes, int]:
    """What a command in the container prints, and its exit code."""
    session = await node.runtime.exec(ContainerId("u-1", "main", 0), argv, stdin=feed is not None)
    if feed is not None:
        await feed(session)
    pieces = [data async for _, data in session.output()]
    return b"".join(pieces), await session.wait()


async def test_exec(node: Node) -> None:
    """A handful of commands do what they say; others say that they were simulated."""
    await node.sandbox()
    await node.run()

    async def feed(session: Any) -> None:
        await session.send_stdin(b"abc")
        await session.close_stdin()

    assert await output(node, "echo", "a", "b") == (b"a b\n", 0)
    assert await output(node, "sh", "-c", "exit 7") == (b"", 7)
    assert await output(node, "hostname") == (b"web-0\n", 0)
    assert await output(node, "env") == (b"A=1\n", 0)
    assert await output(node, "cat", feed=feed) == (b"abc", 0)
    assert await output(node, "nginx", "-s", "quit") == (b"simulated: nginx -s quit\n", 0)
    assert await output(node, "sleep", "5") == (b"", 0)
    assert node.seconds == 5


async def test_exec_ends_with_its_container(node: Node) -> None:
    """A command that still runs when the container ends is killed with it; in an ended container there is none."""
    await node.sandbox()
    container = await node.run()
    session = await node.runtime.exec(container, ("sleep", "1000"))
    await node.runtime.signal_container(container, signal.SIGKILL)
    assert await session.wait() == 137
    with pytest.raises(RuntimeFailure, match="not running"):
        await node.runtime.exec(container, ("true",))


async def test_connections_answer_http(node: Node) -> None:
    """A port of a ready pod answers requests with the pod's name, several on one connection, until it ends."""
    await node.sandbox(ready_seconds=1)
    container = await node.run()
    with pytest.raises(ConnectionRefusedError):
        await node.runtime.connect("u-1", 80)
    await node.clock.sleep(1)
    stream = await node.runtime.connect("u-1", 80)
    for _ in range(2):
        await stream.send_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
        answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nweb-0\n")
    await stream.send_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Connection: close" in await stream.receive_some()
    assert await stream.receive_some() == b""
    await node.runtime.signal_container(container, signal.SIGKILL)
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(OSError, match="No route to host"):
        await node.runtime.connect("u-2", 80)


async def test_many_containers_have_no_tasks(node: Node) -> None:
    """Containers are timers: ten thousand of them add no task and end in the order of their time."""
    before = trio.lowlevel.current_statistics().tasks_living
    await node.sandbox(run_seconds="1..100")
    for attempt in range(10_000):
        await node.run(attempt)
    assert trio.lowlevel.current_statistics().tasks_living == before
    ends = [(await node.exit())[0] for _ in range(10_000)]
    assert ends == sorted(ends)


class SimulatedStage(Stage):
    """A node whose containers behave by annotations. A runtime that comes back stands for a new one over the same:
    nothing simulated outlives its runtime."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self.runtime = runtime
        self.simulated = runtime

    def sandbox(self, uid: str = "u-1") -> SandboxSpec:
        """A pod."""
        return SandboxSpec(pod_name(uid), "web-0", "10.1.0.2")

    def container(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerSpec:
        """A container with that behaviour."""
        settings = {"ignore-sigterm": str(does.deaf)}
        if does.exit_code is not None:
            settings |= {"run-seconds": "1", "exit-code": str(does.exit_code)}
        annotations = {f"{ANNOTATION_DOMAIN}/{setting}": value for setting, value in settings.items()}
        return ContainerSpec(ContainerId(uid, name, attempt), IMAGE, ("web",), "", annotations=annotations)

    async def reopen(self) -> None:
        """Out of reach, and back."""
        self.simulated.lose("gone for a moment")
        self.simulated.restore()
        await trio.lowlevel.checkpoint()


class TestContract(RuntimeContract):
    """The simulated runtime keeps the runtime contract."""

    @pytest.fixture
    async def stage(self, node: Node) -> Stage:
        """A node in virtual time."""
        return SimulatedStage(node.runtime)


@pytest.mark.parametrize(
    ("image", "security", "user"),
    [
        ("", Security(), User(0, 0, (0,))),
        ("root", Security(supplemental_groups=(7, 5)), User(0, 0, (0, 5, 7))),
        ("1000:50", Security(), User(1000, 50, (50,))),
        ("1000:50", Security(run_as_user=2000), User(2000, 0, (0,))),
        ("1000:50", Security(run_as_group=60, supplemental_groups=(60,)), User(1000, 60, (60,))),
        ("nginx", Security(), None),
        ("nginx", Security(run_as_user=3), User(3, 0, (0,))),
        ("3:staff", Security(), None),
    ],
)
async def test_who_containers_run_as(node: Node, image: str, security: Security, user: User | None) -> None:
    """As numbers, told at the start and to whoever adopts; names of an image stay unknown."""
    await node.runtime.create_sandbox(SandboxSpec(pod_name("u-1"), "web", "10.1.0.1"))
    container = ContainerId("u-1", "main", 0)
    spec = ContainerSpec(container, attrs.evolve(IMAGE, user=image), ("web",), "", security=security)
    assert (await node.runtime.run_container(spec)).user == user
    (found,) = await node.runtime.adopt()
    assert [each.user for each in found.containers] == [user]
