"""From YAML events to plain values: dicts with text keys, lists, and scalars as Kubernetes reads them.

One loop over the events, no recursion and no marks unless something is wrong, so that a megabyte takes about a tenth of
a second. What is wrong without being the end of the text (a key given twice) is collected, and the loop goes on.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from kube_actors.api.codecs import libyaml, scalars
from kube_actors.api.codecs.json import MAX_DEPTH

MAX_ALIASED: Final = 100_000
"""How many values the aliases of one text may repeat; more is an alias bomb."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = object()
_NO_KEY: Final = object()
_OPEN: Final = object()


@attrs.frozen
class Trouble:
    """Something wrong with a text; `line` and `column` count from 0."""

    message: str
    line: int
    column: int


class TextRefused(Exception):
    """The text is not read any further."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@attrs.define(eq=False)
class _Frame:
    """A collection being filled. `key` waits for its value; `merges` are what `<<` names, taken in at the end."""

    container: Any
    key: Any
    key_event: Any
    anchor: str | None
    nodes_before: int
    merges: list[Any] | None = None


class Builder:
    """Builds the documents of one text. `documents` are (start line from 0, value); `troubles` what was wrong."""

    def __init__(self) -> None:
        self.documents: list[tuple[int, Any]] = []
        self.troubles: list[Trouble] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._aliased = 0
        self._start_line = 0

    def build(self, text: str) -> None:
        """Read the whole text. Raises `libyaml.SyntaxTrouble` or `TextRefused`; what came before is kept."""
        stack: list[_Frame] = []
        frame: _Frame | None = None
        resolve = scalars.resolve
        for event in libyaml.parse(text):
            kind = type(event)
            if kind is libyaml.ScalarEvent:
                self._nodes += 1
                value: Any = event.value
                if event.implicit[0]:
                    value = self._plain(event, value) if value[:1] in "<.+-" else resolve(value)
                elif event.tag is not None:
                    value = self._tagged(event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = (value, 1)
            elif kind is libyaml.MappingStartEvent or kind is libyaml.SequenceStartEvent:
                self._nodes += 1
                if len(stack) >= MAX_DEPTH:
                    raise TextRefused(_trouble(event, f"nested deeper than {MAX_DEPTH} levels"))
                container: Any = {} if kind is libyaml.MappingStartEvent else []
                if event.anchor is not None:
                    self._anchors[event.anchor] = (_OPEN, 0)
                frame = _Frame(container, _NO_KEY, event, event.anchor, self._nodes)
                stack.append(frame)
                continue
            elif kind is libyaml.MappingEndEvent or kind is libyaml.SequenceEndEvent:
                value = self._closed(stack.pop())
                frame = stack[-1] if stack else None
            elif kind is libyaml.AliasEvent:
                value = self._alias(event)
            else:
                if kind is libyaml.DocumentStartEvent:
                    self._anchors = {}
                    self._start_line = event.start_mark.line
                continue
            if frame is None:
                self.documents.append((self._start_line, None if value is _MERGE else value))
            elif type(frame.container) is list:
                frame.container.append("<<" if value is _MERGE else value)
            elif frame.key is _NO_KEY:
                frame.key = value if type(value) is str else self._key(event, value)
                frame.key_event = event
            else:
                self._insert(frame, value)

    def _insert(self, frame: _Frame, value: Any) -> None:
        key, frame.key = frame.key, _NO_KEY
        if value is _MERGE:
            value = "<<"
        if key is _MERGE:
            self._merge(frame, value)
        elif key in frame.container:
            self.troubles.append(_trouble(frame.key_event, f'duplicate key "{key}"'))
        else:
            frame.container[key] = value

    def _plain(self, event: Any, text: str) -> Any:
        """A plain scalar that may be a merge key or a number JSON cannot hold."""
        if text == "<<":
            return _MERGE
        try:
            return scalars.resolve(text)
        except ValueError as error:
            self.troubles.append(_trouble(event, str(error)))
            return None

    def _tagged(self, event: Any) -> Any:
        """A scalar with a tag. Tags of one's own are ignored, as Kubernetes does."""
        text = event.value
        name = event.tag.removeprefix(_TAG)
        if name == "str" or not event.tag.startswith(_TAG):
            return text
        if name == "binary":
            self.troubles.append(_trouble(event, "!!binary is not supported: write the base64 text without the tag"))
            return text
        value = self._plain(event, text)
        fits = {
            "null": value is None,
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, (int, float)) and not isinstance(value, bool),
        }
        if name == "timestamp":
            return text
        if not fits.get(name, True):
            self.troubles.append(_trouble(event, f"cannot decode `{text}` as a !!{name}"))
        return value

    def _key(self, event: Any, value: Any) -> Any:
        """A mapping's key as text: JSON knows no other."""
        if value is _MERGE:
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            return scalars.number_key(value)
        what = "null" if value is None else "a list" if isinstance(value, list) else "a mapping"
        self.troubles.append(_trouble(event, f"{what} cannot be the key of a mapping"))
        return f"<{what}>"

    def _closed(self, frame: _Frame) -> Any:
        for merged in frame.merges or ():
            for key, value in merged.items():
                frame.container.setdefault(key, value)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.container, self._nodes - frame.nodes_before + 1)
        return frame.container

    def _merge(self, frame: _Frame, value: Any) -> None:
        """`<<: mapping` or `<<: [mapping, …]`; earlier ones win, and the mapping's own keys win over all."""
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in merged):
            self.troubles.append(_trouble(frame.key_event, "map merge requires map or sequence of maps as the value"))
            return
        frame.merges = [*(frame.merges or ()), *merged]

    def _alias(self, event: Any) -> Any:
        """A copy of what the anchor stands for, so that no two places of an object share a part."""
        name = event.anchor
        value, nodes = self._anchors.get(name, (_NO_KEY, 0))
        if value is _NO_KEY:
            self.troubles.append(_trouble(event, f"unknown anchor '{name}' referenced"))
            return None
        if value is _OPEN:
            raise TextRefused(_trouble(event, f"anchor '{name}' value contains itself"))
        self._nodes += nodes
        self._aliased += nodes
        if self._aliased > MAX_ALIASED:
            message = f"the aliases repeat more than {MAX_ALIASED} values: the document is refused as an alias bomb"
            raise TextRefused(_trouble(event, message))
        return _copy(value)


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value


def _trouble(event: Any, message: str) -> Trouble:
    mark = event.start_mark
    return Trouble(message, mark.line, mark.column)
