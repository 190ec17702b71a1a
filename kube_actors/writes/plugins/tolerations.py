"""DefaultTolerationSeconds: how long a pod stays on a node that has gone quiet."""

from __future__ import annotations

from typing import Any, ClassVar

from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"


@frozen
class DefaultTolerationSeconds:
    """Adds the two NoExecute tolerations that a pod does not have itself. Seconds; 300 in Kubernetes."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    not_ready_seconds: int = 300
    unreachable_seconds: int = 300

    def matches(self, request: Request) -> bool:
        """Pods, not their parts."""
        return not request.subresource and request.operation is not Operation.DELETE

    def admit(self, request: Request) -> None:
        """Add what is missing."""
        spec = request.new.get("spec")
        if not isinstance(spec, dict):
            return
        tolerations: list[dict[str, Any]] = spec.get("tolerations") or []
        for key, seconds in ((NOT_READY, self.not_ready_seconds), (UNREACHABLE, self.unreachable_seconds)):
            if not any(_covers(each, key) for each in tolerations):
                added = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
                tolerations = [*tolerations, added]
        spec["tolerations"] = tolerations


def _covers(toleration: dict[str, Any], key: str) -> bool:
    return toleration.get("key") in (key, None, "") and toleration.get("effect") in ("NoExecute", None, "")
