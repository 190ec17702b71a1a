"""`eviction`: delete a pod if its PodDisruptionBudget can do without it."""

from __future__ import annotations

from typing import Any, assert_never

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError, Cause, forbidden, unnamed
from kube_actors.plan.disruption_target import mark_disruption
from kube_actors.plan.eviction import Forbidden, Granted, Refused, needs_no_budget, plan_eviction
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store
from kube_actors.verbs.session import Session
from kube_actors.writes import Client, Identity
from kube_actors.writes.deletion import DeleteOptions, check_preconditions

API_SERVER = Identity("system:apiserver", ("system:masters", "system:authenticated"), "kube-apiserver")
PODS = "pods"
BUDGETS = "poddisruptionbudgets.policy"
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
TOO_MANY = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


@frozen
class Eviction:
    """Which pod, and how it is to be deleted. With `uid` or `resource_version` only this very one (409)."""

    key: Key
    uid: str | None = None
    resource_version: str | None = None
    grace_seconds: int | None = None
    propagation: str | None = None
    dry_run: bool = False


async def evict_pod(session: Session, client: Client, eviction: Eviction) -> None:
    """Charge the budget, mark the pod and delete it in the client's name.

    ApiError 404 without the pod, 409 for another one than is meant, 429 while its budget has nothing left, 403 for a
    budget that is not in order, 500 when more than one guards the pod.
    """
    pod = client.live(eviction.key)
    body = pod.body()
    wanted = DeleteOptions(eviction.uid, eviction.resource_version)
    check_preconditions(session.registry.by_id(PODS), pod.key.name, body["metadata"], wanted)
    if not needs_no_budget(body):
        await _charge(session, pod, eviction)
    if not eviction.dry_run:
        await _mark(session, pod)
    await client.delete(
        pod.key,
        uid=pod.uid,
        grace_seconds=eviction.grace_seconds,
        propagation=eviction.propagation,
        dry_run=eviction.dry_run,
    )


async def _charge(session: Session, pod: Revision, eviction: Eviction) -> None:
    budgets = guarding(session.plane.store, pod)
    if len(budgets) > 1:
        raise unnamed(TOO_MANY)
    for budget in budgets:

        def change(body: dict[str, Any]) -> None:
            granted = _granted(body, pod, session.now)
            if granted.status is not None and not eviction.dry_run:
                body["status"] = granted.status

        own = session.client.with_identity(API_SERVER)
        await own.mutate(budget.key, change, subresource="status", uid=budget.uid)


def guarding(store: Store, pod: Revision) -> list[Revision]:
    """The budgets whose selector matches the pod."""
    found = store.list(BUDGETS, pod.key.namespace)
    labels = pod.projection.labels
    return [one for one in found if LabelSelector.from_object(one.projection.facts.selector).matches(labels)]


def _granted(budget: dict[str, Any], pod: Revision, now: float) -> Granted:
    """What the budget says to it; ApiError when it is not a yes."""
    match plan_eviction(budget, pod.key.name, pod.projection.facts.ready, now):
        case Granted() as granted:
            return granted
        case Refused(cause, retry_after):
            causes = (Cause("DisruptionBudget", cause),)
            raise ApiError("TooManyRequests", 429, VIOLATES, causes=causes, retry_after_seconds=retry_after or None)
        case Forbidden(why):
            raise forbidden("poddisruptionbudget", budget["metadata"]["name"], why, group="policy")
        case unknown:
            assert_never(unknown)


async def _mark(session: Session, pod: Revision) -> None:
    """Let whoever counts the pod's failures see that it was not the pod's fault."""

    def change(body: dict[str, Any]) -> None:
        mark_disruption(body, "EvictionByEvictionAPI", "Eviction API: evicting", session.now)

    await session.client.with_identity(API_SERVER).mutate(pod.key, change, subresource="status", uid=pod.uid)
