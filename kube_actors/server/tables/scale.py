"""The Table of a Scale, which stands for objects of many kinds and is none itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.registry import Column
from kube_actors.kinds.columns.words import age
from kube_actors.server.tables.definitions import definition
from kube_actors.server.tables.rows import IncludeObject

_COLUMNS: Final = (
    Column("Name"),
    Column("Desired", type="integer"),
    Column("Available", type="integer"),
    Column("Age"),
)


def scale_table(scale: Mapping[str, Any], now: float, *, version: str, include_object: IncludeObject) -> bytes:
    """A Table of `meta.k8s.io/<version>` with one row: how many replicas there should be, and are, at `now`."""
    metadata, spec, status = scale["metadata"], scale.get("spec") or {}, scale.get("status") or {}
    cells = [metadata["name"], spec.get("replicas", 0), status.get("replicas", 0), age(scale, now)]
    shown: Mapping[str, Any] | None = scale
    if include_object == "Metadata":
        shown = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}
    elif include_object == "None":
        shown = None
    return json.dumps(
        {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": {"resourceVersion": metadata["resourceVersion"]},
            "columnDefinitions": [definition(column, is_name=column.name == "Name") for column in _COLUMNS],
            "rows": [{"cells": cells, "object": shown}],
        }
    )
