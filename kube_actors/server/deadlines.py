"""How long a client lets its request take: `?timeout=10s`, on every request that does not last by nature."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from kube_actors.errors import ApiError, bad_request
from kube_actors.server.call import Call
from kube_actors.server.flow_control import is_long_running
from kube_actors.server.http import Response

LONGEST: Final = 60.0
"""Seconds; whoever allows more, or says 0, gets this, as from kube-apiserver."""
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")
_MOST_CHARACTERS: Final = 64


def in_time(call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Awaitable[Response]:
    """What `answer` says. ApiError 504 when the time that the client allows is over first, 400 for what is no time."""
    text = call.request.parameter("timeout")
    return answer(call) if not text or is_long_running(call.info) else _within(text, call, answer)


async def _within(text: str, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
    try:
        seconds = read_duration(text)
    except ValueError as error:
        raise bad_request(f"invalid timeout specified in the request URL - {error}") from None
    with trio.move_on_after(min(seconds, LONGEST) if seconds > 0 else LONGEST):
        return await answer(call)
    raise ApiError("Timeout", 504, "Timeout: request did not complete within the allotted timeout")


def read_duration(text: str) -> float:
    """Seconds of a duration as Go writes it: `1h30m`, `1.5s`, `250ms`. ValueError in Go's words."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if digits == "0":
        return 0.0
    parts = _PART.findall(digits)
    if len(text) > _MOST_CHARACTERS or not parts or "".join(map("".join, parts)) != digits:
        raise ValueError(f'time: invalid duration "{text[:_MOST_CHARACTERS]}"')
    total = 0.0
    for number, unit in parts:
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        total += float(number) * _UNITS[unit]
    return -total if text.startswith("-") else total
