"""Texts about types and fields, from the package `kubernetes-validate` where it is installed (the extra `explain`)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kube_actors.api.codecs import json

Descriptions = Mapping[tuple[str, str], str]
"""(full name of a type, field or "" for the type itself) -> text."""

_MINOR: Final = re.compile(r"v1\.36\.(\d+)-local")


def source() -> Path | None:
    """The file with the texts; None when the package is not installed or knows nothing of this version."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        return None
    found = [
        (int(match[1]), each)
        for each in (Path(spec.origin).parent / "kubernetes-json-schema").glob("v1.36.*-local")
        if (match := _MINOR.fullmatch(each.name))
    ]
    path = max(found)[1] / "_definitions.json" if found else None
    return path if path is not None and path.exists() else None


def load() -> Descriptions:
    """All texts; empty without the package. Reading takes some 20 ms: who needs them lets go of them afterwards."""
    path = source()
    if path is None:
        return {}
    found: dict[tuple[str, str], str] = {}
    for name, definition in json.loads_trusted(path.read_bytes())["$defs"].items():
        if definition.get("description"):
            found[name, ""] = definition["description"]
        for field, schema in definition.get("properties", {}).items():
            if schema.get("description"):
                found[name, field] = schema["description"]
    return found
