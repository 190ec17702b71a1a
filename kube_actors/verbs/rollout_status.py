"""`rollout status`: how far a Deployment has got, in kubectl's sentences."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from kube_actors.errors import not_found
from kube_actors.plan.rollout.revisions import REVISION
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.session import Session
from kube_actors.verbs.waiting import deadline, states


@frozen
class RolloutProgress:
    """Where a rollout stands: a sentence for people, and whether it is over."""

    message: str
    done: bool


def judge_deployment(body: Mapping[str, Any], revision: int = 0) -> RolloutProgress:
    """The sentence about a Deployment. VerbError when it is beyond its progress deadline, or is another `revision`."""
    name, spec, status = body["metadata"]["name"], body["spec"], body.get("status") or {}
    if revision:
        current = (body["metadata"].get("annotations") or {}).get(REVISION, "0")
        if int(current) != revision:
            raise VerbError(f"desired revision ({revision}) is different from the running revision ({current})")
    if body["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return RolloutProgress("Waiting for deployment spec update to be observed...", False)
    for condition in status.get("conditions") or ():
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise VerbError(f'deployment "{name}" exceeded its progress deadline')
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    total, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return RolloutProgress(f"{waiting}{updated} out of {wanted} new replicas have been updated...", False)
    if total > updated:
        return RolloutProgress(f"{waiting}{total - updated} old replicas are pending termination...", False)
    if available < updated:
        return RolloutProgress(f"{waiting}{available} of {updated} updated replicas are available...", False)
    return RolloutProgress(f'deployment "{name}" successfully rolled out', True)


async def rollout_status(
    session: Session, key: Key, *, follow: bool = True, within: float | None = None, revision: int = 0
) -> AsyncGenerator[RolloutProgress, None]:
    """Each new sentence until the rollout is over; only the first without `follow`.

    `within` is in seconds of cluster time; VerbError when it passes, the deadline is exceeded or the object goes.
    """
    said = ""
    uid = ""
    start = session.now
    async with aclosing(states(session, key)) as changes:
        while True:
            left = None if not within else start + within - session.now
            with deadline(session, left):
                current = await anext(changes)
            if current is None or (uid and current.uid != uid):
                if uid:
                    raise VerbError("object has been deleted")
                raise not_found(key.plural, key.name, group=key.group)
            uid = current.uid
            progress = judge_deployment(current.body(), revision)
            if progress.message != said:
                said = progress.message
                yield progress
            if progress.done or not follow:
                return
