"""LIST: the bytes of stored objects in a row, without parsing one of them, or the same as a Table or metadata alone."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from kube_actors.api.codecs import json
from kube_actors.server.call import Call
from kube_actors.server.http import Full
from kube_actors.server.reading.accept import META, Accepted
from kube_actors.server.reading.list_options import list_options
from kube_actors.server.reading.negotiation import (
    encoded,
    include_object,
    negotiate,
    not_acceptable,
    partial,
    served,
)
from kube_actors.server.reading.paging import BATCH, Page, page_of
from kube_actors.server.reading.selection import selection_of
from kube_actors.store import Revision

Pieces = tuple[bytes, ...]
ROWS = 64
"""Rows of a Table made between two checkpoints: two or three milliseconds' work."""


async def list_objects(call: Call) -> Full:
    """The objects of a resource, in a namespace or in all of them, in order of namespace and name.

    ApiError 406, 400 and 422 for parameters that make no sense, 410 for what is too long ago, 504 for what has not
    happened yet.
    """
    accepted = negotiate(call.request)
    options = list_options(call.request, watch=False)
    store = call.api.store
    page = await page_of(store, selection_of(call, options), options)
    await store.durable(page.revision)
    return await represent_list(call, page, accepted)


async def represent_list(call: Call, page: Page, accepted: Accepted) -> Full:
    """A page in the form that the call accepts. ApiError 406 for the metadata of one object."""
    if accepted.kind == "partial":
        what = f"the requested object is a list ({call.row.kind}List)"
        raise not_acceptable(f"you requested PartialObjectMetadata, but {what}")
    if accepted.kind == "table":
        pieces = await _table(call, accepted, page)
    else:
        pieces = _list(call, accepted, page, await _items(call, accepted, page.revisions))
    return await _answer(accepted, pieces)


async def _answer(accepted: Accepted, pieces: Pieces) -> Full:
    """The pieces as they are, or rewritten for people, which takes long enough to be done in a thread."""
    if accepted == Accepted(accepted.kind, accepted.version):
        return Full(200, pieces)
    return await trio.to_thread.run_sync(encoded, accepted, b"".join(pieces))


async def _items(call: Call, accepted: Accepted, revisions: Sequence[Revision]) -> list[bytes]:
    """Each object as it is to be sent."""
    row = call.row
    is_stored_form = call.api.registry.storage_of(row) is row
    if accepted.kind == "object" and is_stored_form:
        return [each.raw for each in revisions]
    items: list[bytes] = []
    for index, each in enumerate(revisions):
        items.append(served(each, row) if accepted.kind == "object" else partial(each, accepted.version))
        if index % BATCH == BATCH - 1:
            await trio.lowlevel.checkpoint()
    return items


def _list(call: Call, accepted: Accepted, page: Page, items: list[bytes]) -> Pieces:
    kind, api_version = f"{call.row.kind}List", call.row.api_version
    if accepted.kind == "partial_list":
        kind, api_version = "PartialObjectMetadataList", f"{META}/{accepted.version}"
    metadata = json.dumps(page.metadata)
    pieces = [b","] * (2 * len(items) or 1)
    pieces[0] = b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":[' % (
        kind.encode(),
        api_version.encode(),
        metadata,
    )
    pieces[1::2] = items
    return (*pieces, b"]}\n")


async def _table(call: Call, accepted: Accepted, page: Page) -> Pieces:
    from kube_actors.server.tables import table_parts  # most programs never ask for a table

    parts = table_parts(
        call.row,
        page.revisions,
        call.api.session.now,
        version=accepted.version,
        include_object=include_object(call.request),
        list_metadata=page.metadata,
    )
    pieces: list[bytes] = []
    for index, part in enumerate(parts):
        pieces.append(part)
        if index % ROWS == ROWS - 1:
            await trio.lowlevel.checkpoint()
    return tuple(pieces)
