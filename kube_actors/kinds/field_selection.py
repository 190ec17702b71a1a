"""Field selectors as each kind understands them: which fields it knows, and what they are in a stored object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from kube_actors.api.registry import Resource
from kube_actors.api.selectors import FieldSelector, FieldTerm, SelectorError, field_text
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import METADATA_FIELDS
from kube_actors.records import frozen
from kube_actors.store import Revision

Body = Mapping[str, Any]
Read = Callable[[Revision], str]

# Fields with another name in the group's version than in the stored object.
_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "events.events.k8s.io": {
        **{
            f"regarding.{part}": f"involvedObject.{part}"
            for part in ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid")
        },
        "metadata.name": "metadata.name",
        "metadata.namespace": "metadata.namespace",
        "reason": "reason",
        "reportingController": "reportingComponent",
        "type": "type",
    }
}
# What the key and the projection answer, without parsing the object.
_OF_KEY: Final[Mapping[str, Read]] = {
    "metadata.name": lambda revision: revision.key.name,
    "metadata.namespace": lambda revision: revision.key.namespace,
    "name": lambda revision: revision.key.name,
}
_OF_POD_FACTS: Final[Mapping[str, Read]] = {
    "spec.nodeName": lambda revision: str(revision.projection.facts.node),
    "spec.schedulerName": lambda revision: str(revision.projection.facts.scheduler_name),
    "status.phase": lambda revision: str(revision.projection.facts.phase),
    "status.podIP": lambda revision: str(revision.projection.facts.address),
}
# Fields that count as something when the object does not have them.
_WHEN_ABSENT: Final[Mapping[str, str]] = {
    "spec.hostNetwork": "false",
    "spec.unschedulable": "false",
    "status.replicas": "0",
}


@frozen
class FieldCondition:
    """A field selector as a condition on revisions; an object is parsed only when its key and facts do not decide."""

    quick: tuple[tuple[Read, FieldTerm], ...]
    slow: tuple[FieldTerm, ...]

    def __call__(self, revision: Revision) -> bool:
        """Whether the object meets every term."""
        for read, term in self.quick:
            if (read(revision) == term.value) != term.equal:
                return False
        if not self.slow:
            return True
        body = revision.body()
        return all((_text(body, term.field) == term.value) == term.equal for term in self.slow)


def field_condition(resource: Resource, selector: FieldSelector) -> FieldCondition | None:
    """The selector as a condition; None when it has no terms.

    SelectorError, in Kubernetes' words, for a field that the kind cannot be selected by.
    """
    if not selector.terms:
        return None
    quick_reads = {**_OF_KEY, **_OF_POD_FACTS} if resource.id == "pods" else _OF_KEY
    quick, slow = [], []
    for sent in selector.terms:
        term = attrs.evolve(sent, field=_stored_name(resource, sent.field))
        read = quick_reads.get(term.field)
        if read is None:
            slow.append(term)
        else:
            quick.append((read, term))
    return FieldCondition(tuple(quick), tuple(slow))


def _stored_name(resource: Resource, field: str) -> str:
    """The field's name in the stored object. SelectorError when the kind does not know it."""
    renamed = _RENAMED.get(resource.id)
    if renamed is not None:
        if field in renamed:
            return renamed[field]
        raise SelectorError(f"field label not supported: {field}")
    known = hooks_for(resource.id).selectable_fields
    if field in known:
        return field
    if known == METADATA_FIELDS:
        listed = ", ".join(f'"{each}"' for each in known)
        raise SelectorError(f'"{field}" is not a known field selector: only {listed}')
    if resource.id == "jobs.batch":
        raise SelectorError(f'field label "{field}" not supported for Job')
    raise SelectorError(f"field label not supported: {field}")


def _text(body: Body, field: str) -> str:
    """A field of a stored object as selectors compare it."""
    match field:
        case "source":  # of an event: the component that saw it
            return field_text(body, "source.component") or field_text(body, "reportingComponent")
        case "status.successful":  # of a Job
            return field_text(body, "status.succeeded") or "0"
    return field_text(body, field) or _WHEN_ABSENT.get(field, "")
