"""Bytes in, requests out: whole scripts of what a client sends, without a socket."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.server.edge.limits import BodyBudget, EdgeLimits
from kube_actors.server.edge.parsing import RequestParser
from kube_actors.server.http import Peer

LIMITS = EdgeLimits(body=1000, bodies=1500, head=2000, header_count=20)

CONVERSATION = (
    b"GET /api/v1/pods?limit=500 HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n"
    b"POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    b"PUT /x HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
    b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    b"DELETE /y HTTP/1.1\r\nhost: b\r\nConnection: close\r\n\r\n"
)
READ = [
    ("GET", "/api/v1/pods", b"", True),
    ("POST", "/api/v1/namespaces", b"hello", True),
    ("PUT", "/x", b"abcde", True),
    ("HEAD", "/", b"", True),
    ("DELETE", "/y", b"", False),
]


def new_parser(limits: EdgeLimits = LIMITS, budget: BodyBudget | None = None) -> RequestParser:
    """A parser of a new connection."""
    return RequestParser(Peer("127.0.0.1"), limits, budget or BodyBudget(limits.bodies))


def read(parser: RequestParser) -> list[tuple[str, str, bytes, bool]]:
    """What is ready: method, path, body, and whether more may follow."""
    return [(one.request.method, one.request.path, one.request.body, one.keep_alive) for one in parser.ready]


def failure_of(data: bytes, limits: EdgeLimits = LIMITS) -> tuple[int, str] | None:
    """Code and reason of what is answered to this."""
    parser = new_parser(limits)
    parser.feed(data)
    return (parser.failure.code, parser.failure.reason) if parser.failure is not None else None


def test_a_request_is_read_whole() -> None:
    """Method, path, query, headers and body arrive as the handler sees them."""
    parser = new_parser()
    parser.feed(
        b"POST /a%20b?x=1&y=&x=%26 HTTP/1.1\r\nHost: h\r\nX-Two: a \r\nx-two: b\r\nContent-Length: 3\r\n\r\nabc"
    )
    request = parser.ready[0].request
    assert (request.method, request.path, request.raw_path, request.body) == ("POST", "/a b", "/a%20b", b"abc")
    assert request.query == {"x": ("1", "&"), "y": ("",)}
    assert (request.headers["host"], request.headers["x-two"]) == ("h", "a, b")


def test_requests_come_one_after_the_other() -> None:
    """Pipelined requests with every kind of body, read in one go."""
    parser = new_parser()
    parser.feed(CONVERSATION)
    assert parser.failure is None
    assert read(parser) == READ
    assert parser.ready[2].request.headers.get("x-empty") == ""
    assert "t" not in parser.ready[2].request.headers, "trailers are no headers"
    assert [one.is_1_1 for one in parser.ready] == [True, True, True, False, True]


@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=30))
def test_it_does_not_matter_how_bytes_arrive(cuts: list[int]) -> None:
    """The same conversation, cut anywhere, is the same requests."""
    parser = new_parser()
    edges = [0, *sorted(set(cuts)), len(CONVERSATION)]
    for start, end in itertools.pairwise(edges):
        parser.feed(CONVERSATION[start:end])
    assert parser.failure is None
    assert read(parser) == READ
    assert parser.ready[2].request.headers.get("x-empty") == ""


@given(st.binary(max_size=300), st.integers(0, 300))
def test_garbage_is_refused_or_waited_for(data: bytes, cut: int) -> None:
    """Nothing a client sends raises, and nothing is kept for long."""
    budget = BodyBudget(1500)
    parser = new_parser(budget=budget)
    parser.feed(data[:cut])
    parser.feed(data[cut:])
    assert parser.failure is None or parser.failure.code in (400, 413, 417, 429, 431, 501, 505)
    parser.close()
    assert budget.left == 1500


@given(st.integers(0, len(CONVERSATION) - 1), st.binary(min_size=1, max_size=4))
def test_a_broken_conversation_ends_with_a_refusal(place: int, noise: bytes) -> None:
    """Requests before the noise are answered; what comes after it is never taken for another request's bytes."""
    budget = BodyBudget(1500)
    parser = new_parser(budget=budget)
    parser.feed(CONVERSATION[:place] + noise + CONVERSATION[place:])
    whole = sum(1 for end in _ends() if end <= place)
    assert read(parser)[:whole] == READ[:whole]
    parser.close()
    assert budget.left == 1500


def _ends() -> list[int]:
    ends, parser = [], new_parser()
    for index in range(len(CONVERSATION)):
        known = len(parser.ready)
        parser.feed(CONVERSATION[index : index + 1])
        if len(parser.ready) > known:
            ends.append(index + 1)
    return ends


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n",
        b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(head: bytes) -> None:
    """400 for every form of request smuggling and for what is no HTTP/1."""
    parser = new_parser()
    parser.feed(head + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert parser.failure is not None
    assert parser.failure.code in (400, 501, 505)
    assert not parser.ready


def test_a_body_has_a_limit() -> None:
    """413 as kube-apiserver says it: by the length that is announced, and by what comes in chunks."""
    large = b"Content-Length: 1001\r\n\r\n"
    parser = new_parser()
    parser.feed(b"POST / HTTP/1.1\r\nHost: a\r\n" + large)
    assert parser.failure is not None
    assert parser.failure.message == "Request entity too large: limit is 1000"
    assert failure_of(b"POST / HTTP/1.1\r\nHost: a\r\n" + large) == (413, "RequestEntityTooLarge")
    chunks = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    started = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert failure_of(started + chunks * 2 + b"0\r\n\r\n") is None
    assert failure_of(started + chunks * 2 + b"1\r\n") is None
    assert failure_of(started + chunks * 3) == (413, "RequestEntityTooLarge")


def test_all_bodies_together_have_a_limit() -> None:
    """What one connection holds another cannot have, until it is given back."""
    budget = BodyBudget(1500)
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + b"x" * 900
    first, second, third = (new_parser(budget=budget) for _ in range(3))
    first.feed(post)
    second.feed(post)
    assert second.failure is not None
    assert (second.failure.code, second.failure.retry_after_seconds) == (429, 1)
    second.close()
    first.give_back(first.ready.popleft().held)
    third.feed(post)
    assert third.failure is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 3000,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 3000,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * 3000,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 30,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: %b\r\n" % (n, b"y" * 300) for n in range(10)),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: y\r\n" * 30,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"e" * 3000,
    ],
)
@pytest.mark.parametrize("step", [1, 7, 500])
def test_a_head_has_limits(data: bytes, step: int) -> None:
    """431 for a URL, headers, trailers and chunk extensions that go on and on, however slowly they come."""
    parser = new_parser()
    for start in range(0, len(data), step):
        parser.feed(data[start : start + step])
    assert parser.failure is not None
    assert (parser.failure.code, parser.failure.reason) == (431, "RequestHeaderFieldsTooLarge")


def test_where_it_stands_is_known() -> None:
    """Whoever keeps the deadlines can tell an idle connection from half a head and half a body."""
    parser = new_parser()
    states = [(parser.started, parser.in_body)]
    for piece in (b"GE", b"T / HTTP/1.1\r\nHost: a\r\n", b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", b"ab"):
        parser.feed(piece)
        states.append((parser.started, parser.in_body))
    assert states == [(False, False), (True, False), (True, False), (True, True), (True, True)]
    assert parser.expects_continue
    parser.feed(b"cd")
    assert (parser.started, parser.in_body, parser.expects_continue) == (False, False, False)


def test_expectations() -> None:
    """Only 100-continue is met, and HTTP/1.0 knows none."""
    assert failure_of(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n") == (
        417,
        "ExpectationFailed",
    )
    old = new_parser()
    old.feed(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert not old.expects_continue


UPGRADE = b"POST /exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"


def test_what_follows_an_upgrade_is_left_alone() -> None:
    """The bytes after it belong to the new protocol; if it was refused they are requests."""
    parser = new_parser()
    parser.feed(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + UPGRADE + b"GET /after HTTP/1.1\r\n")
    assert [one.request.path for one in parser.ready] == ["/first", "/exec"]
    assert parser.ready[1].request.upgrade == "spdy/3.1"
    assert (parser.paused, parser.leftover) == (True, b"GET /after HTTP/1.1\r\n")
    parser.feed(b"Host: a\r\n\r\n")
    parser.ready.clear()
    parser.resume()
    assert [one.request.path for one in parser.ready] == ["/after"]


def test_only_so_many_requests_may_wait() -> None:
    """A client that sends on and on without waiting is told to slow down."""
    assert failure_of(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 65) == (429, "TooManyRequests")
    assert failure_of(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 64) is None


def test_every_request_has_an_audit_id() -> None:
    """The client's own, or a new one; never two the same."""
    parser = new_parser()
    parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + b"GET / HTTP/1.1\r\nHost: a\r\nAudit-ID: mine\r\n\r\n")
    first, second, third = (one.request.headers["audit-id"] for one in parser.ready)
    assert first != second
    assert len(first) == 36
    assert third == "mine"
