"""Events of a watch as bytes: a line of JSON each, around the bytes of the stored object.

A line is three pieces, the middle one being the object as it is stored. Watchers that read the same stretch of the
store's log send the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.registry import Resource
from kube_actors.errors import ApiError
from kube_actors.records import define
from kube_actors.server.call import Call
from kube_actors.server.reading.accept import META, Accepted
from kube_actors.server.reading.negotiation import include_object, partial, served
from kube_actors.store import Batch, Revision, WatchEvent

INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
_BEGIN: Final[Mapping[str, bytes]] = {
    kind: b'{"type":"%s","object":' % kind.encode() for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
}
_END: Final = b"}\n"
_PIECES: Final = 3
"""Pieces of a line."""
_JOINED: Final = 128 << 10
"""Bytes of lines that are joined, and shared by all who read the same events."""

Encode = Callable[[Revision], bytes]


@define(eq=False)
class Lines:
    """Turns the events of one watch into bytes. `encode` makes an object's form, None: as it is stored.

    `form` names what is made, where it is the same for everybody who reads the same events; it is made once then.
    """

    form: str | None
    encode: Encode | None
    bookmark: Callable[[dict[str, Any]], bytes]

    def parts(self, events: Batch) -> Iterator[bytes | tuple[bytes, ...]]:
        """The lines of the events: joined when they are short, else in parts of whole lines that copy no object, for a
        client that does not read keeps what it is being sent."""
        made = None if self.form is None else events.forms.get(self.form)
        if made is not None:
            yield made
            return
        pieces: list[bytes] = []
        size = 0
        for position, event in enumerate(events, 1):
            body = self._object(event)
            pieces += (_BEGIN[event.type], body, _END)
            size += len(body)
            if size > _JOINED:
                yield tuple(pieces)
                pieces, size = [], 0
            elif position == len(events):
                text = b"".join(pieces)
                if self.form is not None and len(pieces) == len(events) * _PIECES:
                    events.forms[self.form] = text
                yield text

    def _object(self, event: WatchEvent) -> bytes:
        revision = event.revision
        if revision is None:
            return self.bookmark(bookmark_metadata(event))
        return revision.raw if self.encode is None else self.encode(revision)


def error_line(error: ApiError) -> bytes:
    """The last line of a watch that cannot go on: its Status."""
    return b"".join((_BEGIN["ERROR"], json.dumps(error.status()), _END))


def bookmark_metadata(event: WatchEvent) -> dict[str, Any]:
    """The metadata of a bookmark: the revision reached, and whether the initial events end here."""
    metadata: dict[str, Any] = {"resourceVersion": str(event.resource_version)}
    if event.initial_events_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    return metadata


def lines_of(call: Call, accepted: Accepted) -> Lines:
    """How the call's events are written. ApiError 400 for an unknown `includeObject`."""
    row = call.row
    match accepted.kind:
        case "table":
            tables = _Tables(call, accepted)
            return Lines(None, tables.table, tables.bookmark)
        case "partial" | "partial_list":
            version = accepted.version
            bookmark = _bookmark_of(f"{META}/{version}", "PartialObjectMetadata")
            return Lines(f"{META}/{version}", lambda revision: partial(revision, version), bookmark)
    bookmark = _bookmark_of(row.api_version, row.kind)
    if call.api.registry.storage_of(row) is row:
        return Lines(row.api_version, None, bookmark)
    return Lines(row.api_version, lambda revision: served(revision, row), bookmark)


def _bookmark_of(api_version: str, kind: str) -> Callable[[dict[str, Any]], bytes]:
    """Bookmarks are objects of the watched kind that have metadata only."""
    return lambda metadata: json.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})


class _Tables:
    """Tables of one row; the columns stand in the first only."""

    def __init__(self, call: Call, accepted: Accepted) -> None:
        from kube_actors.server.tables import table_of  # most programs never ask for a table

        self._table_of = table_of
        self._call = call
        self._resource: Resource = call.row
        self._version = accepted.version
        self._include_object = include_object(call.request)
        self._headers = True

    def table(self, revision: Revision) -> bytes:
        """The object's row."""
        return self._made([revision], {"resourceVersion": str(revision.resource_version)})

    def bookmark(self, metadata: dict[str, Any]) -> bytes:
        """A Table whose one row carries the bookmark as its object."""
        table = json.loads_trusted(self._made([], metadata))
        body = {"kind": "PartialObjectMetadata", "apiVersion": f"{META}/{self._version}", "metadata": metadata}
        table["rows"] = [{"cells": [], "object": body}]
        return json.dumps(table)

    def _made(self, revisions: list[Revision], metadata: dict[str, Any]) -> bytes:
        headers, self._headers = self._headers, False
        return self._table_of(
            self._resource,
            revisions,
            self._call.api.session.now,
            version=self._version,
            include_object=self._include_object,
            list_metadata=metadata,
            headers=headers,
        )
