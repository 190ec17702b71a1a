"""Events: what happened to which object. What `events.k8s.io` asks beyond this stands in `new_events`."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks

LONGEST_WORD: Final = 128
LONGEST_NOTE: Final = 1024
"""Characters."""

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


def _validate(new: Body, old: Body | None) -> list[Cause]:
    """An event lies in the namespace of its object; those about cluster-wide objects in `default`."""
    about = (new.get("involvedObject") or {}).get("namespace", "")
    namespace = new["metadata"].get("namespace", "")
    found = []
    if about != namespace if about else namespace not in ("default", "kube-system"):
        found.append(causes.invalid("involvedObject.namespace", about, "does not match event.namespace"))
    return found + _new_style(new) if new.get("eventTime") else found


def _new_style(event: Body) -> list[Cause]:
    """An event that says when exactly it was also says who reports it and what was done."""
    controller = event.get("reportingComponent") or ""
    found = [] if controller else [causes.required("reportingController")]
    found += [causes.invalid("reportingController", controller, why) for why in names.qualified_name(controller)]
    for name in ("reportingInstance", "action", "reason"):
        value = event.get(name) or ""
        if not value:
            found.append(causes.required(name))
        elif len(value) > LONGEST_WORD:
            found.append(causes.invalid(name, "", f"can have at most {LONGEST_WORD} characters"))
    if len(event.get("message") or "") > LONGEST_NOTE:
        found.append(causes.invalid("message", "", f"can have at most {LONGEST_NOTE} characters"))
    return found


HOOKS = Hooks(
    validate=_validate,
    generation=None,
    has_dependents=False,
    selectable_fields=SELECTABLE_FIELDS,
)
