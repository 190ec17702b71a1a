"""The head of an answer: status line and headers, with what kube-apiserver puts into every one."""

from __future__ import annotations

import functools
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from kube_actors.server.http import Headers

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
BODILESS: Final = frozenset({204, 304})

CHUNKED: Final = "Transfer-Encoding: chunked\r\n"
CLOSE: Final = "Connection: close\r\n"
KEEP_ALIVE: Final = "Connection: keep-alive\r\n"
_NOT_CACHED: Final = "Cache-Control: no-cache, private\r\n"
GZIP: Final = "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"


def head(status: int, content_type: str, headers: Headers, audit_id: str, framing: str) -> bytes:
    """A whole head. `framing` are the lines that say how the body is sent and what becomes of the connection.
    Without an audit id there was no request to give one to."""
    own = _NOT_CACHED
    if headers and any(name.lower() == "cache-control" for name, _ in headers):
        own = ""
    date = _date(int(time.time()))
    text = (
        f"{_beginning(status, content_type)}{own}{framing}Audit-Id: {audit_id}\r\nDate: {date}\r\n{_lines(headers)}\r\n"
    )
    return text.encode("latin-1", "replace")


def length(size: int) -> str:
    """The framing of a body whose size is known."""
    return f"Content-Length: {size}\r\n"


def upgrade_head(protocol: str, headers: Headers, audit_id: str) -> bytes:
    """The head of `101 Switching Protocols`."""
    first = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\n"
    return f"{first}Audit-Id: {audit_id}\r\n{_lines(headers)}\r\n".encode("latin-1", "replace")


def chunk(data: bytes | memoryview) -> bytes:
    """One chunk of a chunked body; `data` is not empty."""
    return b"".join((b"%x\r\n" % len(data), data, b"\r\n"))


@functools.lru_cache(maxsize=256)
def _lines(headers: Headers) -> str:
    """Headers as they are sent. A line break in a value cannot begin another header."""
    return "".join(f"{name}: {' '.join(value.splitlines())}\r\n" for name, value in headers)


@functools.lru_cache(maxsize=256)
def _beginning(status: int, content_type: str) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"HTTP/1.1 {status} {phrase}\r\n{kind}"


@functools.lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
