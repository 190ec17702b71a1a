"""How many streams one client may have, and which requests are such."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.errors import ApiError
from kube_actors.server.call import Call
from kube_actors.server.flow_control import FlowControl, FlowLimits, may_take_long
from kube_actors.server.http import Response, Send, Streaming
from tests.server import kit

PODS = "/api/v1/namespaces/default/pods"


async def test_watches_of_one_client_are_bounded_and_others_notice_nothing() -> None:
    """The third watch is refused, that of another program is not; one that ends makes room again."""
    session = await kit.new_session()
    flow = FlowControl(session.plane.store, FlowLimits(streams_per_client=2, streams=3))
    one, other = (
        kit.make_call(session, "GET", f"{PODS}?watch=true", headers={"User-Agent": agent})
        for agent in ("kubectl/v1.36", "helm/v4")
    )

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
