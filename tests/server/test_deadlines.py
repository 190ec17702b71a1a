"""`?timeout=`: how long a client lets its request take."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from kube_actors.server.deadlines import in_time, read_duration
from kube_actors.server.http import Full, Response, Streaming
from tests.server import kit

PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1.5s", 1.5), (".5m", 30.0), ("0", 0.0), ("-1s", -1.0)],
)
def test_durations(text: str, seconds: float) -> None:
    """As Go writes them."""
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("invalid", 'time: invalid duration "invalid"'),
        ("10", 'time: missing unit in duration "10"'),
        ("10y", 'time: unknown unit "y" in duration "10y"'),
        ("s", 'time: invalid duration "s"'),
        ("-", 'time: invalid duration "-"'),
        ("1s ", 'time: unknown unit "s " in duration "1s "'),
    ],
)
async def test_what_is_no_duration_is_refused(text: str, why: str) -> None:
    """400 that says why."""
    answer = await kit.ask(await kit.new_session(), "GET", f"{PODS}?timeout={text.replace(' ', '%20')}")
    status = kit.json_of(answer)
    assert (status["code"], status["reason"]) == (400, "BadRequest")
    assert status["message"] == f"invalid timeout specified in the request URL - {why}"


async def test_watches_have_times_of_their_own() -> None:
    """`timeout` means nothing to what lasts by nature."""
    answer = await kit.ask(await kit.new_session(), "GET", f"{PODS}?watch=1&timeout=invalid&timeoutSeconds=1")
    assert isinstance(answer, Streaming)


async def test_an_answer_that_takes_too_long(autojump_clock: MockClock) -> None:
    """504 when the time is over; 0 and more than a minute mean a minute."""

    async def slow(_call: object) -> Response:
        await trio.sleep(30)
        return Full(200, b"{}")

    session = await kit.new_session()
    for timeout, code in (("1s", 504), ("0s", 200), ("99h", 200), ("31s", 200)):
        call = kit.make_call(session, "GET", f"{PODS}?timeout={timeout}")
        if code == 200:
            assert (await in_time(call, slow)) == Full(200, b"{}")
        else:
            with pytest.raises(Exception, match="request did not complete within the allotted timeout"):
                await in_time(call, slow)
