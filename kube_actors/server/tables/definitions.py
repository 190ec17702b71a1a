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
    return json.dumps([_definition(resource_id, column) for column in columns])


def _definition(resource_id: str, column: Column) -> dict[str, str | int]:
    is_name = column.name == "Name" or (resource_id, column.name) in _OTHER_NAMES
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if is_name else "",
        "description": DESCRIPTIONS.get(column.name, ""),
        "priority": 1 if column.wide else 0,
    }
