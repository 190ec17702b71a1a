"""The three patch formats of the API: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch.

Every function is pure: neither the body nor the patch is changed, and unchanged subtrees are shared with the result.
A patch that cannot be read raises 400 `BadRequest`; one that does not fit the object raises 422 `Invalid`.
"""

from __future__ import annotations

import re
from typing import Any

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError, bad_request

MAXIMUM_OPERATIONS = 10_000
MAXIMUM_COPIED = 3 << 20
"""Bytes of JSON that the copies of one patch may add up to: each may double the object."""
_MISSING = object()
_INDEX = re.compile(r"[+-]?[0-9]{1,18}")


def merge_patch(body: Any, patch: Any) -> Any:
    """RFC 7386: objects are merged member by member, `null` removes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(body) if isinstance(body, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def json_patch(body: Any, operations: Any) -> Any:
    """RFC 6902: `operations` in order, all or nothing."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch must be a list of operations")
    if len(operations) > MAXIMUM_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAXIMUM_OPERATIONS}, got {len(operations)}"
        raise ApiError("RequestEntityTooLarge", 413, message)
    document, copied = clone(body), 0
    for operation in operations:
        if isinstance(operation, dict) and operation.get("op") == "copy":
            copied += len(json.dumps(_get(document, _pointer(operation, "from"), "copy")))
            if copied > MAXIMUM_COPIED:
                raise _too_much_copied(copied)
        document = _perform(document, operation)
    return document


def clone(value: Any) -> Any:
    """A copy of a JSON value that shares no container with it."""
    if isinstance(value, dict):
        return {name: clone(member) for name, member in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; unlike Python, `true` is not `1`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)


def _perform(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise bad_request("each operation of a JSON patch must be an object")
    path = _pointer(operation, "path")
    match operation.get("op"):
        case "add":
            return _add(document, path, clone(_value(operation)))
        case "remove":
            return _remove(document, path)[0]
        case "replace":
            if not path:
                return clone(_value(operation))
            parent, step = _parent(document, path, "replace")
            parent[step] = clone(_value(operation))
            return document
        case "move":
            source = _pointer(operation, "from")
            if path[: len(source)] == source and path != source:
                raise _does_not_fit("move", path, "a value cannot be moved into itself")
            document, value = _remove(document, source)
            return _add(document, path, value)
        case "copy":
            return _add(document, path, clone(_get(document, _pointer(operation, "from"), "copy")))
        case "test":
            found = _get(document, path, "test", missing=None)
            if not same_json(found, operation.get("value")):
                raise _does_not_fit("test", path, "the value is another one")
            return document
        case other:
            raise rejected(f"unknown operation {other!r}: use add, remove, replace, move, copy or test")


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise rejected(f"the operation {operation.get('op')!r} of a JSON patch needs a value")
    return operation["value"]


def _pointer(operation: dict[str, Any], member: str) -> list[str]:
    text = operation.get(member)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise rejected(
            f'the member {member!r} of a JSON patch operation must be a JSON pointer such as "/spec/replicas"'
        )
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _does_not_fit(operation: str, path: list[str], why: str) -> ApiError:
    place = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
    return rejected(f'{operation} operation does not apply: "{place}": {why}')


def rejected(why: str) -> ApiError:
    """422 for a patch that can be read but not carried out."""
    return ApiError("Invalid", 422, f"the server rejected our request due to an error in our request: {why}")


def _too_much_copied(size: int) -> ApiError:
    why = f"the accumulated size increase of copy is {size}, exceeding the limit {MAXIMUM_COPIED}"
    return ApiError("Invalid", 422, f"Unable to copy, {why}")


def _index(items: list[Any], step: str, path: list[str], operation: str, *, end: bool = False) -> int:
    """The list index that a pointer's step means; `end` also allows the place after the last item.

    As in Kubernetes, and against RFC 6901, a negative number counts from the end, and zeros may lead it.
    """
    if step == "-" and end:
        return len(items)
    if _INDEX.fullmatch(step) is None:
        raise _does_not_fit(operation, path, f"{step!r} is not a list index")
    index, size = int(step), len(items) + end
    if not -size <= index < size:
        raise _does_not_fit(operation, path, f"the list has {len(items)} items")
    return index % size


def _get(document: Any, path: list[str], operation: str, *, missing: Any = _MISSING) -> Any:
    """The value at `path`; `missing`, when given, stands for a last member that is not there, as in Kubernetes."""
    for depth, step in enumerate(path):
        if isinstance(document, list):
            document = document[_index(document, step, path, operation)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, dict) and missing is not _MISSING and depth == len(path) - 1:
            return missing
        else:
            raise _does_not_fit(operation, path, "missing path")
    return document


def _parent(document: Any, path: list[str], operation: str) -> tuple[Any, Any]:
    """The container and key of an existing value."""
    container = _get(document, path[:-1], operation)
    if isinstance(container, list):
        return container, _index(container, path[-1], path, operation)
    if isinstance(container, dict) and path[-1] in container:
        return container, path[-1]
    raise _does_not_fit(operation, path, "missing value")


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    container = _get(document, path[:-1], "add")
    if isinstance(container, list):
        container.insert(_index(container, path[-1], path, "add", end=True), value)
    elif isinstance(container, dict):
        container[path[-1]] = value
    else:
        raise _does_not_fit("add", path, "its parent is neither an object nor a list")
    return document


def _remove(document: Any, path: list[str]) -> tuple[Any, Any]:
    """The document without the value at `path`, and that value."""
    if not path:
        return None, document
    container, step = _parent(document, path, "remove")
    value = container[step]
    del container[step]
    return document, value
