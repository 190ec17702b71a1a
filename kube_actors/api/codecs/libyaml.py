"""The door to libyaml: events in, events out. The only module that imports PyYAML.

PyYAML, because it comes with libyaml 0.2, which reads `{image: nginx:1.27}` as Kubernetes does; older ones refuse it.
Events are PyYAML's own classes, made in C: a start mark (line and column from 0, in characters), and per class `value`,
`implicit`, `tag`, `anchor`. Nothing is built and no tag is resolved here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from yaml._yaml import CEmitter, CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
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
from yaml.reader import ReaderError

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
    "emit",
    "parse",
]

_LINE_WIDTH: Final = 80


class TextRefused(Exception):
    """Text that is not YAML, or too much of it, is read no further; `line` and `column` count from 0."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse(text: str) -> Iterator[Any]:
    """The events of a stream. Raises `TextRefused` where the text stops being YAML, after the events before it."""
    try:
        parser = CParser(text)
        while (event := parser.get_event()) is not None:
            yield event
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
