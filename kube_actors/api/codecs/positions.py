"""Where in a text each path of its documents stands. Made when the first error needs it; a good file never pays."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Final

from kube_actors.api.codecs import libyaml

Position = tuple[int, int]
"""Line and column, from 1."""

_BRACKETED: Final = re.compile(r"\[\"?([^\]\"]*)\"?\]")


def index_positions(text: str) -> list[dict[str, Position]]:
    """One mapping per document: path (`spec.containers[0].image`, the root is empty) to position.

    A field stands where its name begins, a list's item where the item begins. Stops silently where the text does.
    """
    documents: list[dict[str, Position]] = []
    with contextlib.suppress(libyaml.TextRefused):
        _Indexer(documents).read(text)
    return documents


def find_position(index: dict[str, Position], path: str) -> Position | None:
    """The position of a path (a leading `$` and quoted or bare keys in brackets are fine), or of what holds it."""
    at = path.removeprefix("$").removeprefix(".")
    while at not in index:
        plain = _BRACKETED.sub(_as_segment, at)
        if plain in index:
            return index[plain]
        if not at:
            return None
        # The last segment off: `a.b[0]` -> `a.b` -> `a` -> the root.
        at = at[: max(at.rfind("."), at.rfind("["), 0)]
    return index[at]


def _as_segment(match: re.Match[str]) -> str:
    return match[0] if match[1].isdigit() else f".{match[1]}"


class _Indexer:
    """Follows the events and spells each path. A frame is [path, next index of a list or -1, pending key]."""

    def __init__(self, documents: list[dict[str, Position]]) -> None:
        self._documents = documents
        self._frames: list[list[Any]] = []

    def read(self, text: str) -> None:
        index: dict[str, Position] = {}
        for event in libyaml.parse(text):
            kind = type(event)
            if kind is libyaml.DocumentStartEvent:
                index = {}
                self._documents.append(index)
                self._frames.clear()
            elif kind is libyaml.MappingEndEvent or kind is libyaml.SequenceEndEvent:
                self._frames.pop()
            elif kind in (
                libyaml.ScalarEvent,
                libyaml.AliasEvent,
                libyaml.MappingStartEvent,
                libyaml.SequenceStartEvent,
            ):
                path = self._place(event, index)
                if kind is libyaml.MappingStartEvent:
                    self._frames.append([path, -1, None])
                elif kind is libyaml.SequenceStartEvent:
                    self._frames.append([path, 0, None])

    def _place(self, event: Any, index: dict[str, Position]) -> str:
        """Note the node's position and answer with its path; a mapping's key notes that of its value."""
        position = (event.start_mark.line + 1, event.start_mark.column + 1)
        if not self._frames:
            index[""] = position
            return ""
        frame = self._frames[-1]
        if frame[1] >= 0:
            path = f"{frame[0]}[{frame[1]}]"
            frame[1] += 1
            index[path] = position
            return path
        if frame[2] is None:
            key = event.value if type(event) is libyaml.ScalarEvent else "?"
            path = frame[2] = f"{frame[0]}.{key}" if frame[0] else str(key)
            index[path] = position  # of a repeated key the last counts, as for its value
            return path
        path, frame[2] = str(frame[2]), None
        return path
