"""YAML as a program sends it: one document, and a key given twice is no error yet."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.codecs import libyaml
from kube_actors.api.codecs.yaml_builder import Builder

MOST_PROBLEMS: Final = 100
"""Keys given twice that are told."""
SLOW_UP_TO: Final = 32 << 10
"""Characters of a body that may be read in the slow way: nobody else is served meanwhile."""


def parse_yaml(text: bytes) -> tuple[Any, list[str]]:
    """The first document's value (None without one), and what strict reading would say: `line 3: key "a" already set`.

    ValueError for a text that cannot be read.
    """
    builder = Builder()
    try:
        builder.build(text.decode("utf-8-sig"), SLOW_UP_TO)
    except UnicodeDecodeError:
        raise ValueError("the text is not valid UTF-8") from None
    except libyaml.TextRefused as refused:
        raise ValueError(f"line {refused.line + 1}: {refused.message}") from None
    repeated: list[str] = []
    for trouble in builder.troubles:
        if trouble.repeated_key is None:
            raise ValueError(f"line {trouble.line + 1}: {trouble.message}")
        if len(repeated) < MOST_PROBLEMS:
            repeated.append(f'line {trouble.line + 1}: key "{trouble.repeated_key}" already set in map')
    return (builder.documents[0] if builder.documents else None), repeated
