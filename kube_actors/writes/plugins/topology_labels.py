"""PodTopologyLabels: a pod says in which zone and region its node is, so that its containers can be told."""

from __future__ import annotations

from typing import ClassVar, Final

from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

TOPOLOGY: Final = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


@frozen(eq=False)
class TopologyLabels:
    """Reads the nodes from the store."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    store: Store

    def matches(self, request: Request) -> bool:
        """Pods that are bound to a node, or made with one."""
        return request.subresource == "binding" or (request.operation is Operation.CREATE and not request.subresource)

    def admit(self, request: Request) -> None:
        """Copy the node's labels over those of the pod; a node that is not there has none."""
        name = (request.new.get("spec") or {}).get("nodeName")
        node = self.store.get(Key("nodes", "", name)) if name else None
        if node is None:
            return
        labels = node.projection.labels
        found = {key: labels[key] for key in TOPOLOGY if key in labels}
        if found:
            metadata = request.new["metadata"]
            metadata["labels"] = {**(metadata.get("labels") or {}), **found}
