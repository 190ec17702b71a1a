"""Nodes, namespaces and events."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.converter import MicroTime, Time, always
from kube_actors.api.views.metadata import ObjectMeta, ObjectReference
from kube_actors.records import frozen


@frozen
class Taint:
    """What keeps pods off a node; effects NoSchedule, PreferNoSchedule, NoExecute."""

    key: str = always(default="")
    value: str = ""
    effect: str = always(default="")
    time_added: Time | None = None


@frozen
class NodeSpec:
    """What a node is to be."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    pod_cidr: str = ""
    pod_cidrs: tuple[str, ...] = ()
    provider_id: str = ""


@frozen
class NodeCondition:
    """A condition of a node; `last_heartbeat_time` is when the node last spoke of it."""

    type: str = always(default="")
    status: str = always(default="")
    last_heartbeat_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = ""
    message: str = ""


@frozen
class NodeAddress:
    """An address of a node: InternalIP, Hostname, ..."""

    type: str = ""
    address: str = ""


@frozen
class ContainerImage:
    """An image the node has."""

    names: tuple[str, ...] = ()
    size_bytes: int = 0


@frozen
class NodeStatus:
    """What a node is."""

    capacity: Mapping[str, Quantity] = attrs.field(factory=dict)
    allocatable: Mapping[str, Quantity] = attrs.field(factory=dict)
    conditions: tuple[NodeCondition, ...] = ()
    addresses: tuple[NodeAddress, ...] = ()
    images: tuple[ContainerImage, ...] = ()

    def condition(self, kind: str) -> NodeCondition | None:
        """The condition of that type, if it was ever set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen
class NodeView:
    """A Node."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


@frozen
class NamespaceSpec:
    """The namespace's own finalizers; `kubernetes` stands until its content is gone."""

    finalizers: tuple[str, ...] = ()


@frozen
class NamespaceCondition:
    """A condition of a namespace that is being deleted."""

    type: str = always(default="")
    status: str = always(default="")
    last_transition_time: Time | None = None
    reason: str = ""
    message: str = ""


@frozen
class NamespaceStatus:
    """Active or Terminating."""

    phase: str = ""
    conditions: tuple[NamespaceCondition, ...] = ()


@frozen
class NamespaceView:
    """A Namespace."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()


@frozen
class EventSource:
    """Who reported a core/v1 event."""

    component: str = ""
    host: str = ""


@frozen
class EventSeries:
    """How often an event was seen, and when last."""

    count: int = always(default=0)
    last_observed_time: MicroTime | None = None


@frozen
class EventView:
    """An Event (core/v1)."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    involved_object: ObjectReference = attrs.field(factory=ObjectReference)
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 0
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: MicroTime | None = None
    series: EventSeries | None = None
    source: EventSource = EventSource()
    reporting_component: str = ""
    reporting_instance: str = ""
