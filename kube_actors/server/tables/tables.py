"""A Table: the columns of a kind, and a row for each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kube_actors.api.codecs import json
from kube_actors.api.registry import Resource
from kube_actors.server.tables.definitions import column_definitions
from kube_actors.server.tables.rows import IncludeObject, Rows
from kube_actors.store import Revision


def table_of(
    resource: Resource,
    revisions: Iterable[Revision],
    now: float,
    *,
    version: str = "v1",
    include_object: IncludeObject = "Metadata",
    list_metadata: Mapping[str, Any] | None = None,
    headers: bool = True,
) -> bytes:
    """A Table of `meta.k8s.io/<version>` with a row for each revision, in their order.

    `resource` is the row of the registry in the version of the request. `list_metadata` is the metadata of the list
    (or, for one object, its resourceVersion). Without `headers` the columns are left out, as in every event of a watch
    after the first. `now` is cluster time, in seconds.
    """
    return b"".join(
        table_parts(
            resource,
            revisions,
            now,
            version=version,
            include_object=include_object,
            list_metadata=list_metadata,
            headers=headers,
        )
    )


def table_parts(
    resource: Resource,
    revisions: Iterable[Revision],
    now: float,
    *,
    version: str = "v1",
    include_object: IncludeObject = "Metadata",
    list_metadata: Mapping[str, Any] | None = None,
    headers: bool = True,
) -> Iterator[bytes]:
    """The same bytes in pieces: the head, one for each row, the end."""
    definitions = column_definitions(resource) if headers else b"null"
    yield b'{"kind":"Table","apiVersion":"meta.k8s.io/%s","metadata":%s,"columnDefinitions":%s,"rows":[' % (
        version.encode(),
        json.dumps(dict(list_metadata or {})),
        definitions,
    )
    rows = Rows(resource, now, version, include_object)
    for index, revision in enumerate(revisions):
        row = rows.row(revision)
        yield b"," + row if index else row
    yield b"]}"
