"""How much may be under way at once, and what those hear who find no room."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.access.user import User
from kube_actors.errors import ApiError
from kube_actors.server.call import Call
from kube_actors.server.flow_control import FlowControl, FlowLimits, may_take_long
from kube_actors.server.http import Full, Response, Send, Streaming
from tests.server import kit

LIMITS = FlowLimits(reading=2, writing=1, waiting=1, patience=15.0, streams_per_client=2, streams=3)
PODS = "/api/v1/namespaces/default/pods"


async def call_of(method: str, target: str, *, user: str = "alice", agent: str = "kubectl/v1.36") -> Call:
    """A call on its way."""
    session = await kit.new_session()
    return kit.make_call(session, method, target, headers={"User-Agent": agent}, user=User(user, ()))


async def test_a_write_waits_for_room_and_then_goes_on() -> None:
    """One too many is not refused as long as others come to an end in time."""
    flow, call, gate, done = FlowControl(LIMITS), await call_of("POST", PODS), trio.Event(), []

    async def answer(_: Call) -> Response:
        await gate.wait()
        done.append(1)
        return Full(201, b"{}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call, answer)
        nursery.start_soon(flow.answered, call, answer)
        await wait_all_tasks_blocked()
        assert not done
        gate.set()
    assert len(done) == 2


async def test_who_finds_no_room_is_told_to_come_again(autojump_clock: MockClock) -> None:
    """429 with Retry-After: at once when too many wait already, after a while for the one that waited in vain."""
    flow, call, failures = FlowControl(LIMITS), await call_of("POST", PODS), []

    async def answer(_: Call) -> Response:
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    async def refused() -> None:
        with pytest.raises(ApiError) as caught:
            await flow.answered(call, answer)
        failures.append((caught.value.code, caught.value.reason, caught.value.retry_after_seconds, trio.current_time()))

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call, answer)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as refusals:
            refusals.start_soon(refused)
            await wait_all_tasks_blocked()
            refusals.start_soon(refused)
        nursery.cancel_scope.cancel()
    assert [(*failure[:3], round(failure[3] - start)) for failure in failures] == [
        (429, "TooManyRequests", 1, 0),
        (429, "TooManyRequests", 1, 15),
    ]


async def test_reads_do_not_wait_for_writes() -> None:
    """Each has room of its own."""
    flow, write, read = FlowControl(LIMITS), await call_of("POST", PODS), await call_of("GET", PODS)

    async def never(_: Call) -> Response:
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    async def at_once(_: Call) -> Response:
        return Full(200, b"{}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, write, never)
        await wait_all_tasks_blocked()
        assert await flow.answered(read, at_once) == Full(200, b"{}")
        nursery.cancel_scope.cancel()


async def test_watches_of_one_client_are_bounded_and_others_notice_nothing() -> None:
    """The third watch is refused, that of another program is not; one that ends makes room again."""
    flow = FlowControl(LIMITS)
    one = await call_of("GET", f"{PODS}?watch=true")
    other = await call_of("GET", f"{PODS}?watch=true", agent="helm/v4")

    async def watch(_: Call) -> Response:
        async def write(send: Send) -> None:
            await trio.sleep_forever()

        return Streaming(200, write)

    async def send(_: bytes | tuple[bytes, ...], /) -> None:
        raise AssertionError("nothing is sent")

    async def follow(call: Call, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        response = await flow.answered(call, watch)
        assert isinstance(response, Streaming)
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await response.write(send)

    async with trio.open_nursery() as nursery:
        first = await nursery.start(follow, one)
        await nursery.start(follow, one)
        await wait_all_tasks_blocked()
        with pytest.raises(ApiError, match="Too many requests, please try again later"):
            await flow.answered(one, watch)
        await nursery.start(follow, other)
        await wait_all_tasks_blocked()
        first.cancel()
        await wait_all_tasks_blocked()
        await nursery.start(follow, one)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("method", "target", "long"),
    [
        ("GET", f"{PODS}?watch=1", True),
        ("GET", "/api/v1/watch/pods", True),
        ("GET", f"{PODS}/web/log?follow=true", True),
        ("POST", f"{PODS}/web/exec?command=sh", True),
        ("GET", "/api/v1/namespaces/default/services/web/proxy/a", True),
        ("GET", PODS, False),
        ("DELETE", f"{PODS}/web", False),
        ("GET", "/healthz", False),
    ],
)
def test_what_may_take_long(method: str, target: str, long: bool) -> None:
    """Watches, logs, terminals and proxied requests have no deadline; the rest has one."""
    assert may_take_long(kit.make_request(method, target)) is long
