"""The first stage, pure: from what was asked to what would be stored, before admission has seen it."""

from __future__ import annotations

import random
from typing import Any

from kube_actors.api.empty import complete, empty
from kube_actors.api.registry import Resource
from kube_actors.api.schema import decoding_error
from kube_actors.api.spelling import spell
from kube_actors.api.versioned_change import Versions
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.unattended import unattended
from kube_actors.writes import metadata, ownership
from kube_actors.writes.ownership import Author
from kube_actors.writes.request import Request

FRAME = frozenset({"apiVersion", "kind", "metadata", "status"})
FRAME_PARTS = ("metadata", "spec", "status")
STATUS_WRITES = ("status", "approval")
"""Subresources that write the status: `approval` is that of a CertificateSigningRequest's conditions."""


def prepare_create(request: Request, now: float, source: random.Random) -> None:
    """A new object: readable, with system metadata, without status, with defaults: what its author gives it."""
    read(request)
    metadata.start(request, now, source)
    request.key = request.key._replace(name=request.new["metadata"].get("name", ""))
    if request.resource.subresource("status") is not None and not request.hooks.keeps_first_status:
        request.new.pop("status", None)
    fill_frame(request)
    request.hooks.default(request.new)
    if warning := unattended(request.resource.id, request.resource.kind):
        request.warn(warning)


def complete_create(request: Request) -> None:
    """A new object of which it is settled what its author owns: with what its kind adds, which is nobody's."""
    request.hooks.prepare_create(request.new)


def fill_frame(request: Request) -> None:
    """An object of a kind with spec and status has both, empty if nobody says more."""
    root = request.resource.schema.root.object_type
    if root is not None and "spec" in root.always:
        request.new.setdefault("spec", {})
    if root is not None and "status" in root.always and request.new.get("status") is None:
        status = root.fields["status"].object_type
        request.new["status"] = {} if status is None else empty(status)


def prepare_update(request: Request, old: Body) -> None:
    """An update: readable, confined to its half of the object, with defaults; generation counted."""
    keep_other_half(request, old)
    read(request)
    fill_frame(request)
    metadata.carry_over(request)
    request.hooks.prepare_update(request.new, old, request.subresource)
    if content_changed(request.new, old):
        request.hooks.default(request.new)
    metadata.count_generation(request)


def _share_equal_parts(new: Body, old: Body) -> None:
    """Put the old values into the places of equal new ones, so that every later stage sees at once what is the same.

    Only for parts that no later stage changes in place.
    """
    for name, value in new.items():
        if type(value) is dict or type(value) is list:
            new[name] = _shared(value, old.get(name))


def _shared(value: Any, before: Any) -> Any:
    if value == before:
        return before
    if type(value) is dict:
        if type(before) is dict:
            _share_equal_parts(value, before)
    elif type(value) is list and type(before) is list and len(value) == len(before):
        value[:] = map(_shared, value, before)
    return value


def read(request: Request) -> None:
    """Refuse (400) what cannot be read as this kind; remember what else the schema finds. What nothing is wrong with is
    spelt as is usual, and has what is written though nobody says it.

    What is the very same value as before is not looked at: a status write only pays for the status.
    """
    new, old, schema = request.new, request.old, request.resource.schema
    found = schema.read(new, old)
    error = decoding_error(request.resource.api_version, request.resource.kind, found.causes)
    if error is not None:
        raise error
    request.causes = found.causes
    if found.has_nulls:
        schema.drop_nulls(new)
    if found.causes:
        return
    if not found.is_usual:
        changed = new if old is None else {name: new[name] for name in new if _differs(new, old, name)}
        new.update(spell(schema.root, changed))
    for struct, value in found.gaps:
        complete(struct, value)


def keep_other_half(request: Request, old: Body) -> None:
    """A write of the object leaves its status alone; a write of the status leaves everything else alone."""
    new = request.new
    if request.subresource in STATUS_WRITES:
        status, sent = new.get("status"), new["metadata"]
        new.clear()
        new.update(old)
        if isinstance(status, dict):
            _share_equal_parts(status, old.get("status") or {})
        _put(new, "status", status)
        new["metadata"] = dict(old["metadata"])
        for name in (*request.hooks.status_metadata, "managedFields"):
            if sent.get(name) != old["metadata"].get(name):
                _put(new["metadata"], name, sent.get(name))
    elif request.resource.subresource("status") is not None:
        _put(new, "status", old.get("status"))


def content_changed(new: Body, old: Body) -> bool:
    """Whether anything but metadata and status differs."""
    return any(_differs(new, old, name) for name in (new.keys() | old.keys()) - FRAME)


def record_owner(request: Request, author: Author, versions: Versions) -> None:
    """Write down who owns what this request changed. What every object has and its first status are nobody's."""
    new, old = request.new, request.old
    if old is None:
        ownership.record_create(new, author, versions, but=unowned_parts(request.resource, request.hooks))
        return
    missing = [name for name in FRAME_PARTS if isinstance(new.get(name), dict) and name not in old]
    before = {**{name: {} for name in missing}, **old} if missing else old
    ownership.record_update(before, new, author, versions)


def unowned_parts(resource: Resource, hooks: Hooks) -> tuple[str, ...]:
    """What the object's own path leaves alone, and so has no owner there."""
    status = () if resource.subresource("status") is None else ("status",)
    return (*status, "spec") if hooks.fixed_spec else status


def unchanged(new: Body, old: Body) -> bool:
    """Whether storing `new` would tell nobody anything: equal but for the times of managed fields."""
    if any(_differs(new, old, name) for name in (new.keys() | old.keys()) if name != "metadata"):
        return False
    return new["metadata"] == old["metadata"] or _timeless(new) == _timeless(old)


def _differs(new: Body, old: Body, name: str) -> bool:
    value, before = new.get(name), old.get(name)
    return value is not before and value != before


def _timeless(body: Body) -> Body:
    """The metadata without the times of its managed fields."""
    entries = [{**entry, "time": None} for entry in body["metadata"].get("managedFields") or []]
    return {**body["metadata"], "managedFields": entries}


def _put(body: Body, name: str, value: Any) -> None:
    if value is None:
        body.pop(name, None)
    else:
        body[name] = value
