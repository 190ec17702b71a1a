"""Forgetting UDP flows of the connection tracker, over raw netlink."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping

_NETFILTER, _GET, _DELETE = 12, 0x101, 0x102
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_TUPLE_ORIG, _TUPLE_REPLY, _TUPLE_IP, _TUPLE_PROTO = 1, 2, 1, 2
_IP_SOURCE, _IP_DESTINATION = 1, 2
_PROTO_NUMBER, _PROTO_SOURCE_PORT, _PROTO_DESTINATION_PORT = 1, 2, 3
_UDP = 17


def forget_udp(gone: Mapping[tuple[str, int], frozenset[tuple[str, int]]]) -> None:
    """Forget flows to a service (address, port) that go to one of the endpoints, or that were never sent on (they
    date from before the service had endpoints)."""
    flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, flags, _NETFILTER) as sock:
        sock.settimeout(5)
        stale = [original for original, reply in _flows(sock) if _is_stale(original, reply, gone)]
        for original in stale:
            _ask(sock, _DELETE, _REQUEST | _ACK, struct.pack("=HH", 4 + len(original), _TUPLE_ORIG | 0x8000) + original)
            sock.recv(1 << 16)  # gone in the meantime is fine


def _is_stale(original: bytes, reply: bytes, gone: Mapping[tuple[str, int], frozenset[tuple[str, int]]]) -> bool:
    protocol, _, service = _ends(original)
    answering = _ends(reply)[1]
    return protocol == _UDP and service in gone and (answering in gone[service] or answering == service)


def _ends(raw: bytes) -> tuple[int, tuple[str, int], tuple[str, int]]:
    """Protocol, source and destination of a tuple."""
    parts = dict(_attributes(raw))
    addresses, transport = dict(_attributes(parts[_TUPLE_IP])), dict(_attributes(parts[_TUPLE_PROTO]))
    ports = [transport.get(kind, b"\0\0") for kind in (_PROTO_SOURCE_PORT, _PROTO_DESTINATION_PORT)]
    source, destination = (
        (socket.inet_ntoa(addresses[kind][:4]), struct.unpack(">H", port[:2])[0])
        for kind, port in zip((_IP_SOURCE, _IP_DESTINATION), ports, strict=True)
    )
    return transport[_PROTO_NUMBER][0], source, destination


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(raw):
        length, kind = struct.unpack_from("=HH", raw, offset)
        yield kind & 0x3FFF, raw[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _flows(sock: socket.socket) -> list[tuple[bytes, bytes]]:
    """The original and reply tuple of every IPv4 flow."""
    _ask(sock, _GET, _REQUEST | _DUMP)
    flows: list[tuple[bytes, bytes]] = []
    while True:
        data, offset = sock.recv(1 << 18), 0
        while offset < len(data):
            length, kind = struct.unpack_from("=IH", data, offset)
            if kind == 3:
                return flows
            if kind == 2:
                code = -struct.unpack_from("=i", data, offset + 16)[0]
                raise OSError(code, os.strerror(code), "conntrack")
            parts = dict(_attributes(data[offset + 20 : offset + length]))
            flows.append((parts[_TUPLE_ORIG], parts[_TUPLE_REPLY]))
            offset += (length + 3) & ~3


def _ask(sock: socket.socket, kind: int, flags: int, body: bytes = b"") -> None:
    sock.send(struct.pack("=IHHIIBBH", 20 + len(body), kind, flags, 1, 0, socket.AF_INET, 0, 0) + body)
