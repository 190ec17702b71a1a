"""`$(VAR)` in commands, arguments, values and sub-paths, as Kubernetes expands it.

`$(NAME)` becomes the variable's value; a name that is not known stays as it stands; `$$` is one `$`, so `$$(NAME)` is
never expanded. Anything else after a `$` is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with every reference to one of `variables` replaced."""
    return _expanded(text, lambda name: variables.get(name, f"$({name})"))


def expand_all_known(text: str, variables: Mapping[str, str]) -> str:
    """The same, but KeyError on a name that is not known: a path must not be half expanded."""
    return _expanded(text, variables.__getitem__)


def _expanded(text: str, value_of: Callable[[str], str]) -> str:
    if "$" not in text:
        return text
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else value_of(match[1]), text)
