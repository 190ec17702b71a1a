"""RuntimeClass: what running in a pod's runtime class costs, and on which nodes it can be had."""

from __future__ import annotations

from typing import Any, ClassVar

from kube_actors.errors import ApiError, forbidden
from kube_actors.kinds.pod_amounts import amounts_of
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

RESOURCE = "runtimeclasses.node.k8s.io"
Body = dict[str, Any]


@frozen(eq=False)
class RuntimeClasses:
    """Writes into a new pod what its class says; 403 for a class nobody made, and for pods that contradict it."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    store: Store

    def matches(self, request: Request) -> bool:
        """New pods that name a class, or an overhead, which only a class may give."""
        if request.subresource or request.operation is not Operation.CREATE:
            return False
        spec = request.new.get("spec")
        return isinstance(spec, dict) and bool(spec.get("runtimeClassName") or spec.get("overhead"))

    def admit(self, request: Request) -> None:
        """Overhead, node selector and tolerations of the class."""
        spec = request.new["spec"]
        found = self._class(request, spec.get("runtimeClassName") or "")
        self._set_overhead(request, spec, (found.get("overhead") or {}).get("podFixed") or {})
        scheduling = found.get("scheduling") or {}
        selector = spec.get("nodeSelector") or {}
        for label, value in (scheduling.get("nodeSelector") or {}).items():
            if selector.get(label, value) != value:
                conflict = f"conflict: runtimeClass.scheduling.nodeSelector[{label}] = {value}; "
                raise _refused(request, f"{conflict}pod.spec.nodeSelector[{label}] = {selector[label]}")
            spec.setdefault("nodeSelector", {})[label] = value
        own = spec.get("tolerations") or []
        if added := [each for each in scheduling.get("tolerations") or () if each not in own]:
            spec["tolerations"] = [*own, *added]

    def _class(self, request: Request, name: str) -> Body:
        """The class; an empty one for pods that name none."""
        if not name:
            return {}
        revision = self.store.get(Key(RESOURCE, "", name))
        if revision is None:
            raise _refused(request, f'pod rejected: RuntimeClass "{name}" not found')
        return revision.body()

    @staticmethod
    def _set_overhead(request: Request, spec: Body, overhead: Body) -> None:
        sent = spec.get("overhead") or {}
        if sent and not overhead:
            raise _refused(
                request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            )
        if sent and amounts_of(sent) != amounts_of(overhead):
            raise _refused(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        if overhead:
            spec["overhead"] = overhead


def _refused(request: Request, why: str) -> ApiError:
    return forbidden(request.key.plural, request.key.name, why)
