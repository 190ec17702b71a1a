"""JSON: one canonical form of an object, and strict reading. The only module that imports orjson."""

from __future__ import annotations

import json as standard_json
from collections.abc import Callable
from typing import Any, Final

import orjson

from kube_actors.errors import bad_request

MAX_DEPTH: Final = 200
"""How deep an object may nest. orjson writes no deeper than 254, and no Kubernetes object comes near this."""


def dumps(body: Any) -> bytes:
    """The canonical form: UTF-8, no blanks, keys sorted by code point. Equal values give equal bytes.

    Raises TypeError for what JSON cannot hold (a key that is no string, an integer beyond 64 bits).
    """
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def dumps_to_keep(body: Any) -> bytes:
    """As `dumps`, for what stays in memory: orjson's own bytes keep the room they were written in, 8 KiB for a small
    object."""
    return bytes(memoryview(dumps(body)))


def dumps_as_given(body: Any) -> bytes:
    """UTF-8, no blanks, keys in the order they were put in."""
    return orjson.dumps(body)


def dumps_line(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """One line of a log or a trace: keys in the order given, a line feed at the end. Keys that are no text become text.

    `default` turns what JSON cannot hold into something it can.
    """
    return orjson.dumps(value, default=default, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)


def dumps_pretty(body: Any) -> str:
    """For people: indented by four as `kubectl -o json`, keys sorted, unescaped Unicode."""
    return standard_json.dumps(body, indent=4, sort_keys=True, ensure_ascii=False)


def dumps_indented(body: Any) -> bytes:
    """For people who look at an answer of the API: indented by two, keys sorted, a line feed at the end."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def identical(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, keys in the same order: stricter than `==`, where `1 == True`.

    May say no for values that differ in key order only; never says yes for values that differ.
    """
    # `==` stops where the values part, and what is not equal for Python is not the same JSON.
    return one is other or (one == other and orjson.dumps(one) == orjson.dumps(other))


def loads_trusted(text: bytes) -> Any:
    """Read JSON that this program or a program it trusts wrote itself: nothing is checked beyond the syntax."""
    return orjson.loads(text)


def loads(text: bytes | str, *, unique_keys: bool = False) -> Any:
    """Read strict JSON: valid UTF-8, no NaN, no trailing text, nested no deeper than `MAX_DEPTH`.

    Of a key given twice the last one counts, as in Go; with `unique_keys` it is refused with its path, in the words of
    Kubernetes' strict decoding: `duplicate field "spec.replicas"`. Raises ApiError 400.
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise bad_request(f"the object provided is not valid JSON: {error}") from None
    if unique_keys:
        _refuse_duplicates(text)
    return value


def parse(text: bytes | str) -> Any:
    """The same, with a ValueError (`json.JSONDecodeError` with its position, where there is one) for what is wrong."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth limit" in error.msg:  # orjson's own, 1024
            raise _too_deep() from None
        raise
    if _may_be_deep(text) and _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _too_deep() -> ValueError:
    return ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _may_be_deep(text: bytes | str) -> bool:
    """Whether there are brackets enough to exceed the limit; counting them is much cheaper than walking."""
    if len(text) <= 2 * MAX_DEPTH:
        return False
    if isinstance(text, str):
        return text.count("{") + text.count("[") > MAX_DEPTH
    return text.count(b"{") + text.count(b"[") > MAX_DEPTH


def _depth_exceeds(value: Any, limit: int) -> bool:
    """Level by level, so that depth costs no stack."""
    level = [value]
    for _ in range(limit):
        below: list[Any] = []
        for each in level:
            if type(each) is dict:
                below.extend(each.values())
            elif type(each) is list:
                below.extend(each)
        level = [each for each in below if type(each) in (dict, list)]
        if not level:
            return False
    return True


def duplicate_fields(text: bytes | str) -> list[str]:
    """Paths of the keys that an object of `text`, valid JSON, has more than once, in the order of the text."""
    found: dict[str, None] = {}
    _find_duplicates(loads_pairs(text), "", found)
    return list(found)


def loads_pairs(text: bytes | str) -> Any:
    """The value of `text`, valid JSON of allowed depth, with each object as the `Pairs` that it was written with."""
    return standard_json.loads(text, object_pairs_hook=Pairs)


def may_repeat_keys(text: bytes, value: Any) -> bool:
    """Whether an object of the text may give a key twice: False is certain, however it is spaced or escaped, and cheap.

    Every member has a colon, and a repeated key is missing from the value: a text that has no more colons than the
    value repeats none. (A colon in a string counts on both sides, unless the text escapes it: then nothing is certain.)
    """
    return text.count(b":") != orjson.dumps(value).count(b":") or b"\\u003a" in text.lower()


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as they stand, repetitions included."""


def _find_duplicates(value: Any, path: str, found: dict[str, None]) -> None:
    if isinstance(value, Pairs):
        seen: set[str] = set()
        for key, item in value:
            below = f"{path}.{key}" if path else key
            if key in seen:
                found[below] = None
            seen.add(key)
            _find_duplicates(item, below, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _find_duplicates(item, f"{path}[{index}]", found)


def _refuse_duplicates(text: bytes | str) -> None:
    duplicates = duplicate_fields(text)
    if duplicates:
        listed = ", ".join(f'duplicate field "{path}"' for path in duplicates)
        raise bad_request(f"strict decoding error: {listed}")
