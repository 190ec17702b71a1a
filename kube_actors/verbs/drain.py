"""`drain`: end the pods of a node in order, so that it can be taken away."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.delete import gone
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.eviction import Eviction, evict_pod
from kube_actors.verbs.session import Session

MIRROR = "kubernetes.io/config.mirror"
TOO_MANY_REQUESTS = 429
TRY_AGAIN = 5.0
"""Seconds of cluster time between two tries to evict a pod that its budget holds, as kubectl waits."""


@frozen
class DrainRequest:
    """What a drain may do. `grace_seconds` None is each pod's own; `within` is in seconds of cluster time."""

    force: bool = False
    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    grace_seconds: int | None = None
    pod_selector: LabelSelector | None = None
    within: float | None = None


@frozen
class DrainPlan:
    """Which pods go, what a person should know, and why it may not be done at all."""

    pods: tuple[Revision, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]


@frozen
class Evicted:
    """One pod that has gone, or why it could not; with `again` it is tried once more in a while."""

    pod: Revision
    error: ApiError | None = None
    again: bool = False


def plan_drain(pods: Sequence[Revision], request: DrainRequest) -> DrainPlan:
    """Judge the pods of a node as kubectl does. Pure."""
    going: list[Revision] = []
    daemons: list[str] = []
    unmanaged: list[str] = []
    local: list[str] = []
    for pod in pods:
        body = pod.body()
        name = f"{pod.key.namespace}/{pod.key.name}"
        if request.pod_selector is not None and not request.pod_selector.matches(pod.projection.labels):
            continue
        if MIRROR in (body["metadata"].get("annotations") or {}):
            continue
        owner = next((each for each in pod.projection.owners if each.controller), None)
        if owner is not None and owner.kind == "DaemonSet":
            daemons.append(name)
            continue
        over = pod.projection.facts.terminal
        if not over and any("emptyDir" in volume for volume in body["spec"].get("volumes") or ()):
            local.append(name)
        if not over and owner is None:
            unmanaged.append(name)
        going.append(pod)
    return DrainPlan(tuple(going), *_sentences(daemons, unmanaged, local, request))


def _sentences(
    daemons: list[str], unmanaged: list[str], local: list[str], request: DrainRequest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(warnings, problems) in kubectl's words."""
    warnings, problems = [], []
    if daemons:
        if request.ignore_daemonsets:
            warnings.append(f"ignoring DaemonSet-managed Pods: {', '.join(daemons)}")
        else:
            problems.append(
                "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): " + ", ".join(daemons)
            )
    if unmanaged:
        if request.force:
            warnings.append(f"deleting Pods that declare no controller: {', '.join(unmanaged)}")
        else:
            problems.append(
                "cannot delete Pods that declare no controller (use --force to override): " + ", ".join(unmanaged)
            )
    if local and not request.delete_emptydir_data:
        problems.append(
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): " + ", ".join(local)
        )
    return tuple(warnings), tuple(problems)


async def evict(session: Session, pods: Sequence[Revision], request: DrainRequest) -> AsyncGenerator[Evicted, None]:
    """End the pods side by side, each with its grace; yields each when it has gone.

    A pod whose disruption budget has nothing left is yielded with its error and `again`, and tried again after five
    seconds. VerbError after `within`.
    """
    end = None if not request.within else session.now + request.within
    waiting: list[Revision] = []
    todo = list(pods)
    while todo:
        refused: list[Revision] = []
        for pod in todo:
            try:
                await evict_pod(
                    session, session.client, Eviction(pod.key, pod.uid, grace_seconds=request.grace_seconds)
                )
                await session.settled()
            except ApiError as error:
                if error.code == TOO_MANY_REQUESTS:
                    refused.append(pod)
                if error.reason != "NotFound":
                    yield Evicted(pod, error, again=error.code == TOO_MANY_REQUESTS)
            else:
                waiting.append(pod)
        todo = refused
        if todo:
            await _pause(session, end, _late(todo[0], request))
    for pod in waiting:
        await gone(session, [pod], None if end is None else end - session.now, _late(pod, request))
        yield Evicted(pod)


async def _pause(session: Session, end: float | None, late: str) -> None:
    """Until the next try; VerbError when the time is over before."""
    until = session.now + TRY_AGAIN
    await session.plane.clock.sleep_until(until if end is None else min(until, end))
    if end is not None and session.now >= end:
        raise VerbError(late)


def _late(pod: Revision, request: DrainRequest) -> str:
    what = f'error when waiting for pod "{pod.key.name}" terminating'
    return f"{what}: global timeout reached: {request.within or 0:g}s"


def check_plan(name: str, plan: DrainPlan) -> None:
    """VerbError when the drain may not begin."""
    if plan.problems:
        raise VerbError(f"unable to drain node {name!r} due to error: [{', '.join(plan.problems)}]")
