"""The link to an agent that is slow, or takes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from kube_actors.node.agent.protocol import FrameReader, encode
from kube_actors.node.agent.settings import SOCKET_NAME
from kube_actors.node.runtime.agent_link import FINISH_WITHIN, AgentLink, open_agent
from kube_actors.node.runtime.base import RuntimeGone

from .process_stage import RANGES

HELLO = {"version": 1, "tier": "C", "pid": 0, "keeper": 0, "probe": [], "limits": [], "ranges": []}


class StandIn:
    """An agent that greets, and answers what it is asked after `seconds`; None: it does not even read."""

    def __init__(self) -> None:
        self.seconds: float | None = 0.0

    async def serve(self, stream: trio.SocketStream) -> None:
        """One runtime, until it leaves."""
        reader = FrameReader()
        async with stream:
            while data := await stream.receive_some(65536):
                for frame, _ in reader.feed(bytes(data), ()):
                    is_greeting = frame["op"] == "hello"
                    await trio.sleep(0 if is_greeting else self.seconds or 0)
                    await stream.send_all(
                        encode({"id": frame["id"], "ok": HELLO if is_greeting else {"did": frame["op"]}})
                    )
                if self.seconds is None:
                    await trio.sleep_forever()


@pytest.fixture
def agent() -> StandIn:
    """Tests set its speed."""
    return StandIn()


@pytest.fixture
async def link(agent: StandIn, tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[AgentLink]:
    """A runtime's link to it."""
    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(tmp_path / SOCKET_NAME))
    sock.listen()
    nursery.start_soon(trio.serve_listeners, agent.serve, [trio.SocketListener(sock)])
    async with open_agent(tmp_path, cluster_id="c", ranges=RANGES, on_exit="keep") as link:
        yield link


async def test_who_is_cancelled_is_kept_until_it_is_done(
    agent: StandIn, link: AgentLink, autojump_clock: trio.testing.MockClock
) -> None:
    """What is not to be left half-way is finished, and its answer is had; anything else is left at once."""
    agent.seconds = 3
    start = trio.current_time()
    with trio.move_on_after(1):
        await link.request("adopt")
    assert trio.current_time() - start == pytest.approx(1)
    with trio.move_on_after(1) as scope:
        answer = await link.finish("run")
    assert (answer, scope.cancelled_caught) == ({"did": "run"}, False)


async def test_who_is_cancelled_is_not_kept_for_ever(
    agent: StandIn, link: AgentLink, autojump_clock: trio.testing.MockClock
) -> None:
    """An agent may wait for what sleeps in the kernel; the cluster must be able to end all the same."""
    agent.seconds = 1000
    start = trio.current_time()
    with trio.move_on_after(1):
        await link.finish("remove_sandbox", uid="u-1")
    assert trio.current_time() - start == pytest.approx(FINISH_WITHIN)
    await link.finish("remove_sandbox", uid="u-1")
    assert trio.current_time() - start == pytest.approx(2000)


async def test_an_agent_that_takes_nothing_is_given_up(
    agent: StandIn, link: AgentLink, autojump_clock: trio.testing.MockClock
) -> None:
    """Also by who is cancelled: a frame is never half sent on a connection that goes on."""
    agent.seconds = None
    await link.request("adopt")
    with pytest.raises(RuntimeGone, match="took nothing for 30 s"), trio.move_on_after(1):
        await link.request("program_services", services="x" * 10_000_000)
