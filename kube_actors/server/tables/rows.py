"""One row of a Table: the cells of an object, what is special about it, and as much of it as the client asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from kube_actors.api.codecs import json
from kube_actors.api.registry import Resource
from kube_actors.kinds.columns import row_of
from kube_actors.kinds.versions import as_version
from kube_actors.records import frozen
from kube_actors.store import Revision

IncludeObject = Literal["None", "Metadata", "Object"]

# Phase of a pod -> what its row says of it; a client may leave such rows out.
_COMPLETED: Final[Mapping[str, str]] = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}


@frozen
class Rows:
    """Makes the rows of one resource at one moment."""

    resource: Resource
    now: float
    version: str
    include_object: IncludeObject

    def row(self, revision: Revision) -> bytes:
        """The row of an object as JSON."""
        body = revision.body()
        cells = json.dumps(list(row_of(self.resource.id)(body, self.now)))
        return b'{"cells":%s%s%s}' % (cells, self._conditions(body), self._object(revision, body))

    def _conditions(self, body: Mapping[str, Any]) -> bytes:
        if self.resource.id != "pods":
            return b""
        phase = (body.get("status") or {}).get("phase", "")
        if phase not in _COMPLETED:
            return b""
        completed = {"type": "Completed", "status": "True", "reason": phase, "message": _COMPLETED[phase]}
        return b',"conditions":%s' % json.dumps([completed])

    def _object(self, revision: Revision, body: dict[str, Any]) -> bytes:
        match self.include_object:
            case "None":
                return b',"object":null'
            case "Object":
                served = as_version(body, self.resource)
                return b',"object":%s' % (revision.raw if served is body else json.dumps(served))
            case "Metadata":
                metadata = json.dumps(body["metadata"])
                head = b',"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/%s","metadata":%s}'
                return head % (self.version.encode(), metadata)
