"""The first stage, pure: from what was asked to what would be stored, before admission has seen it."""

from __future__ import annotations

import random
from typing import Any

from kube_actors.api.schema import decoding_error
from kube_actors.kinds.hooks import Body
from kube_actors.writes import metadata, ownership
from kube_actors.writes.ownership import Author
from kube_actors.writes.request import Request

FRAME = frozenset({"apiVersion", "kind", "metadata", "status"})


def prepare_create(request: Request, now: float, source: random.Random) -> None:
    """A new object: readable, with system metadata, without status, with defaults."""
    read(request)
    metadata.start(request, now, source)
    request.key = request.key._replace(name=request.new["metadata"].get("name", ""))
    if request.resource.subresource("status") is not None:
        request.new.pop("status", None)
    request.hooks.prepare_create(request.new)
    request.hooks.default(request.new)


def prepare_update(request: Request, old: Body) -> None:
    """An update: readable, confined to its half of the object, with defaults; generation counted."""
    read(request)
    metadata.carry_over(request)
    keep_other_half(request, old)
    request.hooks.prepare_update(request.new, old, request.subresource)
    if content_changed(request.new, old):
        request.hooks.default(request.new)
    metadata.count_generation(request)


def read(request: Request) -> None:
    """Refuse (400) what cannot be read as this kind; remember what else the schema finds."""
    schema = request.resource.schema
    found = schema.validate(request.new, request.old)
    error = decoding_error(request.resource.api_version, request.resource.kind, found)
    if error is not None:
        raise error
    schema.drop_nulls(request.new)
    request.causes = found


def keep_other_half(request: Request, old: Body) -> None:
    """A write of the object leaves its status alone; a write of the status leaves everything else alone."""
    new = request.new
    if request.subresource == "status":
        status, sent = new.get("status"), new["metadata"]
        new.clear()
        new.update(old)
        _put(new, "status", status)
        new["metadata"] = dict(old["metadata"])
        for name in (*request.hooks.status_metadata, "managedFields"):
            _put(new["metadata"], name, sent.get(name))
    elif request.resource.subresource("status") is not None:
        _put(new, "status", old.get("status"))


def content_changed(new: Body, old: Body) -> bool:
    """Whether anything but metadata and status differs."""
    return any(new.get(name) != old.get(name) for name in (new.keys() | old.keys()) - FRAME)


def record_owner(request: Request, author: Author) -> None:
    """Write down who owns what this request changed. The frame of a new object and its first status are the system's."""
    new, old = request.new, request.old
    if old is None:
        old = {name: {} for name in FRAME | {"spec"} if isinstance(new.get(name), dict)}
        if "status" in new and request.resource.subresource("status") is not None:
            old["status"] = new["status"]
    ownership.record_update(old, new, author, request.resource.schema)


def unchanged(new: Body, old: Body) -> bool:
    """Whether storing `new` would tell nobody anything: equal but for the times of managed fields."""
    if new == old:
        return True
    return _timeless(new) == _timeless(old)


def _timeless(body: Body) -> Body:
    entries = [{**entry, "time": None} for entry in body["metadata"].get("managedFields") or []]
    return {**body, "metadata": {**body["metadata"], "managedFields": entries}}


def _put(body: Body, name: str, value: Any) -> None:
    if value is None:
        body.pop(name, None)
    else:
        body[name] = value
