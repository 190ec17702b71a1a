"""A pod's row in `kubectl get pods`: what it is doing in one word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.columns.words import Row, age, human_duration

Body = Mapping[str, Any]
Status = Mapping[str, Any]


def pod(body: Body, now: float) -> Row:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    reason, ready = pod_reason(body)
    total = len(spec.get("containers") or ()) + len(_sidecars(spec))
    return (
        body["metadata"]["name"],
        f"{ready}/{total}",
        reason,
        _restarts(spec, status, now),
        age(body, now),
        _address(status),
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        _readiness_gates(spec, status),
    )


def pod_reason(pod: Body) -> tuple[str, int]:
    """(the word of the column Status, how many containers are ready)."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    phase = status.get("phase", "Unknown")
    reason = status.get("reason") or phase
    if (_condition(status, "PodScheduled") or {}).get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    initial, ready = _initializing(spec, status)
    if initial is not None:
        reason = initial
    if initial is None or _is_true(status, "Initialized"):
        reason, more = _running(status, reason)
        ready += more
    if "deletionTimestamp" in pod["metadata"]:
        if status.get("reason") == "NodeLost":
            reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return reason, ready


def _initializing(spec: Status, status: Status) -> tuple[str | None, int]:
    """(what the init containers wait for; None when they have done their part, sidecars that are ready)."""
    ready = 0
    sidecars = _sidecars(spec)
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if container.get("name") in sidecars and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}", ready
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}", ready
        return f"Init:{index}/{len(spec.get('initContainers') or ())}", ready
    return None, ready


def _running(status: Status, reason: str) -> tuple[str, int]:
    """(reason, ready containers) of the containers proper; the first that waits or ended gives the reason."""
    ready, has_running = 0, False
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended is not None:
            reason = _ended(ended)
        elif container.get("ready") and state.get("running") is not None:
            has_running = True
            ready += 1
    if reason == "Completed" and has_running:
        reason = "Running" if _is_true(status, "Ready") else "NotReady"
    return reason, ready


def _ended(terminated: Status) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _restarts(spec: Status, status: Status, now: float) -> str:
    """`2 (5m ago)`; init containers only count while they are at work."""
    initial, _ = _initializing(spec, status)
    counted = list(status.get("initContainerStatuses") or ())
    if initial is None or _is_true(status, "Initialized"):
        sidecars = _sidecars(spec)
        counted = [each for each in counted if each.get("name") in sidecars]
        counted += status.get("containerStatuses") or ()
    restarts = sum(each.get("restartCount", 0) for each in counted)
    ends = [((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for each in counted]
    known = [parse_rfc3339(end) for end in ends if end]
    return f"{restarts} ({human_duration(now - max(known))} ago)" if restarts and known else str(restarts)


def _address(status: Status) -> str:
    addresses = status.get("podIPs") or ({"ip": status.get("podIP")},)
    return addresses[0].get("ip") or "<none>"


def _readiness_gates(spec: Status, status: Status) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return "<none>"
    true = sum(1 for gate in gates if _is_true(status, gate.get("conditionType", "")))
    return f"{true}/{len(gates)}"


def _sidecars(spec: Status) -> set[str]:
    containers = spec.get("initContainers") or ()
    return {each.get("name", "") for each in containers if each.get("restartPolicy") == "Always"}


def _condition(status: Status, kind: str) -> Status | None:
    conditions = status.get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), None)


def _is_true(status: Status, kind: str) -> bool:
    return (_condition(status, kind) or {}).get("status") == "True"
