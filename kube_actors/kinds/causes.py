"""Causes in Kubernetes' words: what is wrong with a field, as `kubectl` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kube_actors.errors import Cause


def invalid(field: str, value: Any, why: str) -> Cause:
    """`Invalid value: 0: must be greater than zero`."""
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    """`Required value: must specify a volume type`."""
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def duplicate(field: str, value: Any) -> Cause:
    """`Duplicate value: "web"`."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)


def forbidden(field: str, why: str) -> Cause:
    """`Forbidden: pod updates may not change fields other than …`."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def not_found(field: str, value: Any) -> Cause:
    """`Not found: "data"`."""
    return Cause("FieldValueNotFound", f"Not found: {shown(value)}", field)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """`Unsupported value: "x": supported values: "A", "B"`; in the order given, which is Kubernetes' for the field."""
    listed = ", ".join(f'"{each}"' for each in supported)
    return Cause("FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}", field)


def too_long(field: str, limit: int) -> Cause:
    """`Too long: may not be more than 262144 bytes`."""
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)


def too_many(field: str, count: int, limit: int) -> Cause:
    """`Too many: 65: must have at most 64 items`."""
    return Cause("FieldValueTooMany", f"Too many: {count}: must have at most {limit} items", field)


def immutable(field: str, value: Any) -> Cause:
    """`Invalid value: …: field is immutable`."""
    return invalid(field, value, "field is immutable")


def port(field: str, value: Any) -> list[Cause]:
    """A port from 1 to 65535."""
    fits = isinstance(value, int) and 1 <= value <= 65535
    return [] if fits or value is None else [invalid(field, value, "must be between 1 and 65535, inclusive")]


def shown(value: Any) -> str:
    """A value inside a message: compact JSON, strings quoted."""
    return "null" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
