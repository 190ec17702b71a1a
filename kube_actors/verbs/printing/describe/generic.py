"""Any other kind: every field, with names as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.verbs.printing.describe.facts import Facts
from kube_actors.verbs.printing.describe.parts import describe_labels
from kube_actors.verbs.printing.sheet import NONE, Sheet

_TOLD = frozenset({"name", "namespace", "labels", "annotations", "managedFields"})
_SHORT = {"Api": "API", "Uid": "UID", "Url": "URL", "Uri": "URI", "Ip": "IP", "Cidr": "CIDR", "Id": "ID"}


def describe_any(sheet: Sheet, facts: Facts) -> None:
    """An object of any kind."""
    body = facts.body
    metadata = body["metadata"]
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    describe_labels(sheet, metadata)
    sheet.value("API Version", body.get("apiVersion", ""))
    sheet.value("Kind", body.get("kind", ""))
    sheet.line("Metadata:")
    _describe_fields(sheet, {key: value for key, value in metadata.items() if key not in _TOLD}, 1)
    _describe_fields(sheet, {key: body[key] for key in body if key not in ("apiVersion", "kind", "metadata")}, 0)


def title(field: str) -> str:
    """`podCIDR` → `Pod CIDR`, `apiVersion` → `API Version`."""
    words = re.findall(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+|[^A-Za-z0-9]+", field)
    words = [word if word.isupper() else word[0].upper() + word[1:] for word in words if word.strip()]
    return " ".join(_SHORT.get(word, word) for word in words) if field.isalnum() else field


def _describe_fields(sheet: Sheet, fields: Mapping[str, Any], level: int) -> None:
    for field in sorted(fields):
        value = fields[field]
        if isinstance(value, Mapping):
            sheet.line(f"{title(field)}:", level)
            _describe_fields(sheet, value, level + 1)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            _describe_items(sheet, title(field), value, level)
        else:
            sheet.value(title(field), _plain(value), level)


def _describe_items(sheet: Sheet, name: str, items: Sequence[Any], level: int) -> None:
    if not items:
        sheet.value(name, NONE, level)
        return
    sheet.line(f"{name}:", level)
    for item in items:
        if isinstance(item, Mapping):
            _describe_fields(sheet, item, level + 1)
        else:
            sheet.line(_plain(item), level + 1)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else NONE if value is None else str(value)
