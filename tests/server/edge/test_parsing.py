"""Bytes in, requests out: whole scripts of what a client sends, without a socket."""

from __future__ import annotations

from kube_actors.server.edge.limits import BodyBudget, EdgeLimits
from kube_actors.server.edge.parsing import RequestParser
from kube_actors.server.http import Peer

LIMITS = EdgeLimits(body=1000, bodies=1500, head=2000, header_count=20)


def parser() -> RequestParser:
    """A parser of a new connection."""
    return RequestParser(Peer("127.0.0.1"), LIMITS, BodyBudget(LIMITS.bodies))


def test_a_request_is_read_whole() -> None:
    """Method, path, query, headers and body arrive as the handler sees them."""
    reader = parser()
    reader.feed(b"POST /a%20b?x=1&y=&x=2 HTTP/1.1\r\nHost: h\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 3\r\n\r\nabc")
    request = reader.ready[0].request
    assert (request.method, request.path, request.raw_path) == ("POST", "/a b", "/a%20b")
    assert request.query == {"x": ("1", "2"), "y": ("",)}
    assert request.headers["x-two"] == "a, b"
    assert request.body == b"abc"
