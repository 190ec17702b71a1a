"""What the event recorder is told."""

from __future__ import annotations

from kube_actors.messages.common import Describe
from kube_actors.records import frozen


@frozen
class ObjectReference:
    """The object an Event speaks of."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str = ""
    field_path: str = ""


@frozen
class RecordEvent:
    """Anyone → recorder: something a person may want to know happened to an object. Losing one costs nothing."""

    about: ObjectReference
    type: str
    reason: str
    message: str
    component: str
    host: str = ""


EventsMessage = RecordEvent | Describe
