"""IPAddresses: each is an address that is taken, and says by whom."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import canonical_address_problems
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks

IP_ADDRESSES: Final = "ipaddresses.networking.k8s.io"

PARENT: Final = "spec.parentRef"


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    parent = spec.get("parentRef")
    if old is not None:
        before = (old.get("spec") or {}).get("parentRef")
        return [] if parent == before else [causes.immutable(PARENT, parent)]
    if parent is None:
        return [causes.required(PARENT)]
    found = []
    if parent.get("group"):
        group = parent["group"]
        found += [causes.invalid(f"{PARENT}.group", group, why) for why in names.dns1123_subdomain(group)]
    for name in ("resource", "name"):
        value = parent.get(name)
        if not value:
            found.append(causes.required(f"{PARENT}.{name}"))
        else:
            found += [causes.invalid(f"{PARENT}.{name}", value, why) for why in names.path_segment(value)]
    namespace = parent.get("namespace") or ""
    return found + [causes.invalid(f"{PARENT}.namespace", namespace, why) for why in names.path_segment(namespace)]


HOOKS = Hooks(
    validate=_validate,
    name=canonical_address_problems,
    generation=None,
    selectable_fields=(*METADATA_FIELDS, "spec.parentRef.resource", "spec.parentRef.namespace", "spec.parentRef.name"),
)
