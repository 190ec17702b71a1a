"""Priority: the number behind a pod's priority class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kube_actors.errors import ApiError, forbidden
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

RESOURCE = "priorityclasses.scheduling.k8s.io"
SYSTEM_CLASSES: Mapping[str, int] = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
}
PREEMPT = "PreemptLowerPriority"


@frozen(eq=False)
class Priority:
    """Reads the priority classes from the store; the two of the system always exist."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    store: Store

    def matches(self, request: Request) -> bool:
        """Pods, not their parts."""
        return not request.subresource and request.operation is not Operation.DELETE

    def admit(self, request: Request) -> None:
        """Write the priority into a new pod; keep it in one that leaves it out of an update."""
        spec = request.new.get("spec")
        if not isinstance(spec, dict):
            return
        if request.old is not None:
            before = request.old.get("spec") or {}
            for name in ("priority", "priorityClassName", "preemptionPolicy"):
                if spec.get(name) is None and name in before:
                    spec[name] = before[name]
            return
        name, value, policy = self._resolve(spec.get("priorityClassName") or "", request)
        if name:
            spec["priorityClassName"] = name
        if spec.get("priority") not in (None, value):
            why = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            why += f"priority admission controller computed {value} from the given PriorityClass name"
            raise self._forbidden(request, why)
        if spec.get("preemptionPolicy") not in (None, policy):
            why = (
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
            )
            why += f"priority admission controller computed {policy} from the given PriorityClass name"
            raise self._forbidden(request, why)
        spec["priority"] = value
        spec["preemptionPolicy"] = policy

    def _resolve(self, name: str, request: Request) -> tuple[str, int, str]:
        """(class, priority, preemption policy); without a name the global default, else 0."""
        if name in SYSTEM_CLASSES:
            return name, SYSTEM_CLASSES[name], PREEMPT
        if not name:
            defaults = [body for body in self._classes() if body.get("globalDefault")]
            if not defaults:
                return "", 0, PREEMPT
            lowest = min(defaults, key=lambda body: body.get("value", 0))
            return lowest["metadata"]["name"], lowest.get("value", 0), lowest.get("preemptionPolicy", PREEMPT)
        live = self.store.get(Key(RESOURCE, "", name))
        if live is None:
            raise self._forbidden(request, f"no PriorityClass with name {name} was found")
        body = live.body()
        return name, body.get("value", 0), body.get("preemptionPolicy", PREEMPT)

    def _classes(self) -> list[dict[str, Any]]:
        return [revision.body() for revision in self.store.list(RESOURCE)]

    def _forbidden(self, request: Request, why: str) -> ApiError:
        return forbidden(request.key.plural, request.key.name, why)
