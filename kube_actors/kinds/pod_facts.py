"""`PodFacts` of a pod."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from kube_actors.api.quantity import Quantity
from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.facts import PodFacts
from kube_actors.kinds.pod_annotations import deletion_cost

Body = Mapping[str, Any]
HostPort = tuple[str, str, int]


def pod_facts(pod: Body) -> PodFacts:
    """Summarise a pod; robust against anything that is not there yet."""
    spec = pod.get("spec") or {}
    return _facts(pod, pod_requests(spec), _host_ports(spec))


def pod_facts_after_status(pod: Body, before: PodFacts) -> PodFacts:
    """The same, when only the status changed since `before`."""
    return _facts(pod, before.requests, before.host_ports)


def _facts(pod: Body, requests: tuple[int, int], host_ports: tuple[HostPort, ...]) -> PodFacts:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    phase = status.get("phase", "Pending")
    ready = _condition(status, "Ready")
    is_ready = ready is not None and ready.get("status") == "True"
    labels, annotations = pod["metadata"].get("labels") or {}, pod["metadata"].get("annotations")
    return PodFacts(
        phase=phase,
        ready=is_ready,
        ready_since=_time(ready.get("lastTransitionTime")) if is_ready and ready is not None else None,
        node=spec.get("nodeName", ""),
        address=status.get("podIP", ""),
        template_hash=labels.get("pod-template-hash", ""),
        requests=requests,
        host_ports=host_ports,
        terminal=phase in ("Succeeded", "Failed"),
        restarts=_restarts(spec, status),
        scheduler_name=spec.get("schedulerName", ""),
        priority=spec.get("priority", 0),
        scheduled=bool(spec.get("nodeName")),
        started=_time(status.get("startTime")),
        deletion_cost=deletion_cost(annotations) if annotations else 0,
    )


def pod_requests(spec: Body) -> tuple[int, int]:
    """(cpu in thousandths, memory in bytes) that the pod needs at its hungriest moment.

    Containers run together, so their requests add up, with those of init containers that keep running (restartPolicy
    Always). Other init containers run alone, before: the pod needs the larger of both. Worked example: containers 100m
    and 200m, an init container of 250m: 300m; of 400m: 400m. What the pod requests as a whole stands for that of its
    containers. The overhead of the runtime class comes on top.
    """
    steady = [_amounts(container) for container in spec.get("containers") or ()]
    cpu, memory = sum(each[0] for each in steady), sum(each[1] for each in steady)
    side_cpu = side_memory = peak_cpu = peak_memory = 0
    for container in spec.get("initContainers") or ():
        own_cpu, own_memory = _amounts(container)
        if container.get("restartPolicy") == "Always":
            side_cpu, side_memory = side_cpu + own_cpu, side_memory + own_memory
            own_cpu = own_memory = 0
        peak_cpu, peak_memory = max(peak_cpu, side_cpu + own_cpu), max(peak_memory, side_memory + own_memory)
    cpu, memory = max(cpu + side_cpu, peak_cpu), max(memory + side_memory, peak_memory)
    if "resources" in spec:
        whole = (spec["resources"] or {}).get("requests") or {}
        whole_cpu, whole_memory = _pair(whole)
        cpu, memory = whole_cpu if "cpu" in whole else cpu, whole_memory if "memory" in whole else memory
    overhead = _pair(spec.get("overhead") or {})
    return cpu + overhead[0], memory + overhead[1]


def _amounts(container: Body) -> tuple[int, int]:
    return _pair((container.get("resources") or {}).get("requests") or {})


def _pair(amounts: Body) -> tuple[int, int]:
    cpu, memory = amounts.get("cpu"), amounts.get("memory")
    return (Quantity.parse(cpu).milli if cpu else 0, Quantity.parse(memory).value if memory else 0)


def _host_ports(spec: Body) -> tuple[HostPort, ...]:
    return tuple(
        (port.get("protocol", "TCP"), port.get("hostIP") or "0.0.0.0", port["hostPort"])
        for name in ("initContainers", "containers")
        for container in spec.get(name) or ()
        if "ports" in container and (name == "containers" or container.get("restartPolicy") == "Always")
        for port in container["ports"] or ()
        if port.get("hostPort")
    )


def _restarts(spec: Body, status: Body) -> tuple[int, int]:
    """The highest count among the containers, and among the sidecars: the order in which a ReplicaSet compares them."""
    regular = max((each.get("restartCount", 0) for each in status.get("containerStatuses") or ()), default=0)
    if not (beside := status.get("initContainerStatuses")):
        return regular, 0
    sidecars = {each["name"] for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    return regular, max((each.get("restartCount", 0) for each in beside if each.get("name") in sidecars), default=0)


def _condition(status: Body, kind: str) -> Body | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == kind:
            found: Body = condition
            return found
    return None


@functools.lru_cache(maxsize=4096)
def _time(text: str | None) -> float | None:
    """Epoch seconds. The times of a pod's status are read again with every write of it."""
    return parse_rfc3339(text) if text else None
