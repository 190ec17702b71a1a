"""`delete`: away with objects, and waiting until they are gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal

from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.session import Session
from kube_actors.verbs.waiting import TIMED_OUT, deadline, states

Propagation = Literal["Background", "Foreground", "Orphan"]


@frozen
class DeleteRequest:
    """How to delete. `grace_seconds` None is the object's own; `force` with 0 does not wait for the node."""

    grace_seconds: int | None = None
    propagation: Propagation = "Background"
    dry_run: bool = False


PLAINLY = DeleteRequest()


@frozen
class Deletion:
    """What became of one object: deleted (or being deleted), or why not."""

    revision: Revision
    error: ApiError | None = None


async def delete(
    session: Session, revisions: Sequence[Revision], request: DeleteRequest = PLAINLY
) -> AsyncGenerator[Deletion, None]:
    """Delete the objects, each if it still is the same; yields when the deletion of each is durable."""
    for revision in revisions:
        try:
            await session.client.delete(
                revision.key,
                uid=revision.uid,
                grace_seconds=request.grace_seconds,
                propagation=request.propagation,
                dry_run=request.dry_run,
            )
            await session.settled()
        except ApiError as error:
            yield Deletion(revision, error)
        else:
            yield Deletion(revision)


async def gone(
    session: Session, revisions: Sequence[Revision], within: float | None = None, message: str = TIMED_OUT
) -> None:
    """Return when none of these objects is there any more (one of the same name may be). VerbError with `message`
    after `within` seconds of cluster time."""
    with deadline(session, within, message):
        for revision in revisions:
            await _gone(session, revision.key, revision.uid)


async def _gone(session: Session, key: Key, uid: str) -> None:
    async with aclosing(states(session, key)) as changes:
        async for current in changes:
            if current is None or current.uid != uid:
                return
