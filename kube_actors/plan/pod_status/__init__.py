"""A pod's status as the kubelet reports it, as a pure function of what the node knows.

`pod_status(pod, state, now)` is the whole status to write: phase, conditions, container statuses, addresses and
quality of service. Conditions that others have set are kept. It is the same value again while nothing has changed.
"""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.api.views import body_of
from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodIp, PodResources, PodSpec, PodStatus, PodView
from kube_actors.plan.observed import Observed, PodState, Stage
from kube_actors.plan.pod_lifecycle.restarts import will_restart
from kube_actors.plan.pod_status.conditions import pod_conditions
from kube_actors.plan.pod_status.containers import STATUSES, debug_status, statuses, terminated, user_body
from kube_actors.plan.pod_status.phase import FAILED, SUCCEEDED, pod_phase
from kube_actors.plan.pod_status.qos import qos_class

__all__ = ["pod_status", "qos_class", "rejected_status", "resources_of_whole", "status_body", "terminated"]


def pod_status(pod: PodView, state: PodState, now: float) -> PodStatus:
    """The status of a pod this node runs. A pod that once Succeeded or Failed stays so."""
    init, regular = statuses(pod, state, now)
    ending = state.ending
    over = ending is not None and not any(one.alive for one in state.observed.values())
    phase = pod_phase(pod.spec, init, regular, None if over else _run_again(pod.spec, state))
    if ending is not None and ending.reason:
        phase = FAILED
    if pod.status.phase in (SUCCEEDED, FAILED):
        phase = pod.status.phase
    address = pod.status.pod_ip if not state.sandbox.address else state.sandbox.address
    status = PodStatus(
        phase=phase,
        observed_generation=pod.metadata.generation,
        reason=ending.reason if ending else "",
        message=ending.message if ending else "",
        host_ip=state.host_ip,
        host_ips=(PodIp(state.host_ip),) if state.host_ip else (),
        pod_ip=address,
        pod_ips=(PodIp(address),) if address else (),
        start_time=state.started_at,
        init_container_statuses=init,
        container_statuses=regular,
        ephemeral_container_statuses=tuple(debug_status(pod, one, state, now) for one in pod.spec.debug_containers),
        qos_class=qos_class(pod.spec),
    )
    return attrs.evolve(status, conditions=pod_conditions(pod, state, status, now))


def _run_again(spec: PodSpec, state: PodState) -> frozenset[str]:
    """The containers that do not run and will."""
    every = ((one, state.observed.get(one.name)) for one in (*spec.init_containers, *spec.containers))
    return frozenset(one.name for one, seen in every if seen is not None and _runs_again(spec, one, seen))


def _runs_again(spec: PodSpec, container: Container, seen: Observed) -> bool:
    if seen.stage is Stage.EXITED:
        return will_restart(spec, container, seen)
    return seen.stage is not Stage.RUNNING or seen.in_hook


def resources_of_whole(pod: PodView, state: PodState) -> PodResources | None:
    """The resources that the pod as a whole runs with; None where it has none, or nothing runs yet."""
    if pod.spec.resources is None:
        return None
    running = (one for one in state.observed.values() if one.stage is Stage.RUNNING and one.current)
    return next((one.whole for one in running if one.whole is not None), None)


def status_body(status: PodStatus, state: PodState, whole: PodResources | None) -> dict[str, Any]:
    """The status as it is written: with what nobody here reads, who each container runs as and what the pod as a
    whole has."""
    body = body_of(status)
    if whole is not None:
        body["resources"] = body_of(whole)
        body["allocatedResources"] = body["resources"].get("requests", {})
    for field in STATUSES:
        for container in body.get(field, ()):
            one = state.observed.get(container["name"])
            if one is not None and one.user is not None:
                container["user"] = user_body(one.user)
    return body


def rejected_status(pod: PodView, reason: str, message: str, now: float) -> PodStatus:
    """The status of a pod the node refused to take (`OutOfcpu`, `NodePorts`, …): Failed before it began."""
    return attrs.evolve(
        pod.status,
        phase=FAILED,
        observed_generation=pod.metadata.generation,
        reason=reason,
        message=message,
        start_time=now if pod.status.start_time is None else pod.status.start_time,
        qos_class=qos_class(pod.spec),
    )
