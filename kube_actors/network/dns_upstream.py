"""Questions the cluster cannot answer go to the machine's own nameservers."""

from __future__ import annotations

import os
import secrets
import socket
import struct
from collections.abc import Collection
from pathlib import Path

import trio

from kube_actors.network.dns_wire import HEADER
from kube_actors.network.resolv_conf import parse_resolv_conf

_TIMEOUT = 2.0
"""Seconds (of the machine) a nameserver may take."""
_ROUNDS = 2
_TCP_MAX = 65_535
DNS_PORT = 53


class Upstream:
    """Asks the nameservers of a resolv.conf, in order, the one that answered last first; each twice.

    The file is read again when it changes. `avoid` are addresses never to ask: our own, which would ask us again.
    """

    def __init__(self, resolv_conf: Path, avoid: Collection[str] = (), *, port: int = DNS_PORT) -> None:
        self._path = resolv_conf
        self._avoid = frozenset(avoid)
        self._port = port
        self._stamp: tuple[int, int] | None = None
        self._servers: list[str] = []

    async def ask(self, message: bytes, *, question_end: int, tcp: bool) -> bytes | None:
        """The response to a query, with the query's own id; None when no nameserver gave one.

        A question that came over TCP is asked over TCP, and over UDP where that fails. `question_end` is the length of
        header and question: a response counts only if it repeats them.
        """
        for _ in range(_ROUNDS):
            for server in self._nameservers():
                for transport in (self._over_tcp, self._over_udp) if tcp else (self._over_udp,):
                    # The id must not be guessed by whoever wants to forge an answer, so it is no seeded number.
                    sent = secrets.token_bytes(2) + message[2:]
                    try:
                        with trio.fail_after(_TIMEOUT):
                            response = await transport(server, sent, question_end)
                    except (OSError, trio.TooSlowError, trio.BrokenResourceError):
                        continue
                    self._prefer(server)
                    return message[:2] + response[2:]
        return None

    def _nameservers(self) -> tuple[str, ...]:
        try:
            status = os.stat(self._path)
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                found = parse_resolv_conf(self._path.read_text(errors="replace")).nameservers
                self._servers = [server for server in found if server not in self._avoid]
                self._stamp = stamp
        except OSError:
            self._servers, self._stamp = [], None
        return tuple(self._servers)

    def _prefer(self, server: str) -> None:
        if server in self._servers and self._servers[0] != server:
            self._servers.remove(server)
            self._servers.insert(0, server)

    async def _over_udp(self, server: str, message: bytes, question_end: int) -> bytes:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            # Connected, so the kernel lets only this server's datagrams through and reports a closed port.
            sock.connect((server, self._port))
            sock.send(message)
            while True:
                await trio.lowlevel.wait_readable(sock)
                response = sock.recv(_TCP_MAX)
                if _answers(response, message, question_end):
                    return response

    async def _over_tcp(self, server: str, message: bytes, question_end: int) -> bytes:
        async with await trio.open_tcp_stream(server, self._port) as stream:
            await stream.send_all(struct.pack("!H", len(message)) + message)
            data = b""
            while len(data) < 2 or len(data) < 2 + struct.unpack_from("!H", data)[0]:
                more = await stream.receive_some(_TCP_MAX)
                if not more:
                    raise OSError("the nameserver closed the connection")
                data += more
        if not _answers(data[2:], message, question_end):
            raise OSError("the nameserver answered another question")
        return data[2:]


def _answers(response: bytes, message: bytes, question_end: int) -> bool:
    """Whether this is a response to this message: same id, and the same question (or none, as some errors have)."""
    if len(response) < HEADER.size or not response[2] & 0x80 or response[:2] != message[:2]:
        return False
    if response[4:6] == b"\0\0":
        return bool(response[3] & 0xF)
    asked, repeated = message[HEADER.size : question_end], response[HEADER.size : question_end]
    return response[4:6] == b"\0\1" and asked.lower() == repeated.lower()
