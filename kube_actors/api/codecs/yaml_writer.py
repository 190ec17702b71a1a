"""Objects as YAML for people, in the style of kubectl."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kube_actors.api.codecs import libyaml, scalars


def dump(body: Any) -> str:
    """One document as `kubectl -o yaml` writes it: keys sorted, lists not indented, text quoted only where needed."""
    return libyaml.emit(_events(body))


def dump_all(bodies: Iterable[Any]) -> str:
    """Several documents with `---` between them."""
    return "---\n".join(dump(body) for body in bodies)


def _events(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield libyaml.MappingStartEvent(None, None, True, flow_style=False)
        for key in sorted(value, key=_key_order):
            yield _text_event(key)
            yield from _events(value[key])
        yield libyaml.MappingEndEvent()
    elif isinstance(value, list):
        yield libyaml.SequenceStartEvent(None, None, True, flow_style=False)
        for item in value:
            yield from _events(item)
        yield libyaml.SequenceEndEvent()
    elif isinstance(value, str):
        yield _text_event(value)
    else:
        words = {None: "null", True: "true", False: "false"}
        plain = words[value] if value is None or isinstance(value, bool) else repr(value)
        yield libyaml.ScalarEvent(None, None, (True, True), plain)


def _text_event(text: str) -> Any:
    style = "|" if "\n" in text else None if scalars.is_plain_text(text) else '"'
    return libyaml.ScalarEvent(None, None, (True, True), text, style=style)


def _key_order(key: str) -> list[tuple[int, int, int]]:
    """Numbers in keys count as numbers (`a2` before `a10`), and letters come after everything else."""
    order = []
    for piece in re.findall(r"[0-9]+|.", key, re.DOTALL):
        if piece[0].isdigit() and piece.isascii():
            order.append((0, int(piece), len(piece)))
        else:
            order.append((1, ord(piece), 0) if piece.isalpha() else (-1, ord(piece), 0))
    return order
