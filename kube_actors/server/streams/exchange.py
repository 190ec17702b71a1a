"""One HTTP request to a pod and its answer, on a connection of their own; the bytes are h11's.

The request's body goes to the pod as it comes from the client, and the answer comes back as the pod sends it: a pod may
answer before it has read everything, and then goes on reading.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import h11
import trio

from kube_actors.errors import ApiError
from kube_actors.server.http import HttpRequest

RECEIVE: Final = 64 * 1024
LARGEST_HEAD: Final = 64 * 1024
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
_PAUSE: Final = 0.25
"""Machine seconds that a pod which has begun to answer may take for the piece of the body that is on its way."""

Head = h11.Response | h11.InformationalResponse


class Exchange:
    """A request and its answer on one connection, which it owns."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        self._upload: Upload | None = None

    async def ask(self, head: h11.Request, request: HttpRequest) -> Head:
        """Send the request, and return the head of the answer; 1xx other than a switch of protocols are passed over.

        ApiError for a body that cannot be read; h11.RemoteProtocolError, or what is `GONE`, when the pod is silent.
        """
        sent = self._http.send(head) or b""
        if request.incoming is None:
            sent += self._http.send(h11.Data(request.body)) or b"" if request.body else b""
            await self.stream.send_all(sent + (self._http.send(h11.EndOfMessage()) or b""))
            return await self._head()
        await self.stream.send_all(sent)
        self._upload = upload = Upload(self._http, self.stream, request)
        answer: list[Head | Exception] = []

        async def listen() -> None:
            try:
                answer.append(await self._head())
            except (h11.RemoteProtocolError, *GONE) as error:
                answer.append(error)
            upload.interrupt()
            with trio.move_on_after(_PAUSE):
                await upload.paused.wait()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await upload.run()
            if upload.failure is not None:
                nursery.cancel_scope.cancel()
        if upload.failure is not None:
            raise upload.failure
        found = answer[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body, piece by piece."""
        while piece := await self.piece():
            yield piece

    async def piece(self) -> bytes:
        """The next piece of the answer's body; empty at its end."""
        while isinstance(event := await self._next(), h11.Data):
            if event.data:
                return bytes(event.data)
        return b""

    @property
    def is_sent(self) -> bool:
        """Whether all of the request's body is on its way."""
        return self._upload is None or self._upload.is_over

    async def go_on_sending(self) -> None:
        """Send the rest of the request's body, if there is any; returns at once if not. Raises as `ask`."""
        if self._upload is not None:
            await self._upload.run()
            if self._upload.failure is not None:
                raise self._upload.failure

    @property
    def leftover(self) -> bytes:
        """What came behind the switch of protocols."""
        return self._http.trailing_data[0]

    async def _head(self) -> Head:
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("EOF")

    async def _next(self) -> h11.Event:
        while True:
            event = self._http.next_event()
            if event is h11.PAUSED:
                raise h11.RemoteProtocolError("an answer that goes on after its end")
            if not isinstance(event, type):
                return event
            data = bytes(await self.stream.receive_some(RECEIVE))
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise h11.RemoteProtocolError("EOF")
            self._http.receive_data(data)


class Upload:
    """The body of a request on its way to a pod. It can be interrupted between two pieces, and gone on with.

    `failure` is what the client did wrong, `paused` is set once nothing is being sent, `is_over` says that nothing more
    will be.
    """

    def __init__(self, http: h11.Connection, stream: trio.abc.Stream, request: HttpRequest) -> None:
        assert request.incoming is not None, "only bodies that are still coming in are sent piece by piece"
        self.failure: Exception | None = None
        self.paused = trio.Event()
        self._http, self._stream, self._incoming = http, stream, request.incoming
        self.is_over = self._interrupted = False
        self._waiting = trio.CancelScope()

    def interrupt(self) -> None:
        """Come to a pause before the next piece."""
        self._interrupted = True
        self._waiting.cancel()

    async def run(self) -> None:
        """Send until the end, or until interrupted. A pod that reads no more of it is one to hear, not an error."""
        self._interrupted = False
        while not self.is_over and not self._interrupted:
            piece: bytes | None = None
            with trio.CancelScope() as self._waiting:
                piece = await self._received()
            if piece is None:
                break
            self.is_over = not piece
            self.is_over = not await self._sent(piece) or self.is_over
        self.paused.set()

    async def _received(self) -> bytes | None:
        try:
            return await self._incoming.receive()
        except (ApiError, *GONE) as error:
            self.failure, self.is_over = error, True
            return None

    async def _sent(self, piece: bytes) -> bool:
        """Whether the pod takes it, as far as one can tell."""
        data = self._http.send(h11.Data(piece) if piece else h11.EndOfMessage())
        try:
            await self._stream.send_all(data or b"")
        except GONE:
            return False
        return True
