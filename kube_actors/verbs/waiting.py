"""Waiting for the store to say something, with a deadline in cluster time."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import trio

from kube_actors.store import Commit, Key, Revision
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.session import Session

TIMED_OUT = "timed out waiting for the condition"


@contextmanager
def deadline(session: Session, seconds: float | None, message: str = TIMED_OUT) -> Iterator[None]:
    """VerbError `message` when the block takes longer than `seconds` of cluster time; None has no limit."""
    if seconds is None or math.isinf(seconds):
        yield
        return
    with session.plane.clock.move_on_after(max(0.0, seconds)) as scope:
        yield
    if scope.cancelled_caught:
        raise VerbError(message)


async def states(session: Session, key: Key) -> AsyncGenerator[Revision | None, None]:
    """The object under `key` as it is now and after every change, durably; None when it is not there.

    States that pass while the reader is busy may be left out, the newest never is.
    """
    store = session.plane.store
    changed = trio.Event()

    def notice(commit: Commit) -> None:
        if commit.key == key:
            changed.set()

    unsubscribe = store.subscribe(notice, key.resource)
    try:
        while True:
            changed = trio.Event()
            revision = store.get(key)
            await session.settled()
            yield revision
            await changed.wait()
    finally:
        unsubscribe()
