"""Changing the resources of running containers: which are to be changed now, and whether by restarting them."""

from __future__ import annotations

from collections.abc import Sequence

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodResources, PodSpec
from kube_actors.plan.observed import DEFERRED, Observed, PodState, Stage
from kube_actors.plan.pod_lifecycle.plan import ResizeContainer

DEFERRED_RETRY = 10.0
"""Seconds until a resize the node had no room for is tried again."""


def plan_resizes(spec: PodSpec, state: PodState, now: float) -> tuple[Sequence[ResizeContainer], float | None]:
    """The resizes to begin, and when to look again at those that had to wait."""
    actions: list[ResizeContainer] = []
    waits: list[float] = []
    sidecars = (one for one in spec.init_containers if one.sidecar)
    for container in (*sidecars, *spec.containers):
        one = state.observed.get(container.name)
        if one is None or not _differs(spec, container, one):
            continue
        due = _due(spec, container, one)
        if due is None:
            continue
        if due > now:
            waits.append(due)
        else:
            actions.append(ResizeContainer(one.name, one.attempt, restart=_needs_restart(spec, container, one)))
    return actions, min(waits, default=None)


def _differs(spec: PodSpec, container: Container, one: Observed) -> bool:
    """Whether it runs with other resources than it is to have, or within others of its pod."""
    settled = one.stage is Stage.RUNNING and one.current and one.stop is None
    if not settled or one.resources is None:
        return False
    return one.resources != container.resources or one.whole != spec.resources


def _due(spec: PodSpec, container: Container, one: Observed) -> float | None:
    """When the resize may begin; None when it has begun, or has failed for good."""
    if one.resize is None or (one.resize.wanted, one.resize.whole) != (container.resources, spec.resources):
        return float("-inf")
    return one.resize.at + DEFERRED_RETRY if one.resize.reason == DEFERRED else None


def _needs_restart(spec: PodSpec, container: Container, one: Observed) -> bool:
    """Whether a resource changes whose policy asks for a new start: a container without a limit of its own has its
    pod's."""
    assert one.resources is not None, "only a container whose resources are known is resized"
    before, after = one.resources, container.resources
    for policy in container.resize_policy:
        name = policy.resource_name
        amounts = [(each.limits.get(name), each.requests.get(name)) for each in (before, after)]
        inherits = name not in after.limits
        changes = amounts[0] != amounts[1] or (inherits and _limit(one.whole, name) != _limit(spec.resources, name))
        if policy.restart_policy == "RestartContainer" and changes:
            return True
    return False


def _limit(whole: PodResources | None, name: str) -> Quantity | None:
    return None if whole is None else whole.limits.get(name)
