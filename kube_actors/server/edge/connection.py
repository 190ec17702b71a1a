"""One client, from its first byte to its last: requests are answered in the order they came."""

from __future__ import annotations

import enum
import ssl
from typing import Final

import attrs
import trio

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.server.edge import bodies, heads
from kube_actors.server.edge.parsing import Parsed, RequestParser
from kube_actors.server.edge.service import Service
from kube_actors.server.edge.streams import StreamAnswer, WithLeftover
from kube_actors.server.edge.wire import Wire
from kube_actors.server.http import Full, HttpRequest, Peer, Streaming, Upgrade

_PIPELINED: Final = 64 << 10
"""Bytes a client may send on while its answer is a stream."""
_LINGER: Final = 2.0
"""Machine seconds in which a client that is refused may go on sending: closing at once could lose the answer."""
_FAREWELL: Final = 1.0


class Phase(enum.Enum):
    """What a connection is doing, and so what may take how long."""

    HANDSHAKE = enum.auto()
    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    HANDLING = enum.auto()
    SENDING = enum.auto()
    STREAMING = enum.auto()


GIVING_WAY: Final = frozenset({Phase.HANDSHAKE, Phase.IDLE, Phase.HEAD, Phase.BODY})
"""What a connection may be ended in when there is no room for another one."""


class Connection:
    """A client's connection. `phase` and `since` (the service's time) tell how long it has been doing what.

    `end` ends it: at once when nothing is under way, else after the answer; a stream ends where it is.
    """

    def __init__(self, service: Service, wire: Wire, peer: Peer, tls: ssl.SSLContext | None) -> None:
        self.phase = Phase.IDLE
        self.since = service.now
        self.handling: HttpRequest | None = None
        self.scope = trio.CancelScope()
        self._service, self._wire, self._tls = service, wire, tls
        self._parser = RequestParser(peer, service.limits, service.bodies)
        self._stream_answer: StreamAnswer | None = None
        self._upgraded: trio.CancelScope | None = None
        self._checks_host = not peer.is_owner
        self._ending = False

    async def run(self) -> None:
        """Serve the client until it goes, is dropped, or the connection has been ended."""
        try:
            with self.scope:
                await self._shake_hands()
                await self._serve()
            if self.scope.cancelled_caught and self.handling is not None:
                await self._refuse(timed_out())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone
        finally:
            self._parser.close()
            with trio.move_on_after(_FAREWELL):
                await self._wire.aclose()

    def end(self) -> None:
        """See the class."""
        self._ending = True
        if self.phase is Phase.IDLE:
            self.scope.cancel()
        elif self._upgraded is not None:
            self._upgraded.cancel()
        elif self._stream_answer is not None:
            self._stream_answer.end()

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self._service.now

    async def _shake_hands(self) -> None:
        if self._tls is not None:
            self._enter(Phase.HANDSHAKE)
            certificate = await self._wire.shake_hands(self._tls)
            self._parser.peer = attrs.evolve(self._parser.peer, certificate=certificate)

    # --- reading

    async def _serve(self) -> None:
        parser = self._parser
        while True:
            while not parser.ready:
                if parser.failure is not None:
                    await self._refuse(parser.failure)
                    return
                if not await self._read():
                    return
            parsed = parser.ready.popleft()
            try:
                goes_on = await self._answer(parsed)
            finally:
                parser.give_back(parsed.held)
            if not goes_on:
                return
            if parser.paused:
                parser.resume()
            if parser.ready:
                await trio.lowlevel.checkpoint()

    async def _read(self) -> bool:
        """Take in what the client sends next; False when there is nothing more."""
        parser = self._parser
        if not parser.started:
            if self._ending:
                return False
            self._enter(Phase.IDLE)
        elif not parser.in_body:
            self._enter_once(Phase.HEAD)
        else:
            self._enter_once(Phase.BODY)
            if parser.expects_continue:
                parser.expects_continue = False
                await self._wire.send_all(heads.CONTINUE)
        data = await self._wire.receive_some()
        if not data:
            return False
        parser.feed(data)
        return True

    def _enter_once(self, phase: Phase) -> None:
        """The time for a head or a body is for the whole of it."""
        if self.phase is not phase:
            self._enter(phase)

    # --- answering

    async def _answer(self, parsed: Parsed) -> bool:
        """Answer one request; whether there may be another one."""
        request = parsed.request
        refused = self._host_problem(parsed)
        if refused is not None:
            await self._refuse(refused)
            return False
        self._enter(Phase.HANDLING)
        self.handling = request
        response = await self._service.handler(request)
        self.handling = None
        if type(response) is Full:
            return await self._send_full(parsed, response)
        if isinstance(response, Streaming):
            return await self._send_stream(parsed, response)
        assert isinstance(response, Upgrade), "there are three shapes of answers"
        await self._upgrade(parsed, response)
        return False

    def _host_problem(self, parsed: Parsed) -> ApiError | None:
        host = parsed.request.headers.get("host")
        if host is None:
            missing = "the request has no Host header"
            return ApiError("BadRequest", 400, missing) if parsed.chunks else None
        if self._checks_host and not self._service.hosts.accepts(host):
            return ApiError("Forbidden", 403, "this server is not known by the name in the request's Host header")
        return None

    def _framing(self, parsed: Parsed) -> str:
        """What the head says about the connection: nothing where the client expects what happens anyway."""
        if self._ending or not parsed.keep_alive:
            return heads.CLOSE
        return "" if parsed.chunks else heads.KEEP_ALIVE

    async def _send_full(self, parsed: Parsed, response: Full) -> bool:
        request, body, status = parsed.request, response.body, response.status
        framing, size = self._framing(parsed), bodies.size_of(body)
        stays = framing is not heads.CLOSE
        bodiless = request.method == "HEAD" or status in heads.BODILESS
        compresses = (
            size >= bodies.GZIP_FROM
            and response.compressible
            and parsed.chunks
            and bodies.accepts_gzip(request.headers.get("accept-encoding", ""))
        )
        if compresses:
            framing += heads.GZIP + heads.CHUNKED
        elif status not in heads.BODILESS:
            framing += heads.length(size)
        head = heads.head(
            status, response.content_type if size else "", response.headers, request.headers["audit-id"], framing
        )
        if bodiless:
            await self._send(head)
        elif compresses:
            await self._send(head)
            async for data in bodies.gzip_chunks(body, self._service.compressing):
                await self._send(data)
                await trio.lowlevel.checkpoint()
        elif size <= bodies.SLICE:
            await self._send(head + (body if isinstance(body, bytes) else b"".join(body)))
        else:
            for piece in bodies.slices(body, head):
                await self._send(piece)
                await trio.lowlevel.checkpoint()
        return stays

    async def _send(self, data: bytes | memoryview) -> None:
        """Send a piece; waits only when the client is slow to take it."""
        sent = self._wire.send_now(data)
        if sent < len(data):
            self._enter(Phase.SENDING)
            await self._wire.send_all(memoryview(data)[sent:])

    async def _send_stream(self, parsed: Parsed, response: Streaming) -> bool:
        request, framing = parsed.request, self._framing(parsed)
        stays = parsed.chunks and framing is not heads.CLOSE
        framing = framing + heads.CHUNKED if parsed.chunks else heads.CLOSE
        audit_id = request.headers["audit-id"]
        await self._send(heads.head(response.status, response.content_type, response.headers, audit_id, framing))
        if request.method == "HEAD":
            return stays
        self._rest()
        stream = StreamAnswer(request, self._send, self._rest, chunked=parsed.chunks)
        self._stream_answer = stream
        if self._ending:
            stream.end()
        await stream.run(response.write, self._take_in)
        self._stream_answer = None
        if stream.whole and parsed.chunks:
            await self._send(heads.LAST_CHUNK)
        return stream.whole and stays and not self._ending

    def _rest(self) -> None:
        self._enter(Phase.STREAMING)

    async def _take_in(self) -> None:
        """Keep what the client sends while its answer is a stream; returns when it goes, or sends too much."""
        parser, kept = self._parser, 0
        while kept <= _PIPELINED and (data := await self._wire.receive_some()):
            kept += len(data)
            if parser.paused:
                parser.leftover += data
            else:
                parser.feed(data)

    async def _upgrade(self, parsed: Parsed, response: Upgrade) -> None:
        await self._send(heads.upgrade_head(response.protocol, response.headers, parsed.request.headers["audit-id"]))
        self._rest()
        with trio.CancelScope() as self._upgraded:
            if self._ending:
                self._upgraded.cancel()
            await response.run(WithLeftover(self._parser.leftover, self._wire))

    # --- refusing

    async def _refuse(self, error: ApiError) -> None:
        """Answer with a `Status` and end, giving the client time to read it."""
        self.handling = None
        body = json.dumps(error.status())
        headers = (("Retry-After", str(error.retry_after_seconds)),) if error.retry_after_seconds is not None else ()
        framing = heads.length(len(body)) + heads.CLOSE
        answer = heads.head(error.code, "application/json", headers, "-", framing) + body
        with trio.move_on_after(_LINGER):
            await self._wire.send_all(answer)
            while await self._wire.receive_some():
                pass


def timed_out() -> ApiError:
    """504 in kube-apiserver's words."""
    return ApiError("Timeout", 504, "Timeout: request did not complete within the allotted timeout")
