"""A request's body that is taken in while it is being passed on: no more of it is kept than one read of the wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping

import trio

from kube_actors.errors import ApiError
from kube_actors.server.request_info import request_info

Pull = Callable[[], Awaitable[bool]]
"""Takes in more of what the client sends; False when it has gone."""


class IncomingBody:
    """What `HttpRequest.incoming` is. The parser puts pieces in, and says when the body ends or why it cannot be read;
    whoever receives them reads the wire for more (`pull`)."""

    def __init__(self) -> None:
        self.pull: Pull | None = None
        self.complete = trio.Event()
        """Nothing more of the body is on the wire."""
        self._pieces: deque[bytes] = deque()
        self._failure: ApiError | None = None

    def put(self, piece: bytes) -> None:
        """A piece has come."""
        self._pieces.append(piece)

    def end(self, failure: ApiError | None = None) -> None:
        """The last piece has come, or one that cannot be read."""
        self._failure = failure
        self.complete.set()

    async def receive(self) -> bytes:
        """The next piece; empty at the end. ApiError for what is no HTTP, BrokenResourceError when the client goes."""
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.complete.is_set():
                return b""
            if self.pull is None or not await self.pull():
                raise trio.BrokenResourceError("the client went away")
        return self._pieces.popleft()

    async def skip(self, most: int) -> None:
        """Read what nobody wants, up to so many bytes; a client that goes is no matter any more."""
        try:
            while most > 0 and (piece := await self.receive()):
                most -= len(piece)
        except (ApiError, trio.BrokenResourceError, trio.ClosedResourceError):
            return


def is_passed_on(method: str, path: str, query: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the body is for somebody behind a proxy, and so of any length."""
    return "/proxy" in path and request_info(method, path, query).subresource == "proxy"
