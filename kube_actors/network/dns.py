"""The cluster's DNS server, on sockets it is given (the agent opens them at the DNS Service's address)."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable

import attrs
import trio

from kube_actors.network.dns_authority import Authority
from kube_actors.network.dns_upstream import Upstream
from kube_actors.network.dns_wire import (
    HEADER,
    TRUNCATED,
    UDP_SIZE,
    Answer,
    Malformed,
    Query,
    Rcode,
    Record,
    Type,
    parse_query,
    read_answers,
    write_answer,
    write_error,
)
from kube_actors.network.proxy import plain_socket

_DATAGRAMS_AT_ONCE = 64
_TCP_MAX = 65_535
_TCP_IDLE = 10.0
"""Seconds (of the machine) a TCP connection may be silent."""
_TCP_CONNECTIONS = 128
_UPSTREAM_AT_ONCE = 500
_ALIASES = 8

AnySocket = socket.socket | trio.socket.SocketType
Reply = Callable[[bytes], None]


class DnsServer:
    """Answers what the cluster knows at once; asks upstream for the rest, at most 500 questions at a time."""

    def __init__(self, authority: Authority, upstream: Upstream) -> None:
        self._authority = authority
        self._upstream = upstream
        self._asking = 0

    async def serve_udp(self, handed: AnySocket) -> None:
        """Serve a bound datagram socket until cancelled, then close it."""
        with _plain(handed) as sock:
            async with trio.open_nursery() as nursery:
                while True:
                    await trio.lowlevel.wait_readable(sock)
                    self._receive(sock, nursery)

    def _receive(self, sock: socket.socket, nursery: trio.Nursery) -> None:
        for _ in range(_DATAGRAMS_AT_ONCE):
            try:
                data, client = sock.recvfrom(_TCP_MAX)
            except OSError:
                return

            def reply(response: bytes, client: tuple[str, int] = client) -> None:
                # A full send buffer or a client that went away: it asks again, that is UDP.
                with contextlib.suppress(OSError):
                    sock.sendto(response, client)

            response = self._at_once(data, tcp=False)
            if isinstance(response, Query):
                nursery.start_soon(self._forward, data, response, False, reply, name="question upstream")
            elif response is not None:
                reply(response)

    async def serve_tcp(self, handed: AnySocket) -> None:
        """Serve a listening socket until cancelled, then close it."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(_plain(handed)))
        room = trio.Semaphore(_TCP_CONNECTIONS)
        async with listener, trio.open_nursery() as nursery:
            while True:
                await room.acquire()
                nursery.start_soon(self._serve_connection, await _accept(listener), room, name="DNS over TCP")

    async def _serve_connection(self, stream: trio.SocketStream, room: trio.Semaphore) -> None:
        try:
            async with stream:
                with contextlib.suppress(trio.BrokenResourceError, trio.TooSlowError):
                    while (data := await _receive_message(stream)) and (response := await self._answer_tcp(data)):
                        with trio.fail_after(_TCP_IDLE):
                            await stream.send_all(struct.pack("!H", len(response)) + response)
        finally:
            room.release()

    async def _answer_tcp(self, data: bytes) -> bytes | None:
        response = self._at_once(data, tcp=True)
        if not isinstance(response, Query):
            return response
        replies: list[bytes] = []
        await self._forward(data, response, True, replies.append)
        return replies[0]

    def _at_once(self, data: bytes, *, tcp: bool) -> bytes | Query | None:
        """The response, nothing (for what deserves none), or the query when upstream has to be asked."""
        try:
            query = parse_query(data)
        except Malformed:
            return write_error(data, Rcode.FORMERR)
        answer = self._refusal(query) or self._authority.answer(query)
        if answer is None or _alias(query, answer) is not None:
            return query
        return write_answer(query, answer, _room(query, tcp))

    @staticmethod
    def _refusal(query: Query) -> Answer | None:
        if query.opcode:
            return Answer(Rcode.NOTIMP, authoritative=False)
        if query.edns_version:
            return Answer(Rcode.BADVERS, authoritative=False)
        if not query.is_internet or query.type in (Type.AXFR, Type.IXFR):
            return Answer(Rcode.REFUSED, authoritative=False)
        return None

    async def _forward(self, data: bytes, query: Query, tcp: bool, reply: Reply) -> None:
        """Ask upstream and reply; SERVFAIL when nobody answers or too many questions are under way."""
        response: bytes | None = None
        if self._asking < _UPSTREAM_AT_ONCE:
            self._asking += 1
            try:
                answer = self._authority.answer(query)
                if answer is not None:
                    answer = await self._follow(query, answer, tcp)
                    response = write_answer(query, answer, _room(query, tcp))
                else:
                    end = HEADER.size + len(query.question)
                    response = await self._upstream.ask(data, question_end=end, tcp=tcp)
            finally:
                self._asking -= 1
        failed = Answer(Rcode.SERVFAIL, authoritative=False)
        reply(response or write_answer(query, failed, _room(query, tcp)))

    async def _follow(self, query: Query, answer: Answer, tcp: bool) -> Answer:
        """Add what an alias (ExternalName) leads to: resolvers in pods do not follow one by themselves."""
        chain: list[Record] = list(answer.answers)
        for _ in range(_ALIASES):
            target = chain[-1].data
            step = attrs.evolve(query, name=target, question=target + struct.pack("!2H", query.type, 1))
            known = self._authority.answer(step)
            if known is None:
                return await self._outside(step, chain, tcp)
            chain += known.answers
            if _alias(step, known) is None:
                return attrs.evolve(known, answers=tuple(chain))
        return Answer(Rcode.SERVFAIL, authoritative=False)

    async def _outside(self, step: Query, chain: list[Record], tcp: bool) -> Answer:
        message = HEADER.pack(step.id, 0x0100, 1, 0, 0, 0) + step.question
        response = await self._upstream.ask(message, question_end=len(message), tcp=tcp)
        if response and response[2] & TRUNCATED >> 8 and not tcp:
            response = await self._upstream.ask(message, question_end=len(message), tcp=True)
        try:
            rcode, records = read_answers(response or b"")
        except Malformed:
            rcode, records = None, ()
        if rcode is None:
            return Answer(Rcode.SERVFAIL, authoritative=False)
        return Answer(rcode, (*chain, *records), authoritative=False)


def _room(query: Query, tcp: bool) -> int:
    """How long an answer may be: 512 bytes over UDP, more when the client says so, never more than passes any link."""
    return _TCP_MAX if tcp else min(query.udp_size or 512, UDP_SIZE)


def _alias(query: Query, answer: Answer) -> bytes | None:
    """Where an answer that is nothing but an alias leads to."""
    if query.type in (Type.CNAME, Type.ANY) or not answer.answers:
        return None
    last = answer.answers[-1]
    return last.data if last.type == Type.CNAME else None


def _plain(sock: AnySocket) -> socket.socket:
    if not isinstance(sock, socket.socket):
        return plain_socket(sock)
    sock.setblocking(False)
    return sock


async def _accept(listener: trio.SocketListener) -> trio.SocketStream:
    while True:
        try:
            return await listener.accept()
        except OSError:  # out of descriptors: some will be closed
            await trio.sleep(0.1)


async def _receive_message(stream: trio.SocketStream) -> bytes | None:
    """One length-prefixed message; None at the end. TooSlowError when the client falls silent."""
    with trio.fail_after(_TCP_IDLE):
        prefix = await _exactly(stream, 2)
        return await _exactly(stream, struct.unpack("!H", prefix)[0]) if prefix else None


async def _exactly(stream: trio.SocketStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            return b""
        data += more
    return data
