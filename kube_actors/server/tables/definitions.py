"""The columns of a kind as a Table describes them."""

from __future__ import annotations

import functools

from kube_actors.api.codecs import json
from kube_actors.api.registry import Column, Resource
from kube_actors.server.tables.descriptions import DESCRIPTIONS

# Columns whose cells are names of objects, beside those that are called so.
_OTHER_NAMES = frozenset({("volumeattachments.storage.k8s.io", "Attacher")})


def column_definitions(resource: Resource) -> bytes:
    """The list `columnDefinitions` as JSON; made once for each kind."""
    return _definitions(resource.id, resource.columns)


@functools.cache
def _definitions(resource_id: str, columns: tuple[Column, ...]) -> bytes:
    return json.dumps(
        [
            definition(column, is_name=column.name == "Name" or (resource_id, column.name) in _OTHER_NAMES)
            for column in columns
        ]
    )


def definition(column: Column, *, is_name: bool) -> dict[str, str | int]:
    """One column; `is_name` when its cells are names of objects."""
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if is_name else "",
        "description": DESCRIPTIONS.get(column.name, ""),
        "priority": 1 if column.wide else 0,
    }
