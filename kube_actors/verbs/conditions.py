"""What `wait --for` can wait for: conditions, JSONPath values, creation and deletion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.jsonpath import JsonPathError, parse_path, plain

_CONDITION = re.compile(r"condition=([^=]+)(?:=(.*))?", re.IGNORECASE)
_JSONPATH = re.compile(r"jsonpath=(\{.*\}|'\{.*\}'|[^{=]+)(?:=(.*))?", re.DOTALL)
KNOWN = ("condition=NAME[=STATUS]", "jsonpath=EXPRESSION[=VALUE]", "create", "delete")


@frozen
class Condition:
    """`met` judges an object, None being none; `needs_object`: waiting for one that is not there is an error."""

    text: str
    met: Callable[[Revision | None], bool]
    needs_object: bool = True


def parse_condition(text: str) -> Condition:
    """Read the value of `--for`. UsageError."""
    lowered = text.lower()
    if lowered == "delete":
        return Condition(text, lambda revision: revision is None, needs_object=False)
    if lowered == "create":
        return Condition(text, lambda revision: revision is not None, needs_object=False)
    if match := _CONDITION.fullmatch(text):
        name, status = match[1], "true" if match[2] is None else match[2]
        return Condition(text, lambda revision: revision is not None and _has(revision.body(), name, status))
    if match := _JSONPATH.fullmatch(text):
        return Condition(text, _value_condition(match[1].strip("'"), match[2]))
    raise UsageError(f'unrecognized condition: "{text}", one of {", ".join(KNOWN)} is wanted')


def _has(body: Mapping[str, Any], name: str, wanted: str) -> bool:
    """Whether a condition has a status; one about an older generation of the object does not count yet."""
    generation = body["metadata"].get("generation", 0)
    status = body.get("status") or {}
    observed = status.get("observedGeneration")
    if isinstance(observed, int) and observed < generation:
        return False
    for condition in status.get("conditions") or ():
        if str(condition.get("type", "")).lower() != name.lower():
            continue
        seen = condition.get("observedGeneration")
        if isinstance(seen, int) and seen < generation:
            return False
        return str(condition.get("status", "")).lower() == wanted.lower()
    return False


def _value_condition(expression: str, wanted: str | None) -> Callable[[Revision | None], bool]:
    try:
        path = parse_path(expression)
    except JsonPathError as error:
        raise UsageError(f"error parsing jsonpath {expression}, {error}") from None
    if wanted is not None:
        wanted = wanted.strip("'\"")

    def met(revision: Revision | None) -> bool:
        if revision is None:
            return False
        values = path.values(revision.body())
        if wanted is None:
            return bool(values)
        return len(values) == 1 and plain(values[0]) == wanted

    return met
