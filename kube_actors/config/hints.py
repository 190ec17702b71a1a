"""What a schema found wrong, told to the person who wrote the file, and what they may have meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kube_actors.api.schema import NOT_SUPPORTED, UNKNOWN_FIELD, WRONG_TYPE, Kind, Path, Schema, parse_path
from kube_actors.errors import Cause
from kube_actors.kinds.causes import shown
from kube_actors.text import did_you_mean, nearest

_EXPECTED: Final[Mapping[Kind, str]] = {
    Kind.OBJECT: "an object (fields, indented below)",
    Kind.MAP: "an object (keys and values)",
    Kind.LIST: "a list",
    Kind.STRING: "text (quote it if it looks like something else)",
    Kind.INT32: "a whole number",
    Kind.INT64: "a whole number",
    Kind.BOOL: "true or false",
    Kind.DOUBLE: "a number",
    Kind.QUANTITY: "a quantity such as 500m or 64Mi",
    Kind.INT_OR_STRING: "a whole number or text",
    Kind.TIME: "a time such as 2025-01-31T12:00:00Z",
    Kind.MICRO_TIME: "a time such as 2025-01-31T12:00:00.000000Z",
    Kind.BYTES: "base64 text",
}
_FOUND: Final[Mapping[type, str]] = {dict: "an object", list: "a list"}
_FOUND_HIDDEN: Final[Mapping[type, str]] = {str: "other text", bool: "true or false", **_FOUND}


def wording(schema: Schema, cause: Cause, value: object, *, hidden: bool = False) -> str:
    """The message of a cause; for a wrong type what was expected and found, where Kubernetes speaks of Go's types.

    `hidden`: the value is nobody's business (a password in a Secret); only its type is told.
    """
    node = schema.node(cause.field) if cause.reason == WRONG_TYPE and cause.field else None
    expected = _EXPECTED.get(node.kind) if node is not None else None
    if expected is None:
        return cause.message
    found = _FOUND_HIDDEN.get(type(value), "a number") if hidden else _FOUND.get(type(value)) or shown(value)
    return f"expected {expected}, found {found}"


def hint_for(schema: Schema, cause: Cause, value: object = None) -> str | None:
    """`did you mean "replicas"?` for an unknown field, or for a `value` that is none of the allowed words."""
    try:
        path = parse_path(cause.field)
    except ValueError:
        return None
    if not path:
        return None
    if cause.reason == UNKNOWN_FIELD:
        parent = schema.node(path[:-1])
        return did_you_mean(str(path[-1]), parent.fields) if parent is not None else None
    if cause.reason == NOT_SUPPORTED and isinstance(value, str):
        node = schema.node(path)
        # Where only some of the words are allowed (restartPolicy of a Deployment), the value may be one of the others.
        return did_you_mean(value, node.enum) if node is not None and value not in node.enum else None
    return None


def meant_field(schema: Schema, cause: Cause) -> str | None:
    """The path of the field that an unknown one was probably meant to be: `spec.replicas` for `spec.replcas`."""
    holder, dot, name = cause.field.rpartition(".")
    try:
        parent = schema.node(holder) if cause.reason == UNKNOWN_FIELD else None
    except ValueError:
        return None
    near = nearest(name, parent.fields) if parent is not None else None
    return None if near is None else f"{holder}{dot}{near}"


def value_at(body: object, path: str | Path) -> object:
    """The value at a path (of a cause, say), None where there is none."""
    if isinstance(path, str):
        try:
            path = parse_path(path)
        except ValueError:
            return None
    for segment in path:
        if isinstance(body, dict):
            body = body.get(segment)
        elif isinstance(body, list) and isinstance(segment, int) and segment < len(body):
            body = body[segment]
        else:
            return None
    return body
