"""From YAML events to plain values: dicts with text keys, lists, and scalars as Kubernetes reads them.

One loop over the events, no recursion and no marks unless something is wrong, so that a megabyte takes about a tenth of
a second. What is wrong without being the end of the text (a key given twice) is collected, and the loop goes on.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.codecs import libyaml, scalars
from kube_actors.api.codecs.json import MAX_DEPTH
from kube_actors.records import define, frozen

MAX_ALIASED: Final = 100_000
"""How many values the aliases of one text may repeat; more is an alias bomb."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = object()
_NO_KEY: Final = object()
_OPEN: Final = object()
_SPECIAL_STARTS: Final = frozenset("<.+-")


@frozen
class Trouble:
    """Something wrong with a text that need not end its reading; `line` and `column` count from 0.

    `repeated_key` is the key, where all that is wrong is that it is given twice; the last one counts then.
    """

    message: str
    line: int
    column: int
    repeated_key: str | None = None


@define(eq=False)
class _Frame:
    """A collection being filled. `key` waits for its value; `merges` are what `<<` names, taken in at the end."""

    start: Any
    container: Any
    nodes_before: int
    key: Any = _NO_KEY
    key_event: Any = None
    merges: list[Any] | None = None


class Builder:
    """Builds the documents of one text: `documents` are their values, `troubles` what was wrong on the way."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self.troubles: list[Trouble] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._aliased = 0

    def build(self, text: str, slow_up_to: int | None = None) -> None:
        """Read the whole text. Raises `libyaml.TextRefused`; the documents before that are kept."""
        for event in libyaml.parse(text, slow_up_to):
            kind = type(event)
            if kind is libyaml.ScalarEvent:
                value = self._scalar(event)
            elif kind is libyaml.MappingStartEvent:
                self._open(event, {})
                continue
            elif kind is libyaml.SequenceStartEvent:
                self._open(event, [])
                continue
            elif kind is libyaml.MappingEndEvent or kind is libyaml.SequenceEndEvent:
                event, value = self._close()
            elif kind is libyaml.AliasEvent:
                value = self._alias(event)
            else:
                if kind is libyaml.DocumentStartEvent:
                    self._anchors = {}
                continue
            self._place(event, value)

    def _place(self, event: Any, value: Any) -> None:
        """Put a finished value where it belongs: a document, a list's end, a mapping's key or value."""
        if not self._stack:
            self.documents.append(value if value is not _MERGE else "<<")
            return
        frame = self._stack[-1]
        if type(frame.container) is list:
            frame.container.append(value if value is not _MERGE else "<<")
        elif frame.key is _NO_KEY:
            frame.key = value if type(value) is str else self._key(event, value)
            frame.key_event = event
        else:
            self._insert(frame, value if value is not _MERGE else "<<")

    def _insert(self, frame: _Frame, value: Any) -> None:
        key, frame.key = frame.key, _NO_KEY
        if key is _MERGE:
            self._merge(frame, value)
            return
        if key in frame.container:
            mark = frame.key_event.start_mark
            self.troubles.append(Trouble(f'duplicate key "{key}"', mark.line, mark.column, str(key)))
        frame.container[key] = value

    def _open(self, event: Any, container: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _refusal(event, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = (_OPEN, 0)
        self._stack.append(_Frame(event, container, self._nodes))
        self._nodes += 1

    def _close(self) -> tuple[Any, Any]:
        """The event that opened the innermost collection, and the collection."""
        frame = self._stack.pop()
        for merged in frame.merges or ():
            for key, value in merged.items():
                frame.container.setdefault(key, value)
        if frame.start.anchor is not None:
            self._anchors[frame.start.anchor] = (frame.container, self._nodes - frame.nodes_before)
        return frame.start, frame.container

    def _scalar(self, event: Any) -> Any:
        self._nodes += 1
        value = event.value
        if event.implicit[0]:
            # Only these may be a merge key or a number JSON cannot hold; the rest takes the short way.
            value = self._plain(event, value) if value[:1] in _SPECIAL_STARTS else scalars.resolve(value)
        elif event.tag is not None:
            value = self._tagged(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

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
            raise _refusal(event, f"anchor '{name}' value contains itself")
        self._nodes += nodes
        self._aliased += nodes
        if self._aliased > MAX_ALIASED:
            message = f"the aliases repeat more than {MAX_ALIASED} values: the document is refused as an alias bomb"
            raise _refusal(event, message)
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


def _refusal(event: Any, message: str) -> libyaml.TextRefused:
    mark = event.start_mark
    return libyaml.TextRefused(message, mark.line, mark.column)
