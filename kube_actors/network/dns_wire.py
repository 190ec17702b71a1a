"""DNS messages as bytes (RFC 1035, EDNS of RFC 6891): reading queries that may be anything, writing answers.

Names are kept in wire form, lower case: unambiguous whatever bytes a label holds, and a key that needs no decoding.
(Lower-casing leaves length bytes alone: they are at most 63, and "A" is 65.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from kube_actors.errors import KubeActorsError
from kube_actors.records import frozen

HEADER = struct.Struct("!6H")
UDP_SIZE = 1232
"""Largest answer we send or take over UDP: what passes any link unfragmented (DNS flag day 2020)."""
TRUNCATED = 0x0200
_POINTER = 0xC0


class Type(IntEnum):
    """Record types this package knows by name."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    IXFR = 251
    AXFR = 252
    ANY = 255


class Rcode(IntEnum):
    """Response codes."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


class Malformed(KubeActorsError):
    """The bytes are no DNS message."""


class Record(NamedTuple):
    """One resource record of class IN; names in wire form, `ttl` in seconds."""

    name: bytes
    type: int
    ttl: int
    data: bytes


@frozen
class Query:
    """A question. `question` is its bytes as they came (answers echo the case); `udp_size` is None without EDNS."""

    id: int
    opcode: int
    recursion_desired: bool
    name: bytes
    type: int
    is_internet: bool
    question: bytes
    udp_size: int | None = None
    edns_version: int = 0


@frozen
class Answer:
    """What is said to a query. `authoritative` sets AA."""

    rcode: Rcode = Rcode.NOERROR
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authoritative: bool = True


def wire_name(name: str) -> bytes:
    """A dotted name (with or without the last dot) in wire form, lower case."""
    labels = [label.encode() for label in name.rstrip(".").lower().split(".") if label]
    if any(len(label) > 63 for label in labels):
        raise Malformed(f"a label of {name!r} is longer than 63 bytes")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > 255:
        raise Malformed(f"{name!r} is longer than 255 bytes")
    return wire


def labels_of(name: bytes) -> tuple[bytes, ...]:
    """The labels of a name in wire form."""
    labels, at = [], 0
    while length := name[at]:
        labels.append(name[at + 1 : at + 1 + length])
        at += length + 1
    return tuple(labels)


def parse_query(data: bytes) -> Query:
    """Read a query; Malformed unless it is one question, well formed to its end."""
    if len(data) < HEADER.size:
        raise Malformed("shorter than a header")
    id_, flags, questions, *counts = HEADER.unpack_from(data)
    if flags & 0x8000:
        raise Malformed("a response")
    if questions != 1:
        raise Malformed("not one question")
    name, at = _plain_name(data, HEADER.size)
    if at + 4 > len(data):
        raise Malformed("cut off")
    type_, class_ = struct.unpack_from("!2H", data, at)
    udp_size, version = _edns(data, at + 4, sum(counts))
    return Query(
        id=id_,
        opcode=flags >> 11 & 0xF,
        recursion_desired=bool(flags & 0x0100),
        name=name,
        type=type_,
        is_internet=class_ in (1, 255),
        question=data[HEADER.size : at + 4],
        udp_size=udp_size,
        edns_version=version,
    )


def _plain_name(data: bytes, at: int) -> tuple[bytes, int]:
    """A name without compression (nothing stands before a question that it could point to), and where it ends."""
    start = at
    while True:
        if at >= len(data):
            raise Malformed("cut off")
        length = data[at]
        if length > 63:
            raise Malformed("a compressed name in a question")
        at += length + 1
        if at - start > 255:
            raise Malformed("a name longer than 255 bytes")
        if not length:
            return data[start:at].lower(), at


def _edns(data: bytes, at: int, records: int) -> tuple[int | None, int]:
    """UDP size and version of the OPT record among a query's further records."""
    found: tuple[int | None, int] = (None, 0)
    for _ in range(records):
        _, at = read_name(data, at)
        if at + 10 > len(data):
            raise Malformed("cut off")
        type_, size, _, version, _, length = struct.unpack_from("!HHBBHH", data, at)
        at += 10 + length
        if at > len(data):
            raise Malformed("cut off")
        if type_ == Type.OPT:
            found = (max(size, 512), version)
    return found


def read_name(data: bytes, at: int) -> tuple[bytes, int]:
    """A name that may be compressed, and where its field ends. Pointers must lead backwards, so they cannot loop."""
    name, end, limit = b"", 0, at
    while True:
        if at >= len(data):
            raise Malformed("cut off")
        length = data[at]
        if length >= _POINTER:
            if at + 2 > len(data):
                raise Malformed("cut off")
            end = end or at + 2
            at = struct.unpack_from("!H", data, at)[0] & 0x3FFF
            if at >= limit:
                raise Malformed("a name that points forwards")
            limit = at
            continue
        if length > 63:
            raise Malformed("an unknown kind of label")
        name += data[at : at + 1 + length]
        at += length + 1
        if len(name) > 255 or at > len(data):
            raise Malformed("a name that does not end")
        if not length:
            return name.lower(), end or at


def read_answers(data: bytes) -> tuple[Rcode | None, tuple[Record, ...]]:
    """The code (None when we have no name for it) and the address and alias records of a response's answer section."""
    if len(data) < HEADER.size:
        raise Malformed("shorter than a header")
    _, flags, questions, answers, _, _ = HEADER.unpack_from(data)
    at = HEADER.size
    for _ in range(questions):
        at = read_name(data, at)[1] + 4
    found: list[Record] = []
    for _ in range(answers):
        name, at = read_name(data, at)
        if at + 10 > len(data):
            raise Malformed("cut off")
        type_, _, ttl, length = struct.unpack_from("!HHIH", data, at)
        at += 10
        content = data[at : at + length]
        if len(content) < length:
            raise Malformed("cut off")
        if type_ == Type.CNAME:
            content = read_name(data, at)[0]
        if type_ in (Type.A, Type.AAAA, Type.CNAME):
            found.append(Record(name, type_, ttl, content))
        at += length
    known = {rcode.value: rcode for rcode in Rcode}
    return known.get(flags & 0xF), tuple(found)


def write_answer(query: Query, answer: Answer, size: int) -> bytes:
    """An answer of at most `size` bytes: what does not fit is left out, and the truncation flag set for answers."""
    flags = 0x8080 | query.opcode << 11 | query.recursion_desired << 8 | answer.authoritative << 10 | answer.rcode & 0xF
    option = b""
    if query.udp_size is not None:
        option = b"\0" + struct.pack("!HHBBHH", Type.OPT, UDP_SIZE, answer.rcode >> 4, 0, 0, 0)
    writer = _Writer(query, size - len(option))
    answers = writer.add(answer.answers)
    if answers < len(answer.answers):
        flags |= TRUNCATED
        authority = additional = 0
    else:
        authority, additional = writer.add(answer.authority), writer.add(answer.additional)
    header = HEADER.pack(query.id, flags, 1, answers, authority, additional + bool(option))
    return header + bytes(writer.body) + option


def write_error(data: bytes, rcode: Rcode) -> bytes | None:
    """An answer to what could not be read; None when even that makes no sense (too short, or itself a response)."""
    if len(data) < HEADER.size or data[2] & 0x80:
        return None
    id_, flags = struct.unpack_from("!2H", data)
    return HEADER.pack(id_, 0x8080 | flags & 0x7900 | rcode, 0, 0, 0, 0)


class _Writer:
    """Appends records up to a size; owner names point to where the same ending was written before."""

    def __init__(self, query: Query, size: int) -> None:
        self.body = bytearray(query.question)
        self._size = size - HEADER.size
        self._offsets: dict[bytes, int] = {}
        self._remember(query.name, 0)

    def add(self, records: Sequence[Record]) -> int:
        """How many of the records fitted."""
        for count, record in enumerate(records):
            name = self._compressed(record.name)
            fixed = struct.pack("!HHIH", record.type, 1, record.ttl, len(record.data))
            if len(self.body) + len(name) + len(fixed) + len(record.data) > self._size:
                return count
            self._remember(record.name, len(self.body))
            self.body += name + fixed + record.data
        return len(records)

    def _compressed(self, name: bytes) -> bytes:
        for at in _label_starts(name):
            offset = self._offsets.get(name[at:])
            if offset is not None:
                return name[:at] + struct.pack("!H", _POINTER << 8 | offset)
        return name

    def _remember(self, name: bytes, at: int) -> None:
        for start in _label_starts(name):
            if name[start:] in self._offsets:
                return
            if HEADER.size + at + start < 0x4000:
                self._offsets[name[start:]] = HEADER.size + at + start


def _label_starts(name: bytes) -> Iterable[int]:
    at = 0
    while name[at]:
        yield at
        at += name[at] + 1
