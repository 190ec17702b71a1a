"""`metadata.managedFields`: which manager owns which fields, brought up to date by every write."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from kube_actors.api import structured_merge
from kube_actors.api.field_set import FieldSet
from kube_actors.api.structured_merge import OwnerKey, Owners
from kube_actors.api.structured_values import Difference, given
from kube_actors.api.versioned_change import Change, VersionedSet, Versions
from kube_actors.errors import bad_request
from kube_actors.records import define, frozen
from kube_actors.writes import last_applied

APPLY = "Apply"
UPDATE = "Update"
BEFORE_FIRST_APPLY = "before-first-apply"
ANCIENT_CHANGES = "ancient-changes"
MAXIMUM_UPDATERS = 10

_FRAME = frozenset({"apiVersion", "kind", "metadata"})

Body = dict[str, Any]
Entry = dict[str, Any]


@frozen
class Author:
    """The manager of one write, the version of the API it writes in, and when (RFC 3339)."""

    manager: str
    api_version: str
    subresource: str
    time: str


@define
class Ledger:
    """The decoded managedFields of an object."""

    owners: Owners
    times: dict[OwnerKey, str]

    @classmethod
    def read(cls, entries: list[Entry]) -> Ledger:
        """Decode entries that were checked before they were stored. Of two with the same key the later one counts."""
        ledger = cls({}, {})
        for entry in entries:
            key = _key(entry)
            ledger.owners[key] = VersionedSet(FieldSet(entry.get("fieldsV1")), entry.get("apiVersion", ""))
            ledger.times[key] = entry.get("time", "")
        return ledger

    def entries(self) -> list[Entry]:
        """Encode: appliers first, then by time, manager, version and subresource."""
        self._merge_ancient()
        found = [_entry(key, owned, self.times.get(key, "")) for key, owned in self.owners.items()]
        found.sort(key=_order)
        return found

    def _merge_ancient(self) -> None:
        """Keep the list short: the oldest updaters beyond ten become one of each version, `ancient-changes`."""
        updaters = [key for key in self.owners if key.operation == UPDATE]
        if len(updaters) <= MAXIMUM_UPDATERS:
            return
        updaters.sort(key=lambda key: (self.times.get(key, ""), key))
        for key in updaters[: len(updaters) - MAXIMUM_UPDATERS + 1]:
            ancient = OwnerKey(ANCIENT_CHANGES, UPDATE, key.api_version, "")
            owned, known = self.owners.pop(key), self.owners.get(ancient)
            fields = owned.fields if known is None else known.fields | owned.fields
            self.owners[ancient] = VersionedSet(fields, key.api_version)
            self.times[ancient] = max(self.times.get(ancient, ""), self.times.get(key, ""))


def _entry(key: OwnerKey, owned: VersionedSet, time: str) -> Entry:
    entry: Entry = {
        "manager": key.manager,
        "operation": key.operation,
        "apiVersion": owned.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields.to_fields_v1(),
    }
    if time:
        entry["time"] = time
    if key.subresource:
        entry["subresource"] = key.subresource
    return entry


def record_create(new: Body, author: Author, versions: Versions, *, but: Collection[str]) -> None:
    """Write the managedFields of a new object: its author's, beside those of others that the author sends along.

    `but`: these parts belong to nobody, as the first status of most objects.
    """
    key = OwnerKey(author.manager, UPDATE, author.api_version, author.subresource)
    schema = versions.schema(author.api_version)
    assert schema is not None, "writes come in versions that are served"
    fields = given(_ownable(versions.convert(new, author.api_version), but), schema)
    sent = new["metadata"].get("managedFields")
    if not sent:
        _store(new, [_entry(key, VersionedSet(fields, author.api_version), author.time)] if fields else [])
        return
    change = Change(None, _without_entries(new, but), versions)
    ledger = _ledger_of(sent, [])
    ledger.owners = structured_merge.update_ownership(ledger.owners, key, change, author.api_version)
    if fields:
        ledger.times[key] = author.time
    _store(new, ledger.entries())


def record_update(old: Body, new: Body, author: Author, versions: Versions) -> None:
    """Bring `new`'s managedFields up to date with what `author` changed since `old`.

    A client that sends managedFields edits them; `[{}]` and `[]` clear them; leaving them out keeps them, and so does
    a write of a subresource. Who owns an object that has no managers is not written down again until it is applied.
    """
    metadata = old.get("metadata", {})
    stored, sent = metadata.get("managedFields") or [], new["metadata"].get("managedFields")
    change = Change(_without_entries(old), _without_entries(new), versions)
    difference = change.in_version(author.api_version)
    assert difference is not None, "writes come in versions that are served"
    if stored and sent == stored:
        renewed = _renewed(stored, author, difference)
        if renewed is not None:
            new["metadata"]["managedFields"] = renewed
            return
    key = OwnerKey(author.manager, UPDATE, author.api_version, author.subresource)
    ledger = _ledger_of(stored if author.subresource else sent, stored)
    if not ledger.owners:
        _store(new, [])
        return
    ledger.owners = structured_merge.update_ownership(ledger.owners, key, change, author.api_version)
    if difference.changed - structured_merge.UNOWNED:
        ledger.times[key] = author.time
    _store(new, ledger.entries())


def _renewed(stored: list[Entry], author: Author, difference: Difference) -> list[Entry] | None:
    """The entries with a new time, when their author alone owns all that changed; None when ownership moves.

    The usual case of a controller that reports its status again and again, at a third of the cost.
    """
    changed = difference.changed - structured_merge.UNOWNED
    if difference.removed or not changed:
        return None
    own: Entry | None = None
    for entry in stored:
        if entry.get("apiVersion") != author.api_version:
            return None
        fields = FieldSet(entry.get("fieldsV1"))
        if _is_entry_of(entry, author):
            own = entry
            if changed - fields:
                return None
        elif changed & fields:
            return None
    if own is None:
        return None
    others = [entry for entry in stored if entry is not own]
    return sorted([*others, {**own, "time": author.time}], key=_order)


def _is_entry_of(entry: Entry, author: Author) -> bool:
    return bool(
        entry["manager"] == author.manager
        and entry["operation"] == UPDATE
        and entry.get("subresource", "") == author.subresource
    )


def check_configuration(applied: Body, versions: Versions) -> None:
    """Refuse what cannot be applied: 400 for managed fields in it, 500 for what does not fit its kind."""
    schema = versions.schema(applied["apiVersion"])
    assert schema is not None, "what is applied has a version that is served"
    metadata = applied.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("managedFields"), list):
        raise bad_request("metadata.managedFields must be nil")
    structured_merge.check_applied(applied, schema)
    structured_merge.check_readable(applied, schema)


def record_apply(
    live: Body, applied: Body, author: Author, versions: Versions, *, part: Callable[[Body], Body], force: bool
) -> Body:
    """The live object (`{}` when there is none) with the configuration applied, managedFields included.

    The configuration and the answer have the author's version, whatever version the live object is stored in. Of an
    object that has no managers, `part`, what can be set by the way the configuration comes, was somebody's before.
    """
    schema = versions.schema(author.api_version)
    assert schema is not None, "what is applied has a version that is served"
    ledger = Ledger.read(live.get("metadata", {}).get("managedFields") or [])
    plain = versions.convert(_without_entries(live), author.api_version) if live else {}
    everything = given(_ownable(part(plain)), schema) if live and not ledger.owners else FieldSet()
    if everything:
        first = OwnerKey(BEFORE_FIRST_APPLY, UPDATE, author.api_version, author.subresource)
        ledger.owners[first], ledger.times[first] = VersionedSet(everything, author.api_version), author.time
    key = OwnerKey(author.manager, APPLY, "", author.subresource)
    before = ledger.owners
    taken = last_applied.fields_taken_over(plain, author.manager, author.api_version, schema)
    merged, ledger.owners = structured_merge.apply(plain, applied, before, key, versions, force=force, taken=taken)
    if before.get(key) != ledger.owners.get(key) or merged != plain:
        ledger.times[key] = author.time
    stored = _store({**merged, "metadata": dict(merged.get("metadata", {}))}, ledger.entries())
    last_applied.follow(stored, applied, author.manager)
    return stored


def _ledger_of(sent: list[Entry] | None, stored: list[Entry]) -> Ledger:
    if sent != stored and sent in ([], [{}]):
        return Ledger({}, {})
    return Ledger.read(sent if sent and sent != stored and _readable(sent) else stored)


def _readable(entries: list[Entry]) -> bool:
    """Whether a client's managedFields make sense; otherwise Kubernetes ignores them."""
    for entry in entries:
        if entry.get("operation") not in (APPLY, UPDATE) or entry.get("fieldsType") != "FieldsV1":
            return False
        try:
            FieldSet.from_fields_v1(entry.get("fieldsV1") or {})
        except ValueError:
            return False
    return True


def _store(body: Body, entries: list[Entry]) -> Body:
    if entries:
        body["metadata"]["managedFields"] = entries
    else:
        body["metadata"].pop("managedFields", None)
    return body


def _ownable(body: Body, but: Collection[str] = ()) -> Body:
    """A new object without all that nobody owns."""
    parts = {name: value for name, value in body.items() if name not in _FRAME and name not in but}
    metadata = body["metadata"].items()
    parts["metadata"] = {name: value for name, value in metadata if name not in structured_merge.SYSTEM_METADATA}
    return parts


def _without_entries(body: Body, but: Collection[str] = ()) -> Body:
    """The object as managers see it: managedFields belong to nobody, and so do the parts that it is to be without."""
    if but:
        body = {name: value for name, value in body.items() if name not in but}
    metadata = body.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return body
    return {**body, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def _key(entry: Entry) -> OwnerKey:
    operation = entry["operation"]
    version = "" if operation == APPLY else entry.get("apiVersion", "")
    return OwnerKey(entry.get("manager", ""), operation, version, entry.get("subresource", ""))


def _order(entry: Entry) -> tuple[str, ...]:
    get = entry.get
    return get("operation", ""), get("time", ""), get("manager", ""), get("apiVersion", ""), get("subresource", "")
