"""nf_tables over raw netlink: tables, chains, maps, rules and elements, sent as one atomic transaction.

Neither the `nft` program nor libnftables is needed; a service changes in under a millisecond.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from typing import Self

TABLE = "kube_actors"
_NETFILTER, _SUBSYSTEM = 12, 0xA00
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NEWTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE, _DELRULE, _NEWSET, _DELSET, _NEWSETELEM, _DELSETELEM = (
    0, 2, 3, 6, 8, 9, 11, 12, 14
)  # fmt: skip
_REQUEST, _ACK, _CREATE, _APPEND = 1, 4, 0x400, 0x800
_UPDATE, _DELETE = 1, 2  # of elements, by a rule
_JUMP = -3
_IS_MAP, _HAS_TIMEOUT, _CHANGED_BY_RULES = 8, 16, 32
_HEADER = struct.Struct("=IHHIIBBH")
_NESTED = 0x8000
_SO_SNDBUFFORCE = 32
_ELEMENTS_PER_MESSAGE = 500  # a nested attribute is limited to 64 KiB
REGISTER = 8  # NFT_REG32_00, the first of sixteen 32-bit registers

Element = tuple[bytes, bytes | None]


def big(value: int) -> bytes:
    """A number in nf_tables' byte order."""
    return struct.pack(">I", value & 0xFFFFFFFF)


def attribute(kind: int, *parts: bytes | str) -> bytes:
    """One attribute; text ends with a zero byte."""
    data = b"".join(part if isinstance(part, bytes) else part.encode() + b"\0" for part in parts)
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | _NESTED, *parts)


def expression(name: str, *attributes: bytes) -> bytes:
    """One expression of a rule."""
    return nested(1, attribute(1, name), nested(2, *attributes))


def payload(register: int, base: int, offset: int, length: int) -> bytes:
    """Load packet bytes: base 1 is the network header, 2 the transport header."""
    return expression("payload", *(attribute(i, big(v)) for i, v in enumerate((register, base, offset, length), 1)))


def transport_protocol(register: int) -> bytes:
    """Load the transport protocol number."""
    return expression("meta", attribute(1, big(register)), attribute(2, big(16)))


def lookup(name: str, key: int, data: int | None = None) -> bytes:
    """Go on only when the set has the key at register `key`; a map's value is put at `data`."""
    value = () if data is None else (attribute(3, big(data)),)
    return expression("lookup", attribute(1, name), attribute(2, big(key)), *value)


def jump(chain: str) -> bytes:
    """Go through another chain, and on from here when that is done."""
    verdict = nested(2, nested(2, attribute(1, big(_JUMP)), attribute(2, chain)))
    return expression("immediate", attribute(1, big(0)), verdict)


def random_number(register: int, below: int) -> bytes:
    """Load a random number from 0 to below-1."""
    values = (register, below, 1, 0)
    return expression("numgen", *(attribute(i, big(v)) for i, v in enumerate(values, 1)))


def compare(register: int, value: bytes, *, equal: bool = True) -> bytes:
    """Go on only when the register begins with these bytes (or does not)."""
    operator = attribute(2, big(0 if equal else 1))
    return expression("cmp", attribute(1, big(register)), operator, nested(3, attribute(1, value)))


def remember(name: str, key: int, data: int, seconds: int) -> bytes:
    """Put the key at that register with its value into a map, or keep what is there, for so long from now on."""
    return _dynamic(_UPDATE, name, key, data, attribute(6, struct.pack(">Q", seconds * 1000)))


def forget(name: str, key: int, data: int) -> bytes:
    """Take the key at that register out of a map; `data` is any register that could hold a value of it."""
    return _dynamic(_DELETE, name, key, data)


def _dynamic(operation: int, name: str, key: int, data: int, *more: bytes) -> bytes:
    registers = (attribute(4, big(key)), attribute(5, big(data)))
    return expression("dynset", attribute(1, name), attribute(3, big(operation)), *registers, *more)


def destination_nat(address: int, port: int) -> bytes:
    """Send the connection to the address and port in those registers."""
    values = ((1, 1), (2, 2), (3, address), (5, port))
    return expression("nat", *(attribute(kind, big(value)) for kind, value in values))


def masquerade() -> bytes:
    """Take the outgoing interface's address as source."""
    return expression("masq")


class Transaction:
    """Changes to the tables of the network namespace the socket was made in, applied all or none by `commit`."""

    def __init__(self) -> None:
        flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, flags, _NETFILTER)
        self._socket.settimeout(5)
        self._sequence = 0
        self._sets = 0
        self._queue: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def table(self, name: str = TABLE) -> Self:
        """Create a table."""
        return self._add(_NEWTABLE, attribute(1, name))

    def delete_table(self, name: str = TABLE) -> Self:
        """Remove a table with all in it."""
        return self._add(_DELTABLE, attribute(1, name), flags=_REQUEST)

    def nat_chain(self, name: str, hook: int, priority: int) -> Self:
        """A base chain of type nat: hook 0 prerouting, 3 output, 4 postrouting."""
        place = nested(4, attribute(1, big(hook)), attribute(2, big(priority)))
        return self._add(_NEWCHAIN, attribute(1, TABLE), attribute(3, name), place, attribute(7, "nat"))

    def chain(self, name: str) -> Self:
        """A chain that others jump to."""
        return self._add(_NEWCHAIN, attribute(1, TABLE), attribute(3, name))

    def empty_chain(self, name: str) -> Self:
        """Remove all rules of a chain."""
        return self._add(_DELRULE, attribute(1, TABLE), attribute(2, name), flags=_REQUEST)

    def new_set(self, name: str, key_length: int, value_length: int = 0, *, forgets_at: int = 0) -> Self:
        """A set of keys, or a map when values have a length (both in bytes). `forgets_at` is how many elements one
        can have that rules fill, each for a time."""
        self._sets += 1
        value = (attribute(6, big(1)), attribute(7, big(value_length))) if value_length else ()
        dynamic = _HAS_TIMEOUT | _CHANGED_BY_RULES if forgets_at else 0
        flags = attribute(3, big((_IS_MAP if value_length else 0) | dynamic))
        key = (attribute(4, big(0)), attribute(5, big(key_length)))
        size = (nested(9, attribute(1, big(forgets_at))),) if forgets_at else ()
        return self._add(_NEWSET, attribute(1, TABLE), attribute(2, name), flags, *key, *value, *size,
                         attribute(10, big(self._sets)))  # fmt: skip

    def delete_set(self, name: str) -> Self:
        """Remove a set that no rule names any more, with all in it."""
        return self._add(_DELSET, attribute(1, TABLE), attribute(2, name), flags=_REQUEST)

    def rule(self, chain: str, *expressions: bytes) -> Self:
        """Append a rule."""
        body = (attribute(1, TABLE), attribute(2, chain), nested(4, *expressions))
        return self._add(_NEWRULE, *body, flags=_REQUEST | _CREATE | _APPEND)

    def add_elements(self, name: str, elements: Iterable[Element]) -> Self:
        """Put keys (with values, for a map) in a set."""
        return self._elements(_NEWSETELEM, name, list(elements), _REQUEST | _CREATE)

    def delete_elements(self, name: str, keys: Iterable[bytes]) -> Self:
        """Take keys out of a set."""
        return self._elements(_DELSETELEM, name, [(key, None) for key in keys], _REQUEST)

    def _elements(self, message: int, name: str, elements: list[Element], flags: int) -> Self:
        for start in range(0, len(elements), _ELEMENTS_PER_MESSAGE):
            part = elements[start : start + _ELEMENTS_PER_MESSAGE]
            listed = nested(3, *(nested(1, *_element(key, value)) for key, value in part))
            self._add(message, attribute(1, TABLE), attribute(2, name), listed, flags=flags)
        return self

    def _add(self, message: int, *parts: bytes, flags: int = _REQUEST | _CREATE) -> Self:
        self._queue.append(self._message(_SUBSYSTEM | message, b"".join(parts), flags, family=2))
        return self

    def _message(self, kind: int, body: bytes, flags: int, *, family: int = 0, resource: int = 0) -> bytes:
        self._sequence += 1
        length = _HEADER.size + len(body)
        return _HEADER.pack(length, kind, flags, self._sequence, 0, family, 0, socket.htons(resource)) + body

    def commit(self) -> None:
        """Apply everything queued as one transaction; raises OSError when the kernel refused it."""
        if not self._queue:
            return
        queue, self._queue = self._queue, []
        last = queue[-1]
        sequence = struct.unpack_from("=I", last, 8)[0]
        flags = struct.unpack_from("=H", last, 6)[0] | _ACK
        queue[-1] = last[:6] + struct.pack("=H", flags) + last[8:]
        begin = self._message(_BATCH_BEGIN, b"", _REQUEST, resource=10)
        end = self._message(_BATCH_END, b"", _REQUEST, resource=10)
        self._send(b"".join((begin, *queue, end)))
        self._receive(sequence, begin)

    def _send(self, batch: bytes) -> None:
        try:  # a batch is one datagram
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, max(2 * len(batch), 1 << 18))
        except PermissionError:  # in a user namespace net.core.wmem_max is the limit
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        self._socket.send(batch)

    def _receive(self, last: int, begin: bytes) -> None:
        first = struct.unpack_from("=I", begin, 8)[0]
        failed: OSError | None = None
        done = False
        while not done:
            data, offset = self._socket.recv(1 << 16), 0
            while offset < len(data):
                length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data, offset)
                if kind == 2:
                    code = -struct.unpack_from("=i", data, offset + 16)[0]
                    if code and failed is None:
                        failed = OSError(code, os.strerror(code), f"nftables request {sequence}")
                    done |= sequence in (first, last)
                offset += (length + 3) & ~3
        if failed is not None:
            raise failed


def _element(key: bytes, value: bytes | None) -> list[bytes]:
    parts = [nested(1, attribute(1, key))]
    return parts if value is None else [*parts, nested(2, attribute(1, value))]
