"""Server-side apply: who owns which field, and what becomes of an object when a manager applies its part of it.

The rules are those of Kubernetes: lists of type `map` merge by their keys, of type `set` by value, atomic ones have one
owner. Applying takes ownership of every field of the configuration, conflicts where another manager owns a field with
another value, and removes the fields that this manager applied before, applies no more, and nobody else owns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kube_actors.api.field_set import SELF, FieldSet
from kube_actors.api.schema import WRONG_TYPE, Schema
from kube_actors.api.structured_values import (
    field_set_of,
    merge,
    with_parents,
    without,
)
from kube_actors.api.typed_configuration import misfits
from kube_actors.api.versioned_change import Change, VersionedSet, Versions
from kube_actors.errors import ApiError, Cause, unnamed

SYSTEM_METADATA = (
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
    {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {SELF: {}, **{f"f:{name}": {} for name in SYSTEM_METADATA}}}
)


Body = dict[str, Any]


class OwnerKey(NamedTuple):
    """Who owns fields, and how. Appliers are one owner whatever version they apply, so their `api_version` is empty."""

    manager: str
    operation: str
    api_version: str
    subresource: str


Owners = dict[OwnerKey, VersionedSet]


def update_ownership(owners: Owners, manager: OwnerKey, change: Change, api_version: str) -> Owners:
    """The owners after `manager` wrote a change in this version: it owns what it changed, and nobody what is gone."""
    difference = change.in_version(api_version)
    assert difference is not None, "writes come in versions that are served"
    known = owners.get(manager)
    own = (known.fields if known is not None else FieldSet()) - difference.removed | (difference.changed - UNOWNED)
    after = _released(owners, manager, change)
    after.pop(manager, None)
    if own:
        after[manager] = VersionedSet(own, api_version)
    return after


def apply(
    live: dict[str, Any],
    applied: dict[str, Any],
    owners: Owners,
    manager: OwnerKey,
    versions: Versions,
    *,
    force: bool = False,
    taken: FieldSet | None = None,
) -> tuple[dict[str, Any], Owners]:
    """Merge an applied configuration into the live object, which has the same version.

    Returns the merged object (not yet defaulted, and with the nulls of the configuration) and the owners. Raises 409
    `Conflict` with a cause for each field that another manager owns with another value, unless `force` takes over all
    of them or `taken` this one.
    """
    api_version = applied["apiVersion"]
    schema = versions.schema(api_version)
    assert schema is not None, "what is applied has a version that is served"
    own = field_set_of(applied, schema) - UNOWNED
    after = {**owners, manager: VersionedSet(own, api_version)}
    merged = merge(live, applied, schema)
    if manager in owners:
        merged = versions.convert(_pruned(merged, owners[manager], after, versions), api_version)
    change = Change(live, merged, versions)
    if not force:
        _refuse_conflicts(after, manager, change, taken or FieldSet())
    return merged, _released(after, manager, change)


def _released(owners: Owners, manager: OwnerKey, change: Change) -> Owners:
    """The owners when `manager` has taken what it changed and what is removed has gone.

    Nobody owns fields of a version that is not served: nobody could say what became of them.
    """
    after = {}
    for owner, owned in owners.items():
        rest: FieldSet | None = owned.fields
        if owner != manager:
            rest = _rest(owned, change)
        if rest:
            after[owner] = VersionedSet(rest, owned.api_version)
    return after


def _rest(owned: VersionedSet, change: Change) -> FieldSet | None:
    """What others leave of the fields of an owner."""
    difference = change.in_version(owned.api_version)
    return None if difference is None else owned.fields - (difference.changed - UNOWNED) - difference.removed


def _contested(owned: VersionedSet, change: Change) -> FieldSet:
    """The fields of an owner that have another value after the change."""
    difference = change.in_version(owned.api_version)
    return FieldSet() if difference is None else owned.fields & (difference.changed - UNOWNED)


def _refuse_conflicts(owners: Owners, manager: OwnerKey, change: Change, taken: FieldSet) -> None:
    causes: list[Cause] = []
    by_owner: dict[str, list[str]] = {}
    for owner in sorted(owners):
        contested = list((_contested(owners[owner], change) - taken).paths()) if owner != manager else []
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


def _pruned(merged: dict[str, Any], before: VersionedSet, owners: Owners, versions: Versions) -> dict[str, Any]:
    """`merged` without the fields that were applied before and that no manager owns any more, in some version.

    Taking everything out that was applied before takes too much: an item of a list goes with all that is in it. So what
    somebody still owns stays, and so does what was never applied unless it stood in something that goes.
    """
    schema = versions.schema(before.api_version)
    if schema is None:
        return merged
    merged = versions.convert(merged, before.api_version)
    rest = without(merged, before.fields, schema, keep_emptied=True)
    for version, managed in _managed(owners, before.api_version).items():
        rest = _with_owned(merged, rest, VersionedSet(managed, version), versions)
    rest = versions.convert(rest, before.api_version)
    return without(merged, _lost(merged, rest, schema) & with_parents(before.fields, schema), schema)


def _managed(owners: Owners, first: str) -> dict[str, FieldSet]:
    """The fields that anybody owns, by version; one version comes first."""
    managed = {first: FieldSet()}
    for fields, version in owners.values():
        managed[version] = managed.get(version, FieldSet()) | fields
    return managed


def _with_owned(merged: Body, rest: Body, managed: VersionedSet, versions: Versions) -> Body:
    """`rest` with what it lost of the managed fields, in their version."""
    schema = versions.schema(managed.api_version)
    if schema is None:
        return rest
    merged, rest = (versions.convert(body, managed.api_version) for body in (merged, rest))
    gone = _lost(merged, rest, schema) - with_parents(managed.fields, schema)
    return without(merged, gone, schema, keep_emptied=True)


def _lost(merged: Body, rest: Body, schema: Schema) -> FieldSet:
    """The fields of `merged` that `rest` does not have, structs among them."""
    before, after = (with_parents(field_set_of(body, schema), schema) for body in (merged, rest))
    return before - after


def check_applied(applied: dict[str, Any], schema: Schema) -> None:
    """Refuse a configuration that does not fit its kind, or whose list items cannot be told apart.

    With 500 and no reason, as Kubernetes does: its merging of typed values knows nothing of HTTP.
    """
    told = [f"{path}: {why}" for path, why in misfits(applied, schema)]
    if told:
        listed = told[0] if len(told) == 1 else "errors:\n" + "\n".join(f"  {each}" for each in told)
        raise unnamed(f"failed to create typed patch object ({_object_text(applied)}): {listed}")


def check_readable(applied: dict[str, Any], schema: Schema) -> None:
    """Refuse a configuration with values that cannot be read though they are of a type that can be merged: `1 GB` where
    a quantity stands. 500 as well."""
    wrong = [cause.message for cause in schema.validate(applied) if cause.reason == WRONG_TYPE]
    if wrong:
        why = f"unable to convert unstructured object to {kind_text(applied)}: {wrong[0]}"
        raise unnamed(f"failed to convert new object ({_object_text(applied)}) to proper version: {why}")


def kind_text(body: dict[str, Any]) -> str:
    """Group, version and kind as Kubernetes prints them: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`."""
    version, kind = (value if isinstance(value := body.get(name), str) else "" for name in ("apiVersion", "kind"))
    if version.count("/") > 1:
        return "/, Kind="
    return f"{version if '/' in version else f'/{version}'}, Kind={kind}"


def _object_text(applied: dict[str, Any]) -> str:
    metadata = applied.get("metadata") or {}
    metadata = metadata if isinstance(metadata, dict) else {}
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {kind_text(applied)}"
