"""Events, of the core group and of `events.k8s.io`: what happened to which object."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks

SELECTABLE_FIELDS = (
    *METADATA_FIELDS,
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)


def _about(body: Body) -> Body:
    about: Body = body.get("involvedObject") or body.get("regarding") or {}
    return about


def _validate(new: Body, old: Body | None) -> list[Cause]:
    """An event lies in the namespace of its object; those about cluster-wide objects in `default`."""
    about, namespace = _about(new).get("namespace", ""), new["metadata"].get("namespace", "")
    field = "regarding.namespace" if "regarding" in new else "involvedObject.namespace"
    if about and about != namespace:
        return [causes.invalid(field, about, "does not match event.namespace")]
    if not about and namespace not in ("default", "kube-system"):
        return [causes.invalid(field, about, "does not match event.namespace")]
    return []


HOOKS = Hooks(
    validate=_validate,
    generation=None,
    selectable_fields=SELECTABLE_FIELDS,
)
