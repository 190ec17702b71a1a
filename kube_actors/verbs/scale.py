"""`scale`: how many replicas there should be."""

from __future__ import annotations

from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.session import Session


async def scale(
    session: Session, key: Key, replicas: int, *, current: int | None = None, dry_run: bool = False
) -> Revision:
    """Set the replicas through the scale subresource, when (if given) there are `current` now. ApiError, VerbError."""
    if replicas < 0:
        raise UsageError("the --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    body = session.client.scale(key)
    found = body["spec"].get("replicas", 0)
    if current is not None and found != current:
        raise VerbError(f"expected replicas to be {current}, was {found}")
    body["spec"]["replicas"] = replicas
    if current is None:
        body["metadata"].pop("resourceVersion", None)
    revision = await session.client.update_scale(key, body, dry_run=dry_run)
    if not dry_run:
        await session.client.durable(revision)
    return revision
