"""Bytes to requests, without any I/O: feed what a client sent, take the requests that are complete.

A request whose body is only passed on is there with its head; its body comes in as it is received.

httptools (llhttp) reads the grammar, strictly: a request with both Content-Length and Transfer-Encoding, or anything
else that two readers could understand differently, is refused.
"""

from __future__ import annotations

import uuid
from collections import deque
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from kube_actors.errors import ApiError, bad_request
from kube_actors.records import define
from kube_actors.server.capacity import too_many_requests
from kube_actors.server.edge.incoming import IncomingBody, is_passed_on
from kube_actors.server.edge.limits import BodyBudget, EdgeLimits
from kube_actors.server.edge.targets import target_of
from kube_actors.server.http import HttpRequest, Peer

_PIPELINED: Final = 64
"""Requests that may wait for those before them."""
_AUDIT_ID: Final = "audit-id"
_MAX_AUDIT_ID: Final = 64
_MAX_NAMES: Final = 256


@define(slots=True)
class Parsed:
    """A whole request, and what its answer has to know about the way it came."""

    request: HttpRequest
    keep_alive: bool
    is_1_1: bool
    """The client speaks HTTP/1.1, and so understands chunks."""
    held: int
    """Bytes of the budget that its body takes."""
    incoming: IncomingBody | None = None
    """The body, where it is not in the request."""


class RequestParser:
    """Reads the requests of one connection.

    `ready` are requests that are complete, in order. `failure`, if set, is what is to be answered after them; then
    nothing more can be read. `leftover` is what came after a request to upgrade: `resume` reads it as requests.
    """

    def __init__(self, peer: Peer, limits: EdgeLimits, budget: BodyBudget) -> None:
        self.ready: deque[Parsed] = deque()
        self.failure: ApiError | None = None
        self.leftover = b""
        self.paused = False
        self.started = False
        """Some of a request is here, but not all."""
        self.in_body = False
        self.expects_continue = False
        """The client waits to be asked for the body."""
        self.peer, self._limits, self._budget = peer, limits, budget
        self._parser = HttpRequestParser(self)
        self._unseen = self._completed = 0
        self._incoming: IncomingBody | None = None
        self._audit_ids = 0
        self._audit_prefix = str(uuid.uuid4())[:24]
        self._clear()

    def _clear(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_size = self._header_count = 0
        self._body: list[bytes] = []
        self._body_size = 0
        self.in_body = self.expects_continue = self.started = False

    def feed(self, data: bytes) -> None:
        """Take what the client sent. Never raises: see `failure`."""
        if self.paused:
            self.leftover += data
        if self.paused or self.failure is not None:
            return
        self._unseen += len(data)
        completed = self._completed
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self.leftover, self.paused = data[upgrade.args[0] :], True
            return
        except HttpParserError as error:
            self.failure = self.failure or bad_request(f"the request is not valid HTTP: {error}")
            if self._incoming is not None:
                self._incoming.end(self.failure)
            return
        if self._unseen > self._limits.head:
            self.failure = head_too_large()
        self.started = self._completed == completed or bool(self._url)

    def resume(self) -> None:
        """The request to upgrade was answered otherwise: what came after it are requests."""
        data, self.leftover, self.paused = self.leftover, b"", False
        if data:
            self.feed(data)

    def give_back(self, size: int) -> None:
        """A request's body is no longer kept."""
        self._budget.left += size

    def close(self) -> None:
        """No more is read; what was kept is given back."""
        self.give_back(self._body_size + sum(parsed.held for parsed in self.ready))
        self._clear()
        self.ready.clear()

    # --- called by httptools

    def on_url(self, piece: bytes) -> None:
        """A piece of the URL."""
        self._url += piece
        self._unseen = 0
        self._head_size += len(piece)
        if self._head_size > self._limits.head:
            self._refuse(head_too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer, which is only counted."""
        self._unseen = 0
        self._head_size += len(name) + len(value)
        self._header_count += 1
        if self._head_size > self._limits.head or self._header_count > self._limits.header_count:
            self._refuse(head_too_large())
        if self.in_body:
            return
        key = _names.get(name) or _learned(name)
        try:
            text = value.decode().rstrip(" \t")
        except UnicodeDecodeError:  # not UTF-8 as Go's clients send it: Latin-1, as the standard has it
            text = value.decode("latin-1").rstrip(" \t")
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """The head is here: refuse at once what cannot be answered."""
        self._unseen = 0
        self.in_body = True
        headers = self._headers
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        target = target_of(self._url) if has_body and "upgrade" not in headers else None
        passed_on = target is not None and is_passed_on(self._method, target.path, target.query)
        if not passed_on and "content-length" in headers and int(headers["content-length"] or 0) > self._limits.body:
            self._refuse(body_too_large(self._limits.body))
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            self._refuse(ApiError("NotImplemented", 501, "the only transfer encoding that is understood is chunked"))
        if "expect" in headers:
            if headers["expect"].lower() != "100-continue":
                self._refuse(ApiError("ExpectationFailed", 417, "the only expectation that is met is 100-continue"))
            self.expects_continue = self._parser.get_http_version() == "1.1"
        if passed_on:
            self._incoming = IncomingBody()
            self._hand_over(self._incoming)

    @property
    def _method(self) -> str:
        method: str = self._parser.get_method().decode()
        return method

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._unseen = 0
        if self._incoming is not None:
            self._incoming.put(piece)
            return
        size = len(piece)
        self._body_size += size
        self._budget.left -= size
        if self._body_size > self._limits.body:
            self._refuse(body_too_large(self._limits.body))
        if self._budget.left < 0:
            self._refuse(too_many_requests())
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._incoming is None:
            self._hand_over(None)
        else:
            self._incoming.end()
            self._incoming = None
        self._completed += 1
        self._unseen = 0
        self._clear()

    def _hand_over(self, incoming: IncomingBody | None) -> None:
        """Make the request."""
        parser, url, headers = self._parser, self._url, self._headers
        if len(self.ready) >= _PIPELINED:
            self._refuse(too_many_requests())
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._refuse(ApiError("HTTPVersionNotSupported", 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"))
        target = target_of(url)
        if target is None:
            self._refuse(bad_request("the request's URL is not valid"))
            return
        if target.authority is not None:
            headers["host"] = target.authority
        if _AUDIT_ID not in headers:
            self._audit_ids += 1
            headers[_AUDIT_ID] = f"{self._audit_prefix}{self._audit_ids:012x}"
        else:
            headers[_AUDIT_ID] = headers[_AUDIT_ID][:_MAX_AUDIT_ID]
        request = HttpRequest(
            self._method,
            target.path,
            target.raw_path,
            target.query,
            headers,
            b"".join(self._body),
            self.peer,
            incoming,
        )
        self.ready.append(Parsed(request, parser.should_keep_alive(), version == "1.1", self._body_size, incoming))

    def _refuse(self, error: ApiError) -> None:
        self.failure = error
        raise error  # stops the parser; `feed` has the reason


_names: dict[bytes, str] = {}


def _learned(name: bytes) -> str:
    """A header's name in lower case. The first few hundred are remembered: clients send the same ones every time."""
    text = name.decode("latin-1").lower()
    if len(_names) < _MAX_NAMES and len(name) <= _MAX_AUDIT_ID:
        _names[name] = text
    return text


def body_too_large(limit: int) -> ApiError:
    """413 in kube-apiserver's words."""
    return ApiError("RequestEntityTooLarge", 413, f"Request entity too large: limit is {limit}")


def head_too_large() -> ApiError:
    """431."""
    return ApiError("RequestHeaderFieldsTooLarge", 431, "the request's headers are too large or too many")
