"""One object that every active namespace has: what to do about it in one namespace. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.records import frozen

OWN_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


@frozen
class CreateObject:
    """It is not there: create it with this body."""

    body: dict[str, Any]


@frozen
class RestoreObject:
    """Somebody changed it: these fields get their values again."""

    fields: Mapping[str, Any]


def plan_namespace_object(
    wanted: Mapping[str, Any], namespace_active: bool, existing: Mapping[str, Any] | None
) -> CreateObject | RestoreObject | None:
    """`wanted` is the body without a namespace. Fields it does not have are left alone in an object that is there."""
    if not namespace_active:
        return None
    if existing is None:
        return CreateObject(dict(wanted))
    if "deletionTimestamp" in existing["metadata"]:
        return None
    fields = {name: value for name, value in wanted.items() if name not in OWN_FIELDS}
    if all(existing.get(name) == value for name, value in fields.items()):
        return None
    return RestoreObject(fields)
