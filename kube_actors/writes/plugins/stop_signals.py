"""`lifecycle.stopSignal`: dropped from what is new, for the feature ContainerStopSignals is off in Kubernetes v1.36."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from kube_actors.kinds.pod_defaults import CONTAINER_LISTS
from kube_actors.kinds.unused_fields import POD_SPECS
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

FIELD: Final = "stopSignal"
WHY: Final = "dropped, for the feature ContainerStopSignals is off"


@frozen(eq=False)
class StopSignals:
    """Pods and templates lose the field; those that have it already, from another time, keep it."""

    resources: ClassVar[Resources] = frozenset(POD_SPECS)

    def matches(self, request: Request) -> bool:
        """Whatever may change containers."""
        return request.operation is not Operation.DELETE and request.subresource in ("", "ephemeralcontainers")

    def admit(self, request: Request) -> None:
        """A lifecycle that says nothing else goes with it."""
        path = POD_SPECS[request.resource.id]
        found = list(_with_signal(request.new, path))
        if not found or (request.old is not None and any(_with_signal(request.old, path))):
            return
        for container in found:
            rest = {name: value for name, value in container["lifecycle"].items() if name != FIELD}
            if rest:
                container["lifecycle"] = rest
            else:
                del container["lifecycle"]
        request.warn(f"{path}.containers[].lifecycle.{FIELD}: {WHY}")


def _with_signal(body: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The containers that have one."""
    spec: Any = body
    for name in path.split("."):
        spec = spec.get(name) or {}
    for kind in CONTAINER_LISTS:
        for container in spec.get(kind) or ():
            if FIELD in (container.get("lifecycle") or ()):
                yield container
