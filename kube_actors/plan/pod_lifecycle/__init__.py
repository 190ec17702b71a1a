"""What a node does next with a pod: the kubelet's decisions as a pure function.

`plan_pod(pod, state, now)` is asked after everything that happens. It makes the sandbox, runs init containers in order
(sidecars, init containers that always restart, stay beside the rest), starts the containers, restarts those that end
as policy and backoff say, stops those a probe has failed, and takes everything down in order when the pod is to end.
"""

from __future__ import annotations

from kube_actors.api.views.pods import PodSpec, PodView
from kube_actors.plan.observed import PodState, SandboxState
from kube_actors.plan.pod_lifecycle.ending import active_deadline, ending_of, plan_end
from kube_actors.plan.pod_lifecycle.plan import (
    CreateSandbox,
    PodAction,
    PodPlan,
    RemoveSandbox,
    ResizeContainer,
    RestartAll,
    StartContainer,
    StopContainer,
)
from kube_actors.plan.pod_lifecycle.restarts import finished, restart_policy, restarts_all, rule_action, will_restart
from kube_actors.plan.pod_lifecycle.running import initialized, plan_running

__all__ = [
    "CreateSandbox",
    "PodAction",
    "PodPlan",
    "RemoveSandbox",
    "ResizeContainer",
    "RestartAll",
    "StartContainer",
    "StopContainer",
    "active_deadline",
    "finished",
    "initialized",
    "plan_pod",
    "restart_policy",
    "restarts_all",
    "rule_action",
    "will_restart",
]


def plan_pod(pod: PodView, state: PodState, now: float) -> PodPlan:
    """What to do next with a pod that was given to this node."""
    ending = ending_of(pod.spec, state, now)
    if ending is not None:
        return plan_end(pod.spec, state, ending)
    match state.sandbox.state:
        case SandboxState.ABSENT:
            plan = _sandbox_first(state, now)
        case SandboxState.READY:
            plan = plan_running(pod.spec, state, now)
        case SandboxState.CREATING | SandboxState.REMOVING:
            plan = PodPlan()
    return _woken_by_deadline(plan, pod.spec, state)


def _sandbox_first(state: PodState, now: float) -> PodPlan:
    retry_at = state.sandbox.retry_at
    if retry_at is not None and now < retry_at:
        return PodPlan(wake_at=retry_at)
    return PodPlan((CreateSandbox(state.sandbox.attempt),))


def _woken_by_deadline(plan: PodPlan, spec: PodSpec, state: PodState) -> PodPlan:
    deadline = active_deadline(spec, state.started_at)
    if deadline is None:
        return plan
    wake_at = deadline if plan.wake_at is None else min(plan.wake_at, deadline)
    return PodPlan(plan.actions, wake_at)
