"""JSONPath as kubectl knows it: `{.items[*].metadata.name}`, `{range .items[*]}{.a}{"\\n"}{end}`, filters, slices.

A template is text and expressions in braces; an expression alone may be written without them (`.status.phase`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kube_actors.api.codecs import json
from kube_actors.records import frozen

Values = list[Any]
Step = Callable[[Values], Values]

_NAME = re.compile(r"(?:[^\s.\[\](){}'\"|&=!<>@$,*?\\]|\\.)+")
_FILTER = re.compile(r"\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*")
_INDEX_LENGTH = 19
_SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d+))?")


class JsonPathError(ValueError):
    """The expression cannot be read."""


@frozen
class Path:
    """One expression."""

    steps: tuple[Step, ...]

    def values(self, value: Any) -> Values:
        """Everything it leads to; nothing where the way ends."""
        found: Values = [value]
        for step in self.steps:
            found = step(found)
        return found


@frozen
class _Range:
    path: Path
    body: tuple[Any, ...]


@frozen
class Template:
    """Text and expressions."""

    parts: tuple[str | Path | _Range, ...]

    def render(self, value: Any) -> str:
        """The text for one object; several values of an expression stand with a blank between them."""
        return "".join(_render(self.parts, value))


def _render(parts: Iterable[Any], value: Any) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case Path():
                yield " ".join(plain(each) for each in part.values(value))
            case _Range():
                for item in part.path.values(value):
                    yield from _render(part.body, item)


def plain(value: Any) -> str:
    """A value as kubectl prints it: texts as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value).decode()


def parse_path(text: str) -> Path:
    """An expression: `{.a.b}`, `.a.b`, `a.b`, `$.a.b`. JsonPathError."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    return Path(tuple(_steps(text)))


def parse_template(text: str) -> Template:
    """A template; without any brace it is one expression. JsonPathError."""
    if "{" not in text:
        text = "{" + text + "}"
    pieces = list(_pieces(text))
    parts, rest = _block(pieces, 0, inside=False)
    if rest != len(pieces):
        raise JsonPathError("not in range, nothing to end")
    return Template(parts)


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """(is an expression, its text), in order."""
    at = 0
    while at < len(text):
        open_at = text.find("{", at)
        if open_at < 0:
            yield False, text[at:]
            return
        if open_at > at:
            yield False, text[at:open_at]
        at = _closing(text, open_at)
        yield True, text[open_at + 1 : at - 1].strip()


def _closing(text: str, open_at: int) -> int:
    """The position after the brace that closes the one at `open_at`; quotations may hold braces."""
    quote = ""
    at = open_at + 1
    while at < len(text):
        letter = text[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter == "}":
            return at + 1
        at += 1
    raise JsonPathError("unclosed action")


def _block(pieces: list[tuple[bool, str]], at: int, *, inside: bool) -> tuple[tuple[Any, ...], int]:
    """The parts up to the `end` that closes this block, and where it stopped."""
    parts: list[Any] = []
    while at < len(pieces):
        is_expression, text = pieces[at]
        at += 1
        if not is_expression:
            parts.append(text)
        elif text == "end":
            if inside:
                return tuple(parts), at
            return tuple(parts), at - 1
        elif text == "range" or text.startswith("range "):
            body, at = _block(pieces, at, inside=True)
            parts.append(_Range(parse_path(text[5:]), body))
        elif text[:1] in ("'", '"'):
            parts.append(_unquoted(text))
        else:
            parts.append(parse_path(text))
    if inside:
        raise JsonPathError("unclosed range: {end} is missing")
    return tuple(parts), at


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[-1] != text[0]:
        raise JsonPathError(f"unterminated quoted string: {text}")
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[0]), text[1:-1])


def _steps(text: str) -> Iterator[Step]:
    at = 1 if text[:1] in ("$", "@") else 0
    while at < len(text):
        if text.startswith("..", at):
            yield _everything_below
            at += 2
            if at >= len(text) or text[at] == "[":
                continue
        elif text[at] == ".":
            at += 1
            if at == len(text):
                return
        if text[at] == "[":
            end = _bracket_end(text, at)
            yield _bracket(text[at + 1 : end].strip())
            at = end + 1
        elif text[at] == "*":
            yield _wildcard
            at += 1
        else:
            match = _NAME.match(text, at)
            if match is None:
                raise JsonPathError(f"unrecognized character in action: {text[at]!r}")
            yield _member(re.sub(r"\\(.)", r"\1", match[0]))
            at = match.end()


def _bracket_end(text: str, at: int) -> int:
    depth, quote = 0, ""
    for index in range(at, len(text)):
        letter = text[index]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if not depth:
                return index
    raise JsonPathError("unterminated array")


def _bracket(inner: str) -> Step:
    if inner == "*":
        return _wildcard
    if inner.startswith("?(") and inner.endswith(")"):
        return _condition(inner[2:-1])
    if inner[:1] in ("'", '"'):
        return _member(_unquoted(inner))
    if sliced := _SLICE.fullmatch(inner):
        return _slice(*(_index(part) if part else None for part in sliced.groups()))
    indexes = inner.split(",")
    if not all(re.fullmatch(r"\s*-?\d+\s*", each) for each in indexes):
        raise JsonPathError(f"invalid array index {inner}")
    return _items([_index(each) for each in indexes])


def _index(text: str) -> int:
    """What is between brackets or colons; as in Go, no number is longer than 64 bits are."""
    if text.strip() == "-" or len(text.strip()) > _INDEX_LENGTH:
        raise JsonPathError(f"array index {text} is not a number")
    return int(text)


def _slice(start: int | None, stop: int | None, step: int | None) -> Step:
    if step is not None and step <= 0:
        raise JsonPathError("step must be > 0")
    return lambda values: [each for value in values if isinstance(value, list) for each in value[start:stop:step]]


def _member(name: str) -> Step:
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _items(indexes: list[int]) -> Step:
    def step(values: Values) -> Values:
        lists = [value for value in values if isinstance(value, list)]
        return [each[index] for each in lists for index in indexes if -len(each) <= index < len(each)]

    return step


def _wildcard(values: Values) -> Values:
    found: Values = []
    for value in values:
        if isinstance(value, list):
            found += value
        elif isinstance(value, dict):
            found += value.values()
    return found


def _everything_below(values: Values) -> Values:
    found: Values = []
    for value in values:
        found.append(value)
        if isinstance(value, (list, dict)):
            found += _everything_below(_wildcard([value]))
    return found


def _condition(text: str) -> Step:
    """`@.type=="Ready"`, or `@.name`: that there is such a value."""
    match = _FILTER.fullmatch(text)
    if match is None:
        path = parse_path(text)
        return lambda values: [each for each in _wildcard(values) if path.values(each)]
    left, operator, right = _operand(match[1]), match[2], _operand(match[3])
    return lambda values: [each for each in _wildcard(values) if _holds(left(each), operator, right(each))]


def _operand(text: str) -> Callable[[Any], Any]:
    """What one side of a comparison stands for, given an item."""
    if text[:1] == "@":
        path = parse_path(text)
        return lambda item: next(iter(path.values(item)), None)
    if text[:1] in ("'", '"'):
        word = _unquoted(text)
        return lambda _item: word
    constants: dict[str, Any] = {"true": True, "false": False, "null": None}
    if text in constants:
        return lambda _item: constants[text]
    try:
        number = float(text)
    except ValueError:
        raise JsonPathError(f"unrecognized operand {text}") from None
    return lambda _item: number


def _holds(left: Any, operator: str, right: Any) -> bool:
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])
    except TypeError:
        return False
