"""Namespaces: kept by the finalizer `kubernetes` until the namespace actor has emptied them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.facts import NamespaceFacts
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.finalizers import standard_or_qualified

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"


def _prepare_create(body: Body) -> None:
    spec = body.setdefault("spec", {})
    finalizers = [each for each in spec.get("finalizers") or [] if each != FINALIZER]
    spec["finalizers"] = [*finalizers, FINALIZER]
    body["status"] = {"phase": "Active"}


def _default(body: Body) -> None:
    metadata = body["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """Only `finalize` takes finalizers out of the spec."""
    if subresource != "finalize":
        new["spec"] = old.get("spec", {})
    new.setdefault("status", old.get("status", {"phase": "Active"}))
    _default(new)


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = []
    for index, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or []):
        field = "spec.finalizers" if old is None else f"spec.finalizers[{index}]"  # as Kubernetes says it
        found += [causes.invalid(field, finalizer, why) for why in names.qualified_name(finalizer)]
        found += standard_or_qualified(finalizer, field)
    return found


def _validate_status(new: Body, _old: Body) -> list[Cause]:
    """The phase says what the deletion says."""
    phase, deleted = (new.get("status") or {}).get("phase") or "", "deletionTimestamp" in new["metadata"]
    wanted, when = ("Terminating", "not empty") if deleted else ("Active", "empty")
    why = f"may only be '{wanted}' if `deletionTimestamp` is {when}"
    return [] if phase == wanted else [causes.invalid("status.Phase", phase, why)]


def _facts(body: Mapping[str, Any]) -> NamespaceFacts:
    finalizers = tuple((body.get("spec") or {}).get("finalizers") or ())
    return NamespaceFacts((body.get("status") or {}).get("phase", "Active"), finalizers)


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_subresource={"status": _validate_status},
    project=_facts,
    name=names.dns1123_label,
    generation=None,
    selectable_fields=(*METADATA_FIELDS, "name", "status.phase"),
)
