"""What every actor of a cluster is given: the store, a client of its own, the clock, events and the directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ClusterClock, MailboxFull, Ref
from kube_actors.messages.events import EventsMessage, ObjectReference, RecordEvent
from kube_actors.records import define, frozen
from kube_actors.store import Key, Revision, Store
from kube_actors.writes import Client, Identity

if TYPE_CHECKING:
    from kube_actors.messages.network import NetworkMessage
    from kube_actors.messages.node import NodeMessage
    from kube_actors.messages.pod import PodMessage
    from kube_actors.messages.replica_set import ReplicaSetMessage


@define
class Directory:
    """Who can be asked: filled by the actors that own the entries, read by those that ask."""

    nodes: dict[str, Ref[NodeMessage]] = attrs.field(factory=dict)
    pods: dict[str, Ref[PodMessage]] = attrs.field(factory=dict)
    replica_sets: dict[str, Ref[ReplicaSetMessage]] = attrs.field(factory=dict)
    network: Ref[NetworkMessage] | None = None
    events: Ref[EventsMessage] | None = None


def reference_to(revision: Revision, *, kind: str, api_version: str, field_path: str = "") -> ObjectReference:
    """The object of a revision, as an Event names it."""
    key = revision.key
    return ObjectReference(
        api_version=api_version,
        kind=kind,
        namespace=key.namespace,
        name=key.name,
        uid=revision.uid,
        resource_version=str(revision.resource_version),
        field_path=field_path,
    )


@frozen
class EventSink:
    """Says things about objects to the event recorder, in the name of one component.

    Never waits and never fails: an Event that finds the recorder's mailbox full is lost, as in Kubernetes.
    """

    directory: Directory
    component: str
    host: str = ""

    def record(self, about: ObjectReference, type: str, reason: str, message: str) -> None:
        """Record one Event of type `Normal` or `Warning`."""
        recorder = self.directory.events
        if recorder is None:
            return
        event = RecordEvent(about, type, reason, message, self.component, self.host)
        try:
            recorder.tell(event)
        except MailboxFull:
            return


@frozen
class ControlPlane:
    """The shared world of a cluster's actors. `client_for` binds a client to an identity."""

    store: Store
    client_for: Callable[[Identity], Client]
    clock: ClusterClock
    config: ClusterConfig
    directory: Directory = attrs.field(factory=Directory)

    def controller_client(self, name: str) -> Client:
        """A client for one of the built-in controllers, under the names Kubernetes gives them."""
        user = f"system:serviceaccount:kube-system:{name}"
        groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
        return self.client_for(Identity(user, groups, "kube-controller-manager"))

    def events(self, component: str, host: str = "") -> EventSink:
        """Where a component says what happened."""
        return EventSink(self.directory, component, host)

    def find(self, key: Key, uid: str) -> Revision | None:
        """The object if it still is the one with this uid."""
        revision = self.store.get(key)
        return revision if revision is not None and revision.uid == uid else None
