"""DNS messages against an independent implementation, and against anything at all."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.network.dns_wire import (
    Answer,
    Malformed,
    Query,
    Rcode,
    Record,
    Type,
    labels_of,
    parse_query,
    read_answers,
    read_name,
    wire_name,
    write_answer,
    write_error,
)

LABEL = st.text("abcXYZ019-_", min_size=1, max_size=63)
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)


@settings(deadline=None)
@given(NAME, st.sampled_from(["A", "AAAA", "SRV", "PTR", "TXT"]), st.booleans())
def test_queries_are_read(name: str, type_: str, edns: bool) -> None:
    """Name, type, id and EDNS size of queries another implementation wrote."""
    message = dns.message.make_query(name + ".", type_, use_edns=0 if edns else False, payload=4000)
    query = parse_query(message.to_wire())
    assert (query.id, query.name, query.type) == (message.id, wire_name(name), dns.rdatatype.from_text(type_))
    assert query.udp_size == (4000 if edns else None)
    assert query.recursion_desired


@settings(deadline=None)
@given(st.lists(st.tuples(NAME, st.binary(min_size=4, max_size=4)), max_size=40), st.sampled_from([512, 1232, 65535]))
def test_answers_are_understood(records: list[tuple[str, bytes]], size: int) -> None:
    """What we write, compression included, another implementation reads; what does not fit is cut with the flag set."""
    query = parse_query(dns.message.make_query("web.default.svc.cluster.local.", "A").to_wire())
    answers = tuple(Record(wire_name(f"{name}.svc.cluster.local"), Type.A, 5, data) for name, data in records)
    wire = write_answer(query, Answer(answers=answers), size)
    assert len(wire) <= size
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    expected = [(f"{name}.svc.cluster.local.".lower(), ".".join(map(str, data))) for name, data in records]
    found = [(str(rrset.name), str(rrset[0])) for rrset in message.answer]
    assert found == expected[: len(found)]
    assert bool(message.flags & dns.flags.TC) == (len(found) < len(expected))
    assert read_answers(wire) == (Rcode.NOERROR, answers[: len(found)])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_either_a_query_or_malformed(data: bytes) -> None:
    """Nothing a client sends raises anything else, and what is accepted can be answered."""
    for read in (parse_query, read_answers):
        try:
            found = read(data)
        except Malformed:
            continue
        if isinstance(found, Query):
            dns.message.from_wire(write_answer(found, Answer(Rcode.NXDOMAIN), 512), ignore_trailing=True)
    write_error(data, Rcode.FORMERR)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_query_is_either_read_or_malformed(data: st.DataObject) -> None:
    """Single bytes of a good query changed, or its end cut off."""
    wire = bytearray(dns.message.make_query("web.default.svc.cluster.local.", "SRV", use_edns=0).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(wire[: data.draw(st.integers(0, len(wire)))])
    try:
        query = parse_query(damaged)
    except Malformed:
        return
    assert len(write_answer(query, Answer(), 512)) <= 512


@pytest.mark.parametrize(
    "wire",
    [
        b"\xc0\x00",  # points to itself
        b"\x01a\xc0\x00",  # leads back to its own start
        b"\xc0\x02\xc0\x00",  # forwards, then back
        b"\x05abc",  # cut off
        b"\x40abc\0",  # a label type nobody uses
        b"\xc0",
        b"\x3f" + b"a" * 63 + b"\xc0\x00",
    ],
)
def test_pointers_cannot_loop(wire: bytes) -> None:
    """Every pointer leads backwards or the name is refused."""
    with pytest.raises(Malformed):
        read_name(wire, 0)


def test_pointers_cannot_go_round_among_earlier_names() -> None:
    """Two pointers before the name, each to the other."""
    with pytest.raises(Malformed):
        read_name(b"\xc0\x02\xc0\x00\xc0\x00", 4)


def test_compressed_names_are_read() -> None:
    """A pointer to an earlier name, and the place after it."""
    wire = b"\x03Web\x05local\0" + b"\x01a\xc0\x04" + b"rest"
    assert read_name(wire, 11) == (b"\x01a\x05local\0", 15)


def test_names_keep_to_the_limits_of_dns() -> None:
    """63 bytes a label, 255 a name."""
    assert labels_of(wire_name("Web.Default.")) == (b"web", b"default")
    for name in ("a" * 64, ".".join(["a" * 60] * 5)):
        with pytest.raises(Malformed):
            wire_name(name)


def test_the_case_of_a_question_is_echoed() -> None:
    """Resolvers that mix the case to spot forgeries get theirs back."""
    query = parse_query(dns.message.make_query("WeB.LoCaL.", "A").to_wire())
    assert query.name == wire_name("web.local")
    assert b"\x03WeB\x05LoCaL\0" in write_answer(query, Answer(), 512)


def test_errors_repeat_the_id_and_say_nothing_to_responses() -> None:
    """What cannot be read is answered with its code; a response never is, or two servers would talk for ever."""
    answer = write_error(struct.pack("!6H", 77, 0x0100, 2, 0, 0, 0), Rcode.FORMERR)
    assert answer == struct.pack("!6H", 77, 0x8181, 0, 0, 0, 0)
    assert write_error(struct.pack("!6H", 77, 0x8000, 1, 0, 0, 0), Rcode.FORMERR) is None
    assert write_error(b"short", Rcode.FORMERR) is None
