"""What the objects of a kind may contain: navigation for those who merge, errors for those who write.

A `Schema` knows no kind. Its errors are in Kubernetes' words; those with the reasons `UNKNOWN_FIELD` and `WRONG_TYPE`
are decoding errors (400 in Kubernetes, see `decoding_error`), the others make an object invalid (422).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kube_actors.api.empty import empty
from kube_actors.api.types import UNSET, Kind, Node
from kube_actors.api.validation import (
    INVALID,
    NOT_SUPPORTED,
    REQUIRED,
    UNKNOWN_FIELD,
    WRONG_TYPE,
    Reading,
    check,
)
from kube_actors.errors import MOST_CAUSES, ApiError, Cause, bad_request

__all__ = [
    "INVALID",
    "NOT_SUPPORTED",
    "REQUIRED",
    "UNKNOWN_FIELD",
    "WRONG_TYPE",
    "Kind",
    "Node",
    "Path",
    "Schema",
    "decoding_error",
    "parse_path",
]

Path = tuple[str | int, ...]

_SEGMENT = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\[([^\]]*)\]")


def parse_path(text: str) -> Path:
    """`$.spec.containers[0].image` -> `("spec", "containers", 0, "image")`.

    The leading `$` may be left out. Keys with dots stand in brackets, with or without quotes: `metadata.labels[a.b/c]`.
    ValueError when the text is not a path.
    """
    segments: list[str | int] = []
    at = 1 if text.startswith("$") else 0
    while at < len(text):
        match = _SEGMENT.match(text, at)
        if match is None:
            raise ValueError(f"not a path: {text!r}")
        name, index, quoted, key = match.groups()
        names = (name, quoted, key)
        segments.append(int(index) if index is not None else next(each for each in names if each is not None))
        at = match.end()
    return tuple(segments)


class Schema:
    """The schema of one kind; `root` describes the whole object."""

    def __init__(self, root: Node) -> None:
        self.root = root

    def node(self, path: str | Path) -> Node | None:
        """What stands at a path (`"spec.template"` or `("spec", "template")`); None where nothing is known."""
        node: Node | None = self.root
        for segment in parse_path(path) if isinstance(path, str) else path:
            if node is None:
                return None
            node = node.child(segment)
        return node

    def validate(self, body: Any, old: Mapping[str, Any] | None = None) -> list[Cause]:
        """Every error of an object, in the order of its fields; empty when it is well formed.

        With `old`, the object as it was before, parts that equal it are not looked at again: a status write then costs
        little more than comparing the rest. Null counts as absent. Required fields are not asked for below the
        object's own `status`: those who report it write what they know.
        """
        return self.read(body, old).causes

    def read(self, body: Any, old: Mapping[str, Any] | None = None) -> Reading:
        """What `validate` finds, and what else there is to do with what it looked at."""
        return check(self.root, body, old)

    def drop_nulls(self, body: dict[str, Any]) -> None:
        """Remove fields that are null, in place: for Kubernetes they were never there (`creationTimestamp: null`).

        A key of a map and an item of a list stay, with what Go has where nothing was set (`data: {empty: null}` is the
        empty text). Null stays where that is what is written when nothing was set, and inside values that are kept as
        they are (`RawExtension`).
        """
        _drop_nulls(self.root, body)


def _unset_item(node: Node | None) -> Any:
    """What stands in a map or list where nothing was set; None for a map without such an item."""
    if node is None:
        return None
    if node.object_type is not None:
        return empty(node.object_type)
    return "" if node.kind is Kind.BYTES else UNSET.get(node.kind)


def _drop_nulls(node: Node, value: Any) -> None:
    if node.preserves_unknown:
        return
    if isinstance(value, dict):
        nullable = () if node.object_type is None else node.object_type.nullable
        for key in [key for key, item in value.items() if item is None and key not in nullable]:
            if node.kind is Kind.MAP and (unset := _unset_item(node.items)) is not None:
                value[key] = unset
            else:
                del value[key]
        for key, item in value.items():
            if isinstance(item, (dict, list)) and (child := node.child(key)) is not None:
                _drop_nulls(child, item)
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            if item is None:
                value[index] = _unset_item(node.items)
            elif isinstance(item, (dict, list)):
                _drop_nulls(node.items, item)


def decoding_error(api_version: str, kind: str, causes: Iterable[Cause]) -> ApiError | None:
    """The 400 that Kubernetes answers when an object cannot be read as its kind; None when none of the causes says so.

    `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo"`.
    """
    causes = tuple(causes)
    wrong = [cause for cause in causes if cause.reason == WRONG_TYPE][:MOST_CAUSES]
    unknown = [cause for cause in causes if cause.reason == UNKNOWN_FIELD][:MOST_CAUSES]
    if not wrong and not unknown:
        return None
    listed = [cause.message for cause in wrong]
    if unknown:
        listed.append("strict decoding error: " + ", ".join(cause.message for cause in unknown))
    version = api_version.rpartition("/")[2]
    message = f'{kind} in version "{version}" cannot be handled as a {kind}: {", ".join(listed)}'
    return bad_request(message, causes=[*wrong, *unknown])
