"""rtnetlink, only what pod networks need: links, addresses and routes, many requests in one send."""

from __future__ import annotations

import os
import socket
import struct
from typing import Self

_NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE, _DELROUTE = 16, 17, 20, 24, 25
_REQUEST, _ACK, _CREATE, _EXCL = 1, 4, 0x400, 0x200
_NLMSG_ERROR = 2
_IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 3, 4, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC = 1, 4, 5, 7
_RTNH_ONLINK = 4
TABLE_MAIN, TABLE_LOCAL = 254, 255
SCOPE_GLOBAL, SCOPE_LINK, SCOPE_HOST = 0, 253, 254
UNICAST, LOCAL, UNREACHABLE = 1, 2, 7
_NESTED = 0x8000
_HEADER = struct.Struct("=IHHII")


def attribute(kind: int, value: bytes | str | int | list[bytes]) -> bytes:
    """One netlink attribute; a list nests attributes, numbers are 32 bits in machine order."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack("=I", value)
    elif isinstance(value, list):
        value = b"".join(value)
        kind |= _NESTED
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def split_network(cidr: str) -> tuple[str, int]:
    """`10.244.0.0/16` as address and prefix length."""
    address, _, length = cidr.partition("/")
    return address, int(length or 32)


class Routes:
    """A batch of requests to the network namespace the socket was made in; `commit` sends them all."""

    def __init__(self) -> None:
        flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, flags, socket.NETLINK_ROUTE)
        self._socket.settimeout(5)
        self._queue: list[bytes] = []
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def link_up(self, index: int) -> Self:
        """Set an interface up."""
        return self._add(_NEWLINK, struct.pack("=BxHiII", 0, 0, index, 1, 1), 0)

    def veth(self, name: str, index: int, peer: str, peer_namespace: int, *, mtu: int, peer_index: int = 2) -> Self:
        """A pair of interfaces: `name` here and up, `peer` in the other namespace."""
        size = attribute(_IFLA_MTU, mtu)
        there = struct.pack("=BxHiII", 0, 0, peer_index, 0, 0) + attribute(_IFLA_IFNAME, peer) + size
        there += attribute(_IFLA_NET_NS_FD, peer_namespace)
        info = [attribute(_INFO_KIND, "veth"), attribute(_INFO_DATA, [attribute(_VETH_PEER | _NESTED, there)])]
        here = struct.pack("=BxHiII", 0, 0, index, 1, 1) + attribute(_IFLA_IFNAME, name) + size
        return self._add(_NEWLINK, here + attribute(_IFLA_LINKINFO, info), _CREATE | _EXCL)

    def delete_link(self, name: str) -> Self:
        """Take an interface away by its name."""
        return self._add(_DELLINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name), 0)

    def address(self, index: int, address: str, length: int = 32) -> Self:
        """Give an interface an address."""
        raw = socket.inet_aton(address)
        body = struct.pack("=BBBBi", 2, length, 0, 0, index) + attribute(2, raw) + attribute(1, raw)
        return self._add(_NEWADDR, body, _CREATE | _EXCL)

    def route(
        self,
        network: str,
        *,
        via: str | None = None,
        index: int | None = None,
        source: str | None = None,
        kind: int = UNICAST,
        scope: int = SCOPE_GLOBAL,
        table: int = TABLE_MAIN,
    ) -> Self:
        """A route to `network` (CIDR; a bare address is one host). `via` with `index` needs no other route to `via`."""
        destination, length = split_network(network)
        flags = _RTNH_ONLINK if via and index else 0
        body = struct.pack("=BBBBBBBBI", 2, length, 0, 0, table, 3, scope, kind, flags)
        if length:
            body += attribute(_RTA_DST, socket.inet_aton(destination))
        if via:
            body += attribute(_RTA_GATEWAY, socket.inet_aton(via))
        if index:
            body += attribute(_RTA_OIF, index)
        if source:
            body += attribute(_RTA_PREFSRC, socket.inet_aton(source))
        return self._add(_NEWROUTE, body, _CREATE | _EXCL)

    def delete_route(self, network: str) -> Self:
        """Take a route of the main table away."""
        destination, length = split_network(network)
        any_scope = 255
        body = struct.pack("=BBBBBBBBI", 2, length, 0, 0, TABLE_MAIN, 0, any_scope, 0, 0)
        return self._add(_DELROUTE, body + attribute(_RTA_DST, socket.inet_aton(destination)), 0)

    def commit(self) -> None:
        """Send the batch and wait for every answer; raises the first error, after all were tried."""
        waiting, failed = len(self._queue), None
        if waiting:
            self._socket.send(b"".join(self._queue))
            self._queue.clear()
        while waiting:
            data, offset = self._socket.recv(1 << 16), 0
            while offset < len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
                if kind == _NLMSG_ERROR:
                    waiting -= 1
                    code = -struct.unpack_from("=i", data, offset + _HEADER.size)[0]
                    if code and failed is None:
                        failed = OSError(code, os.strerror(code), f"netlink request {sequence}")
                offset += (length + 3) & ~3
        if failed is not None:
            raise failed

    def _add(self, kind: int, body: bytes, flags: int) -> Self:
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _ACK | flags, self._sequence, 0)
        self._queue.append(header + body)
        return self


def link_exists(name: str) -> bool:
    """Whether the current network namespace has an interface of that name."""
    return any(known == name for _, known in socket.if_nameindex())
