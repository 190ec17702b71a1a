"""Cluster time: standing, stepping, jumping, virtual and real."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import VIRTUAL_EPOCH, ActorSystem, ClockMode, ClusterClock, RealClock, VirtualClock
from kube_actors.testing.kernel import running_system


async def note_ticks(clock: ClusterClock, period: float, ticks: list[float]) -> None:
    """Note the time, in seconds since now, after each period."""
    begin = clock.now()
    while True:
        await clock.sleep(period)
        ticks.append(round(clock.now() - begin, 6))


class SystemClock:
    """A system clock that goes with trio's (mocked) time and can be set."""

    def __init__(self) -> None:
        self.offset = 1_000_000.0

    def __call__(self) -> float:
        return trio.current_time() + self.offset


async def test_virtual_time_jumps_from_instant_to_instant() -> None:
    """A day of hourly ticks takes no time, and each tick is exactly on its hour."""
    async with running_system() as stage, trio.open_nursery() as nursery:
        ticks: list[float] = []
        nursery.start_soon(note_ticks, stage.clock, 3600, ticks)
        await stage.clock.sleep(86_400 + 1)
        nursery.cancel_scope.cancel()
        assert ticks == [3600 * hour for hour in range(1, 25)]
        assert stage.clock.now() == VIRTUAL_EPOCH + 86_401


async def test_virtual_time_stands_while_anything_is_runnable() -> None:
    """However many turns a piece of work takes, it takes no virtual time."""
    async with running_system() as stage:
        begin = stage.clock.now()
        with stage.clock.move_on_after(0.001):
            for _ in range(1000):
                await trio.lowlevel.checkpoint()
        assert stage.clock.now() == begin


async def test_virtual_time_stands_while_a_hold_is_open() -> None:
    """A thread in flight for cluster work finishes before the next timer, however short."""
    release = threading.Event()
    order: list[str] = []

    async def work(clock: ClusterClock) -> None:
        with clock.hold():
            await trio.to_thread.run_sync(release.wait)
        order.append("work")

    async def timer(clock: ClusterClock) -> None:
        await clock.sleep(0.001)
        order.append("timer")

    async with running_system() as stage, trio.open_nursery() as nursery:
        nursery.start_soon(work, stage.clock)
        nursery.start_soon(timer, stage.clock)
        await trio.sleep(0.02)
        assert order == []
        assert stage.clock.open_holds == 1
        assert stage.clock.now() == VIRTUAL_EPOCH
        release.set()
    assert order == ["work", "timer"]


async def test_virtual_time_stands_for_one_who_waits_for_quiet() -> None:
    """After `wait_all_tasks_blocked` a test finds the time at which everybody blocked, again and again, and what it
    starts then comes before the jump."""
    order: list[str] = []

    async def later() -> None:
        await trio.lowlevel.checkpoint()
        order.append("started by the test")

    async with running_system() as stage, trio.open_nursery() as nursery:
        stage.clock.call_at(stage.clock.now() + 1, partial(order.append, "timer"))
        for _ in range(20):
            await wait_all_tasks_blocked()
            assert stage.clock.now() == VIRTUAL_EPOCH
        nursery.start_soon(later)
        await stage.clock.sleep(2)
    assert order == ["started by the test", "timer"]


async def test_a_thousand_timers_at_once_wake_in_the_order_they_were_set() -> None:
    """Tasks that sleep and tasks that a callback wakes go one after the other, whatever order trio likes."""
    woken: list[int] = []

    async def called(clock: ClusterClock, number: int, task_status: trio.TaskStatus[None]) -> None:
        call = trio.Event()
        clock.call_at(VIRTUAL_EPOCH + 10, call.set)
        task_status.started()
        await call.wait()
        woken.append(number)

    async def sleeper(clock: ClusterClock, number: int, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await clock.sleep_until(VIRTUAL_EPOCH + 10)
        woken.append(number)

    async with running_system() as stage, trio.open_nursery() as nursery:
        for number in range(0, 1000, 2):
            await nursery.start(partial(sleeper, stage.clock, number))
            await nursery.start(partial(called, stage.clock, number + 1))
        await stage.clock.sleep(20)
    assert woken == list(range(1000))


async def test_a_cancelled_timer_never_goes_off() -> None:
    """Neither a callback taken back nor a sleep that was cancelled is heard of again."""
    gone_off: list[str] = []
    async with running_system() as stage:
        clock = stage.clock
        taken_back = clock.call_at(clock.now() + 1, partial(gone_off.append, "taken back"))
        kept = clock.call_at(clock.now() + 1, partial(gone_off.append, "kept"))
        taken_back.cancel()
        with clock.move_on_after(0.5) as limit:
            await clock.sleep(100)
        assert limit.cancelled_caught
        assert clock.now() == VIRTUAL_EPOCH + 0.5
        await clock.sleep(1)
        assert gone_off == ["kept"]
        assert not kept.is_set
        kept.cancel()
        assert clock.now() == VIRTUAL_EPOCH + 1.5


async def test_many_cancelled_timers_are_forgotten() -> None:
    """Timers that are always cancelled (timeouts that are met) do not pile up until their time."""
    async with running_system() as stage:
        for _ in range(10_000):
            stage.clock.call_at(stage.clock.now() + 1e6, lambda: None).cancel()
        assert len(stage.clock._timers._entries) < 200


async def test_a_timer_set_for_the_past_goes_off_now_but_not_at_once() -> None:
    """A callback never runs inside `call_at`."""
    gone_off: list[float] = []
    async with running_system() as stage:
        stage.clock.call_at(stage.clock.now() - 5, lambda: gone_off.append(stage.clock.now()))
        assert gone_off == []
        await wait_all_tasks_blocked()
        await stage.clock.sleep(1)
        assert gone_off == [VIRTUAL_EPOCH]


async def test_a_paused_clock_stands_and_steps_through_every_instant() -> None:
    """Stepping five seconds lets a one-second tick come five times, each at its own time."""
    async with running_system(paused=True) as stage, trio.open_nursery() as nursery:
        ticks: list[float] = []
        nursery.start_soon(note_ticks, stage.clock, 1, ticks)
        await wait_all_tasks_blocked()
        assert stage.clock.mode is ClockMode.PAUSED
        assert ticks == []
        await stage.clock.step(5)
        assert ticks == [1, 2, 3, 4, 5]
        await stage.clock.step(0.5)
        assert ticks == [1, 2, 3, 4, 5]
        assert stage.clock.now() == VIRTUAL_EPOCH + 5.5
        await stage.clock.step(0.5)
        assert ticks == [1, 2, 3, 4, 5, 6]
        nursery.cancel_scope.cancel()


async def test_stepping_waits_for_holds() -> None:
    """What a timer starts in a thread is finished before the step goes on."""
    times: list[float] = []

    async def work(clock: ClusterClock) -> None:
        for _ in range(3):
            await clock.sleep(1)
            with clock.hold():
                await trio.to_thread.run_sync(lambda: None)
            times.append(clock.now() - VIRTUAL_EPOCH)

    async with running_system(paused=True) as stage, trio.open_nursery() as nursery:
        nursery.start_soon(work, stage.clock)
        await stage.clock.step(3)
        assert times == [1, 2, 3]


async def test_stepping_a_running_clock_leaves_it_paused_and_resuming_lets_it_go_on() -> None:
    """A debugger's step."""
    async with running_system() as stage, trio.open_nursery() as nursery:
        ticks: list[float] = []
        nursery.start_soon(note_ticks, stage.clock, 1, ticks)
        await stage.clock.step(2)
        await wait_all_tasks_blocked()
        assert (ticks, stage.clock.mode) == ([1, 2], ClockMode.PAUSED)
        stage.clock.resume()
        await stage.clock.sleep(1.5)
        assert (ticks, stage.clock.mode) == ([1, 2, 3], ClockMode.VIRTUAL)
        nursery.cancel_scope.cancel()


async def test_a_jump_is_like_a_suspend() -> None:
    """What came due meanwhile goes off late, in order, and sees the new time only."""
    seen: list[tuple[str, float]] = []
    async with running_system(paused=True) as stage:
        clock = stage.clock

        def see(name: str) -> None:
            seen.append((name, clock.now() - VIRTUAL_EPOCH))

        for name, after in (("b", 20), ("a", 10), ("c", 200)):
            clock.call_at(clock.now() + after, partial(see, name))
        clock.jump(100)
        await wait_all_tasks_blocked()
        assert seen == [("a", 100), ("b", 100)]
        clock.resume()
        await clock.sleep(150)
        assert seen[2:] == [("c", 200)]


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
async def test_time_goes_forward_by_finite_spans_only(seconds: float) -> None:
    """A clock neither goes back nor to the end of time."""
    async with running_system() as stage:
        with pytest.raises(ValueError, match="forward"):
            stage.clock.jump(seconds)
        with pytest.raises(ValueError, match="forward"):
            await stage.clock.step(seconds)


async def test_a_clock_belongs_to_one_system() -> None:
    """Two systems on one clock would let each timer go off in either."""
    async with running_system() as stage:
        with pytest.raises(RuntimeError, match="lives by this clock already"):
            await stage.clock.run()


async def test_two_virtual_systems_live_side_by_side() -> None:
    """Neither clock waits for the other for ever."""
    async with running_system() as one, running_system() as other:
        await one.clock.sleep(100)
        await other.clock.sleep(50)
        assert one.clock.now() == VIRTUAL_EPOCH + 100
        assert other.clock.now() == VIRTUAL_EPOCH + 50


async def test_real_time_follows_the_system_clock(autojump_clock: trio.testing.MockClock) -> None:
    """Timers go off by the system clock, within a millisecond."""
    system_clock = SystemClock()
    clock = RealClock(system_clock)
    async with ActorSystem(clock=clock).running():
        begin = clock.now()
        assert begin == system_clock()
        await clock.sleep(2.5)
        assert clock.now() == system_clock()
        assert clock.now() - begin == pytest.approx(2.5, abs=0.002)


async def test_real_time_survives_a_suspend(autojump_clock: trio.testing.MockClock) -> None:
    """When the system clock is suddenly an hour later, what came due goes off within a second."""
    system_clock = SystemClock()
    clock = RealClock(system_clock)
    async with ActorSystem(clock=clock).running(), trio.open_nursery() as nursery:
        woken_at: list[float] = []

        async def sleeper() -> None:
            await clock.sleep(3000)
            woken_at.append(trio.current_time())

        nursery.start_soon(sleeper)
        await trio.sleep(10)
        begin = trio.current_time()
        system_clock.offset += 3600
        await trio.sleep(5)
        assert len(woken_at) == 1
        assert woken_at[0] - begin <= 1


async def test_real_time_never_goes_backwards(autojump_clock: trio.testing.MockClock) -> None:
    """A system clock set back by 6 s is caught up with within a minute, while timers go on at nine tenths speed."""
    system_clock = SystemClock()
    clock = RealClock(system_clock)
    async with ActorSystem(clock=clock).running():
        before = clock.now()
        system_clock.offset -= 6
        assert clock.now() >= before
        begin = trio.current_time()
        await clock.sleep(9)
        assert trio.current_time() - begin == pytest.approx(10, abs=0.01)
        readings = []
        for _ in range(60):
            await trio.sleep(1)
            readings.append(clock.now())
        assert readings == sorted(readings)
        assert clock.now() == pytest.approx(system_clock())


async def test_real_time_can_pause_step_jump_and_resume(autojump_clock: trio.testing.MockClock) -> None:
    """The same controls as in virtual time."""
    clock = RealClock(SystemClock())
    async with ActorSystem(clock=clock).running(), trio.open_nursery() as nursery:
        ticks: list[float] = []
        nursery.start_soon(note_ticks, clock, 1, ticks)
        await trio.sleep(2.5)
        clock.pause()
        stands_at = clock.now()
        await trio.sleep(100)
        assert clock.now() == stands_at
        assert [round(tick) for tick in ticks] == [1, 2]
        await clock.step(3)
        assert [round(tick) for tick in ticks] == [1, 2, 3, 4, 5]
        clock.resume()
        assert clock.mode is ClockMode.REAL
        await trio.sleep(1)
        assert [round(tick) for tick in ticks] == [1, 2, 3, 4, 5, 6]
        clock.jump(10)
        await trio.sleep(0.1)
        assert len(ticks) == 7
        assert clock.now() - stands_at == pytest.approx(3 + 1 + 10 + 0.1, abs=0.01)
        nursery.cancel_scope.cancel()


async def test_a_shorter_sleep_set_later_is_not_overslept(autojump_clock: trio.testing.MockClock) -> None:
    """The clock's task looks again when something earlier is set while it rests."""
    clock = RealClock(SystemClock())
    async with ActorSystem(clock=clock).running(), trio.open_nursery() as nursery:
        nursery.start_soon(clock.sleep, 100)
        await trio.sleep(0.5)
        begin = trio.current_time()
        await clock.sleep(0.01)
        assert trio.current_time() - begin < 0.02
        nursery.cancel_scope.cancel()


async def test_a_sleep_into_the_past_is_a_checkpoint() -> None:
    """It returns at once, lets others run and can be cancelled."""
    clock = VirtualClock()
    with trio.CancelScope() as scope:
        scope.cancel()
        await clock.sleep(-1)
    assert scope.cancelled_caught
    with trio.testing.assert_checkpoints():
        await clock.sleep_until(clock.now())
