"""The text that both sides of SPDY/3 assume as already compressed (SPDY/3, section 2.6.10.1).

It is a list of words, each behind its length in four bytes, and a tail of words without lengths. Both sides must have
it to the byte; its Adler-32 checksum is part of every compressed header block.
"""

from __future__ import annotations

import functools
import zlib
from typing import Final

ADLER32: Final = 0xE3C6A7C2

_METHODS: Final = "options head post put delete trace"
_HEADERS: Final = (
    "accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control "
    "connection content-base content-encoding content-language content-length content-location content-md5 "
    "content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range "
    "if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range "
    "referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate"
)
_REQUESTS: Final = ("method", "get", "status", "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie")
_LATER: Final = ("keep-alive", "origin")
_CODES: Final = (100, 101, 201, 202, 205, 206, 300, 302, 303, 304, 305, 306, 307, 402, 405, 406, 407, 408, 409, 410,
                 411, 412, 413, 414, 415, 416, 417, 502, 504, 505)  # fmt: skip
_REASONS: Final = (
    "203 Non-Authoritative Information",
    "204 No Content",
    "301 Moved Permanently",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "500 Internal Server Error",
    "501 Not Implemented",
    "503 Service Unavailable",
)
_DATES: Final = "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
_VALUES: Final = (
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


@functools.cache
def dictionary() -> bytes:
    """The 1,423 bytes."""
    words = (*_METHODS.split(), *_HEADERS.split(), *_REQUESTS, *_LATER)
    counted = b"".join(len(word).to_bytes(4, "big") + word.encode() for word in words)
    tail = "".join((*map(str, _CODES), *_REASONS, _DATES, _VALUES)).encode()
    whole = counted + tail
    assert zlib.adler32(whole) == ADLER32, "the dictionary is a constant of the protocol"
    return whole
