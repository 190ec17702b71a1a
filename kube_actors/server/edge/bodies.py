"""The bodies of answers on their way out: never more than a slice of one at a time, compressed where that pays."""

from __future__ import annotations

import bisect
import itertools
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import trio

from kube_actors.server.edge.heads import LAST_CHUNK, chunk

SLICE: Final = 256 << 10
"""Bytes that are encrypted and sent at once: about 0.3 ms."""
GZIP_FROM: Final = 128 << 10
"""Size from which kube-apiserver compresses too."""
_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # zlib's way to ask for gzip's own header and trailer
_PIECE: Final = 1 << 20
"""Bytes compressed in one visit to a worker thread."""

Body = bytes | tuple[bytes, ...]


def size_of(body: Body) -> int:
    """Bytes of a body."""
    return len(body) if isinstance(body, bytes) else sum(map(len, body))


def slices(body: Body, first: bytes = b"", size: int = SLICE) -> Iterator[bytes | memoryview]:
    """`first` and the body in slices of about `size` bytes: small pieces are joined, large ones cut without a copy."""
    pieces = (first, body) if isinstance(body, bytes) else (first, *body)
    ends = list(itertools.accumulate(map(len, pieces)))  # lists have ten thousand pieces: no loop over them here
    start = 0
    while start < len(pieces):
        sent = ends[start - 1] if start else 0
        stop = bisect.bisect_right(ends, sent + size, start)
        if stop > start:
            if ends[stop - 1] > sent:
                yield b"".join(pieces[start:stop])
            start = stop
            continue
        view = memoryview(pieces[start])
        for cut in range(0, len(view), size):
            yield view[cut : cut + size]
        start += 1


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for part in accept_encoding.split(","):
        name, _, parameter = part.partition(";")
        if name.strip().lower() == "gzip":
            return parameter.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def gzip_chunks(body: Body, limiter: trio.CapacityLimiter) -> AsyncIterator[bytes]:
    """The body as gzip in HTTP's chunks, the last one included; worker threads do the work, a piece at a time."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in slices(body, size=_PIECE):
        data = await trio.to_thread.run_sync(compressor.compress, piece, limiter=limiter)
        if data:
            yield chunk(data)
    yield chunk(compressor.flush()) + LAST_CHUNK
