"""What a request is sent to: its URL, read once for all requests that have the same."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from kube_actors.records import frozen

_REMEMBERED: Final = 512
"""Bytes of a URL that is worth being remembered."""
_MAX_PARAMETERS: Final = 10_000
_BAD_ESCAPE: Final = re.compile("%(?![0-9a-fA-F]{2})")


@frozen
class Target:
    """A request's URL: see `HttpRequest`. Shared by all requests that have it.

    `authority` is the server that an absolute URL names, which counts more than the Host header (RFC 9112, 3.2.2).
    """

    path: str
    raw_path: str
    query: Mapping[str, tuple[str, ...]]
    authority: str | None = None


def target_of(url: bytes) -> Target | None:
    """Read a URL in origin form (`/api?limit=1`), absolute form, or `*`. None when it is not one, or has
    ten thousand parameters."""
    return _known(url) if len(url) <= _REMEMBERED else _read(url)


def _read(url: bytes) -> Target | None:
    text, authority = url.decode("utf-8", "replace"), None
    if text == "*":
        return Target("*", "*", {})
    if not text.startswith("/"):
        scheme, _, rest = text.partition("://")
        if scheme.lower() not in ("http", "https"):
            return None
        authority, slash, path = rest.partition("/")
        text = slash + path or "/"
    raw_path, _, query = text.partition("#")[0].partition("?")
    if _BAD_ESCAPE.search(raw_path):
        return None
    values: dict[str, list[str]] = {}
    try:
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS):
            values.setdefault(name, []).append(value)
    except ValueError:
        return None
    query_values = {name: tuple(each) for name, each in values.items()}
    return Target(urllib.parse.unquote(raw_path), raw_path, query_values, authority)


_known = functools.lru_cache(maxsize=1024)(_read)
