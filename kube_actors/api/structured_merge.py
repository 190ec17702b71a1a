"""Server-side apply: who owns which field, and what becomes of an object when a manager applies its part of it.

The rules are those of Kubernetes: lists of type `map` merge by their keys, of type `set` by value, atomic ones have one
owner. Applying takes ownership of every field of the configuration, conflicts where another manager owns a field with
another value, and removes the fields that this manager applied before, applies no more, and nobody else owns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kube_actors.api.field_set import SELF, FieldSet
from kube_actors.api.schema import Schema
from kube_actors.api.structured_values import (
    Difference,
    compare,
    field_set_of,
    merge,
    with_parents,
    without,
    without_nulls,
)
from kube_actors.api.typed_configuration import misfits
from kube_actors.errors import ApiError, Cause, bad_request

_SYSTEM_METADATA = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
)
# System fields nobody owns.
UNOWNED = FieldSet(
    {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {SELF: {}, **{f"f:{name}": {} for name in _SYSTEM_METADATA}}}
)


class OwnerKey(NamedTuple):
    """Who owns fields, and how. Appliers are one owner whatever version they apply, so their `api_version` is empty."""

    manager: str
    operation: str
    api_version: str
    subresource: str


Owners = dict[OwnerKey, FieldSet]


def update_ownership(owners: Owners, manager: OwnerKey, difference: Difference) -> Owners:
    """The owners after `manager` wrote the difference: it owns what it changed, and nobody owns what is gone."""
    changed = difference.changed - UNOWNED
    removed = difference.removed
    after = _released(owners, manager, changed, removed)
    own = (owners.get(manager, FieldSet()) - removed) | changed
    after.pop(manager, None)
    if own:
        after[manager] = own
    return after


def apply(
    live: dict[str, Any],
    applied: dict[str, Any],
    owners: Owners,
    manager: OwnerKey,
    schema: Schema,
    *,
    force: bool = False,
    taken: FieldSet | None = None,
) -> tuple[dict[str, Any], Owners]:
    """Merge an applied configuration into the live object.

    Returns the merged object (not yet defaulted) and the owners. Raises 409 `Conflict` with a cause for each field
    that another manager owns with another value, unless `force` takes over all of them or `taken` this one.
    """
    merged = merge(live, applied, schema)
    before = owners.get(manager, FieldSet())
    after = {**owners, manager: field_set_of(without_nulls(applied), schema) - UNOWNED}
    merged = _pruned(merged, before, after, schema)
    difference = compare(live, merged, schema)
    changed = difference.changed - UNOWNED
    if not force:
        _refuse_conflicts(after, manager, changed if taken is None else changed - taken)
    own = after[manager]
    after = _released(after, manager, changed, difference.removed)
    if own:
        after[manager] = own
    else:
        after.pop(manager, None)
    return merged, after


def _released(owners: Owners, manager: OwnerKey, changed: FieldSet, removed: FieldSet) -> Owners:
    """The owners when `manager` has taken what it changed and what is removed has gone."""
    after = {}
    for owner, fields in owners.items():
        rest = fields if owner == manager else fields - changed - removed
        if rest:
            after[owner] = rest
    return after


def _refuse_conflicts(owners: Owners, manager: OwnerKey, changed: FieldSet) -> None:
    causes: list[Cause] = []
    by_owner: dict[str, list[str]] = {}
    for owner in sorted(owners):
        contested = list((owners[owner] & changed).paths()) if owner != manager else []
        if contested:
            who = f'"{owner.manager}"'
            who += f' with subresource "{owner.subresource}"' if owner.subresource else ""
            who += f" using {owner.api_version}" if owner.api_version else ""
            by_owner.setdefault(who, []).extend(contested)
            causes += [Cause("FieldManagerConflict", f"conflict with {who}", path) for path in contested]
    if not causes:
        return
    if len(causes) == 1:
        listed = f"{causes[0].message}: {causes[0].field}"
    else:
        listed = "\n".join(
            f"conflicts with {who}:\n" + "\n".join(f"- {path}" for path in by_owner[who]) for who in by_owner
        )
    plural = "" if len(causes) == 1 else "s"
    raise ApiError("Conflict", 409, f"Apply failed with {len(causes)} conflict{plural}: {listed}", causes=causes)


def _pruned(merged: dict[str, Any], before: FieldSet, owners: Owners, schema: Schema) -> dict[str, Any]:
    """`merged` without the fields that were applied before and that no manager owns any more.

    Taking everything out that was applied before takes too much: an item of a list goes with all that is in it. So what
    somebody still owns stays, and so does what was never applied unless it stood in something that goes.
    """
    if not before:
        return merged
    managed = FieldSet()
    for fields in owners.values():
        managed = managed | fields
    everything = with_parents(field_set_of(merged, schema), schema)

    def lost(rest: dict[str, Any]) -> FieldSet:
        return everything - with_parents(field_set_of(rest, schema), schema)

    rest = without(merged, before, schema, keep_emptied=True)
    rest = without(merged, lost(rest) - with_parents(managed, schema), schema, keep_emptied=True)
    return without(merged, lost(rest) & with_parents(before, schema), schema)


def check_applied(applied: dict[str, Any], schema: Schema) -> None:
    """Refuse (400) a configuration that does not fit its kind, or whose list items cannot be told apart."""
    problems = list(misfits(applied, schema))
    if problems:
        raise untyped(applied, problems)


def untyped(applied: dict[str, Any], problems: Sequence[tuple[str, str]]) -> ApiError:
    """400 for a configuration that does not fit its kind: which object, and (path, why) of everything in it."""
    metadata, version = applied.get("metadata") or {}, applied.get("apiVersion", "")
    name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    kind = f"{version if '/' in version else f'/{version}'}, Kind={applied.get('kind', '')}"
    told = [f"{path}: {why}" for path, why in problems]
    listed = told[0] if len(told) == 1 else "errors:\n" + "\n".join(f"  {each}" for each in told)
    causes = [Cause("FieldValueInvalid", why, path) for path, why in problems]
    return bad_request(f"failed to create typed patch object ({name}; {kind}): {listed}", causes=causes)
