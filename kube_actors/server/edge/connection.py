"""One client, from its first byte to its last: requests are answered in the order they came."""

from __future__ import annotations

import ssl
from typing import Final

import attrs
import trio

from kube_actors.access.client_certificates import ServingContext
from kube_actors.errors import ApiError, bad_request
from kube_actors.server.edge import answers, heads
from kube_actors.server.edge.incoming import IncomingBody
from kube_actors.server.edge.line import Line, Phase, is_going
from kube_actors.server.edge.parsing import Parsed, RequestParser
from kube_actors.server.edge.service import Service
from kube_actors.server.edge.streams import StreamAnswer, WithLeftover
from kube_actors.server.edge.wire import Wire
from kube_actors.server.http import Full, HttpRequest, Peer, Streaming, Upgrade

_PIPELINED: Final = 64 << 10
"""Bytes a client may send on while its answer is a stream."""
UNKNOWN_HOST: Final = "the request's Host is none of this server's names; others go into api.names of cluster.yaml"
_FAREWELL: Final = 1.0
"""Machine seconds that closing may take."""
_UNWANTED: Final = 16 << 20
"""Bytes of a body that are read after the request has been answered."""


class Connection:
    """A client's connection. `line` tells what it is doing, `handling` is the request whose answer is awaited.

    `drop` ends it where it is; `end` lets what is under way come to its end first.
    """

    def __init__(self, service: Service, wire: Wire, peer: Peer, tls: ssl.SSLContext | None) -> None:
        self.line = Line(service, wire)
        self.handling: HttpRequest | None = None
        self._service, self._wire, self._tls = service, wire, tls
        self._parser = RequestParser(peer, service.limits, service.bodies)
        self._scope = trio.CancelScope()
        self._stream: StreamAnswer | None = None
        self._incoming: IncomingBody | None = None
        self._upgraded: trio.CancelScope | None = None
        self._checks_host = not peer.is_owner
        self._ending = self._overdue = False

    async def run(self) -> None:
        """Serve the client until it goes or the connection is ended."""
        try:
            with self._scope:
                await self._shake_hands()
                await self._serve()
            if self._overdue:
                await answers.refuse(self.line, timed_out())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone
        finally:
            self._parser.close()
            with trio.move_on_after(_FAREWELL):
                await self._wire.aclose()

    def drop(self, *, overdue: bool = False) -> None:
        """End it at once. `overdue`: the client is told that its request takes too long."""
        self._overdue = overdue
        self._scope.cancel()

    def end(self) -> None:
        """End it in good order: at once between requests, else after the answer; a stream ends where it is."""
        self._ending = True
        if self.line.phase in (Phase.IDLE, Phase.HANDSHAKE):
            self._scope.cancel()
        elif self._upgraded is not None:
            self._upgraded.cancel()
        elif self._stream is not None:
            self._stream.end()

    async def _shake_hands(self) -> None:
        if self._tls is not None:
            self.line.enter(Phase.HANDSHAKE)
            shown = await self._wire.shake_hands(self._tls)
            if shown is not None:
                self._parser.peer = attrs.evolve(self._parser.peer, certificate=shown)

    def _judge(self, request: HttpRequest) -> None:
        """Take the client's certificate for what it is now: it may end while the client is connected."""
        shown, tls = request.peer.certificate, self._tls
        if shown is not None and isinstance(tls, ServingContext) and not tls.clients.is_ours(shown):
            request.peer = self._parser.peer = attrs.evolve(request.peer, certificate=None, is_stranger=True)

    # --- reading

    async def _serve(self) -> None:
        parser = self._parser
        while True:
            while not parser.ready:
                if parser.failure is not None:
                    await answers.refuse(self.line, parser.failure)
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
            if parser.ready:
                await trio.lowlevel.checkpoint()
            elif parser.paused:
                parser.resume()

    async def _read(self) -> bool:
        """Take in what the client sends next; False when there is nothing more."""
        parser, line = self._parser, self.line
        if not parser.started:
            if self._ending:
                return False
            line.enter(Phase.IDLE)
        elif not parser.in_body:
            line.remain(Phase.HEAD)
        else:
            line.remain(Phase.BODY)
            if parser.expects_continue:
                parser.expects_continue = False
                await self._wire.send_all(heads.CONTINUE)
        data = await self._wire.receive_some()
        if not data:
            return False
        parser.feed(data)
        return True

    async def _take_in(self) -> None:
        """Keep what the client sends while its answer is a stream; returns when it goes, or sends too much.

        A body that is still being passed on is taken in by whoever does that.
        """
        parser, kept = self._parser, 0
        if self._incoming is not None:
            await self._incoming.complete.wait()
        while kept <= _PIPELINED and (data := await self._wire.receive_some()):
            kept += len(data)
            parser.feed(data)

    # --- answering

    async def _answer(self, parsed: Parsed) -> bool:
        """Answer one request; whether there may be another one."""
        refused = self._host_problem(parsed)
        if refused is not None:
            await answers.refuse(self.line, refused)
            return False
        self.line.enter(Phase.HANDLING)
        self._judge(parsed.request)
        self.handling = parsed.request
        if parsed.incoming is not None:
            parsed.incoming.pull = self._pull
        response = await self._service.handler(parsed.request)
        self.handling = None
        if isinstance(response, Upgrade):
            await self._upgrade(parsed, response)
            return False
        framing = answers.closing(parsed, ending=self._ending or _goes_on(parsed))
        if isinstance(response, Full):
            await answers.send_full(self.line, parsed, response, self._service.compressing, framing)
            goes_on = framing is not heads.CLOSE
        else:
            goes_on = await self._send_stream(parsed, response, framing)
        if _goes_on(parsed):
            await self._let_finish(parsed)
        return goes_on

    async def _pull(self) -> bool:
        """Take in more of a body that is being passed on; False when the client has gone."""
        parser = self._parser
        if parser.expects_continue:
            parser.expects_continue = False
            await self._wire.send_all(heads.CONTINUE)
        data = await self._wire.receive_some()
        if data:
            parser.feed(data)
        return bool(data)

    async def _let_finish(self, parsed: Parsed) -> None:
        """Let a client that was answered before it had sent its body read the answer: closing at once could lose it."""
        if parsed.incoming is not None and not self._parser.expects_continue:
            with trio.move_on_after(_FAREWELL):
                await parsed.incoming.skip(_UNWANTED)

    def _host_problem(self, parsed: Parsed) -> ApiError | None:
        host = parsed.request.headers.get("host")
        if host is None:
            return bad_request("the request has no Host header") if parsed.is_1_1 else None
        if self._checks_host and not self._service.hosts.accepts(host):
            return ApiError("Forbidden", 403, UNKNOWN_HOST)
        return None

    async def _send_stream(self, parsed: Parsed, response: Streaming, framing: str) -> bool:
        chunked, line = parsed.is_1_1, self.line
        framing = framing + heads.CHUNKED if chunked else heads.CLOSE  # without chunks the end is the end
        audit_id = parsed.request.headers["audit-id"]
        await line.send(heads.head(response.status, response.content_type, response.headers, audit_id, framing))
        goes_on = heads.CLOSE not in framing
        if parsed.request.method == "HEAD":
            return goes_on
        line.enter(Phase.STREAMING)
        self._incoming = parsed.incoming
        self._stream = stream = StreamAnswer(parsed.request, line, chunked=chunked)
        if self._ending:
            stream.end()
        await stream.run(response.write, self._take_in)
        self._stream = self._incoming = None
        if stream.whole and chunked:
            await line.send(heads.LAST_CHUNK)
        return stream.whole and goes_on and not self._ending

    async def _upgrade(self, parsed: Parsed, response: Upgrade) -> None:
        audit_id = parsed.request.headers["audit-id"]
        await self.line.send(heads.upgrade_head(response.protocol, response.headers, audit_id))
        self.line.enter(Phase.STREAMING)
        with trio.CancelScope() as self._upgraded:
            if self._ending:
                self._upgraded.cancel()
            try:
                await response.run(WithLeftover(self._parser.leftover, self._wire))
            except ExceptionGroup as errors:
                if not is_going(errors):
                    raise


def _goes_on(parsed: Parsed) -> bool:
    """Whether the client is still sending the request's body."""
    return parsed.incoming is not None and not parsed.incoming.complete.is_set()


def timed_out() -> ApiError:
    """504 in kube-apiserver's words."""
    return ApiError("Timeout", 504, "Timeout: request did not complete within the allotted timeout")
