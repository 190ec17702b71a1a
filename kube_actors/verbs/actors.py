"""`actors`: the tree of actors, and what one of them says of itself."""

from __future__ import annotations

from kube_actors.kernel import ActorStatus, ActorStopped, AskTimeout
from kube_actors.messages.common import Describe, Description
from kube_actors.text import did_you_mean
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.session import Session

DESCRIBE_DEADLINE = 5.0
"""Machine seconds an actor may take to describe itself."""


async def actors(session: Session, prefix: str = "/") -> tuple[ActorStatus, ...]:
    """The actors at and below a path. VerbError when there are none."""
    path = normal_path(prefix)
    everyone = session.system.actors()
    found = tuple(each for each in everyone if path == "/" or each.path == path or each.path.startswith(path + "/"))
    if not found:
        hint = did_you_mean(path, [each.path for each in everyone])
        raise VerbError(f"no actor lives at {path} or below it{f' ({hint})' if hint else ''}")
    return found


def normal_path(path: str) -> str:
    """`/nodes/node-1`, however it was written."""
    return "/" + path.strip("/")


async def describe_actor(session: Session, path: str) -> Description:
    """What an actor says of itself. VerbError when it cannot say anything now."""
    ref = session.system.find(normal_path(path))
    if ref is None:
        raise VerbError(f"no actor lives at {normal_path(path)}")
    try:
        return await ref.ask(Describe(), deadline=DESCRIBE_DEADLINE)
    except (ActorStopped, AskTimeout) as error:
        raise VerbError(f"{normal_path(path)} does not describe itself: {error}") from error
