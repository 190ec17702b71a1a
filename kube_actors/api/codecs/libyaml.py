"""The door to libyaml: events in, events out. The only module that imports ruamel.

Events are ruamel's own classes, made in C: a start mark (line and column from 0, in characters), and per class `value`,
`implicit`, `tag`, `anchor`. Nothing is built and no tag is resolved here. The C parser refuses a colon inside a plain
value in flow style (`{image: nginx:1.27}`), which Kubernetes reads; from there on ruamel's own parser, slower by far,
reads the text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.cyaml import CEmitter, CParser  # type: ignore[attr-defined]  # C classes without stubs
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

__all__ = [
    "AliasEvent",
    "DocumentEndEvent",
    "DocumentStartEvent",
    "MappingEndEvent",
    "MappingStartEvent",
    "ScalarEvent",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "TextRefused",
    "edited",
    "emit",
    "parse",
]

_LINE_WIDTH: Final = 80
_NEVER_FOLD: Final = 1 << 20
_INDENTED_LIST: Final = re.compile(r"^( +)- ", re.MULTILINE)
_OLD_RULE: Final = "found unexpected ':'"
"""What the C parser says of a colon that YAML 1.2 allows."""


class TextRefused(Exception):
    """Text that is not YAML, or too much of it, is read no further; `line` and `column` count from 0."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse(text: str, slow_up_to: int | None = None) -> Iterator[Any]:
    """The events of a stream. Raises `TextRefused` where the text stops being YAML, after the events before it.

    `slow_up_to`: characters up to which a text may be read in Python, at about 60,000 in a second; None: any number.
    """
    try:
        yield from _events(text, slow_up_to)
    except ReaderError as error:
        at = error.position
        line = text.count("\n", 0, at)
        column = at - (text.rfind("\n", 0, at) + 1)
        raise TextRefused(error.reason, line, column) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        raise TextRefused(_sentence(error, text), line, column) from None
    except YAMLError as error:
        raise TextRefused(str(error), 0, 0) from None


def _events(text: str, slow_up_to: int | None) -> Iterator[Any]:
    """Made in C as far as that goes."""
    parser = CParser(text)
    count = 0
    try:
        while (event := parser.get_event()) is not None:
            yield event
            count += 1
    except MarkedYAMLError as error:
        if error.problem != _OLD_RULE or (slow_up_to is not None and len(text) > slow_up_to):
            raise
        yield from islice(YAML(typ="safe", pure=True).parse(text), count, None)


def _sentence(error: MarkedYAMLError, text: str) -> str:
    """libyaml's problem, with its context where that stands elsewhere; tabs are called by name."""
    mark, context = error.problem_mark, error.context_mark
    lines = text.splitlines()
    if mark is not None and mark.line < len(lines):
        blank = lines[mark.line][: mark.column + 1]
        if "\t" in blank and not blank.strip():
            return "found a tab: YAML is indented with spaces"
    problem = str(error.problem)
    if error.context and context is not None and mark is not None and context.line != mark.line:
        return f"{problem} ({error.context} that starts in line {context.line + 1})"
    return problem


def emit(events: Iterable[Any]) -> str:
    """The text of one document's node events, in block style and 80 characters wide, as kubectl writes it."""
    stream = io.StringIO()
    emitter = CEmitter(stream, width=_LINE_WIDTH, allow_unicode=True)
    emitter.emit(StreamStartEvent())
    emitter.emit(DocumentStartEvent(explicit=False))
    for event in events:
        emitter.emit(event)
    emitter.emit(DocumentEndEvent(explicit=False))
    emitter.emit(StreamEndEvent())
    return stream.getvalue()


def edited(text: str, change: Callable[[Any], None]) -> str:
    """The text of one document after `change` has worked on its value in place: comments, quotes and order stay.

    Slow (pure Python), for files of people. Raises `TextRefused` for what is not one YAML document.
    """
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _NEVER_FOLD
    indented = _INDENTED_LIST.search(text)
    if indented is not None:
        yaml.indent(mapping=2, sequence=len(indented[1]) + 2, offset=len(indented[1]))
    stream = io.StringIO()
    try:
        value = yaml.load(text)
        change(value)
        yaml.dump(value, stream)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TextRefused(_sentence(error, text), *((mark.line, mark.column) if mark else (0, 0))) from None
    except YAMLError as error:
        raise TextRefused(str(error), 0, 0) from None
    return stream.getvalue()
