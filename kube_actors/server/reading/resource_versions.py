"""`resourceVersion` as clients send it: how fresh an answer has to be."""

from __future__ import annotations

from typing import Final

import trio

from kube_actors.errors import ApiError, Cause, bad_request
from kube_actors.server.http import HttpRequest
from kube_actors.store import Commit, Store

PATIENCE: Final = 3.0
"""Machine seconds that a revision which has not come yet is waited for."""
_LARGEST = 2**64 - 1
_MOST_DIGITS = 20  # of a number of 64 bits


def resource_version(request: HttpRequest) -> int | None:
    """The number asked for; None when none was, 0 for "any". ApiError 400 for what is no number."""
    text = request.parameter("resourceVersion")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _invalid(text, "invalid syntax")
    if len(text) > _MOST_DIGITS or int(text) > _LARGEST:
        raise _invalid(text, "value out of range")
    return int(text)


def _invalid(text: str, why: str) -> ApiError:
    problem = f'strconv.ParseUint: parsing "{text}": {why}'
    return bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": {problem}')


async def reached(store: Store, number: int) -> None:
    """Return when the store has come to this number, which it nearly always has.

    ApiError 504 when it does not within a few seconds: a client that knows more than us is to come back.
    """
    if number <= store.head:
        return
    there = trio.Event()

    def look(_commit: Commit) -> None:
        if number <= store.head:
            there.set()

    unsubscribe = store.subscribe(look)
    try:
        with trio.move_on_after(PATIENCE):
            return await there.wait()
    finally:
        unsubscribe()
    raise ApiError(
        "Timeout",
        504,
        f"Timeout: Too large resource version: {number}, current: {store.head}",
        causes=[Cause("ResourceVersionTooLarge", "Too large resource version")],
        retry_after_seconds=1,
    )
