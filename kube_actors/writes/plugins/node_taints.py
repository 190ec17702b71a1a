"""TaintNodesByCondition: no pod comes to a new node before the node controller has seen that it is ready."""

from __future__ import annotations

from typing import ClassVar, Final

from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

KEY: Final = "node.kubernetes.io/not-ready"
EFFECT: Final = "NoSchedule"


@frozen(eq=False)
class NodeTaints:
    """Taints every new node, whoever makes it; the node controller takes the taint away."""

    resources: ClassVar[Resources] = frozenset({"nodes"})

    def matches(self, request: Request) -> bool:
        """New nodes."""
        return request.operation is Operation.CREATE and not request.subresource

    def admit(self, request: Request) -> None:
        """Behind the taints that the client wants."""
        spec = request.new.setdefault("spec", {})
        wanted = spec.get("taints") or []
        if not any((taint.get("key"), taint.get("effect")) == (KEY, EFFECT) for taint in wanted):
            spec["taints"] = [*wanted, {"key": KEY, "effect": EFFECT}]
