"""`wait`: until objects are as somebody wants them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from kube_actors.errors import ApiError, not_found
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.verbs.conditions import Condition
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.session import Session
from kube_actors.verbs.waiting import TIMED_OUT, deadline, states


@frozen
class Waited:
    """One object, and why the wait for it failed; None when it is as wanted."""

    key: Key
    error: Exception | None = None


async def wait(
    session: Session, keys: Sequence[Key], condition: Condition, within: float | None = 30.0
) -> AsyncGenerator[Waited, None]:
    """Each object in turn, when it meets the condition or cannot any more.

    `within` is in seconds of cluster time for all together, as in kubectl; None has no limit, 0 looks once.
    """
    end = None if within is None else session.now + within
    for key in keys:
        try:
            await _wait_for(session, key, condition, end)
        except (ApiError, VerbError) as error:
            yield Waited(key, error)
        else:
            yield Waited(key)


async def _wait_for(session: Session, key: Key, condition: Condition, end: float | None) -> None:
    """One object. The first look is free, however little time is left."""
    message = f"{TIMED_OUT} on {key.plural}/{key.name}"
    uid: str | None = None
    async with aclosing(states(session, key)) as changes:
        while True:
            left = None if end is None or uid is None else end - session.now
            with deadline(session, left, message):
                current = await anext(changes)
            if uid and (current is None or current.uid != uid):
                if condition.needs_object:
                    raise not_found(key.plural, key.name, group=key.group)
                current = None
            if condition.met(current):
                return
            if current is None and condition.needs_object:
                raise not_found(key.plural, key.name, group=key.group)
            uid = current.uid if current is not None else ""
            if end is not None and session.now >= end:
                raise VerbError(message)
