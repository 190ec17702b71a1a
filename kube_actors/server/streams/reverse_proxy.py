"""One HTTP request passed on to a pod, and its answer passed back as it comes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import h11
import trio

from kube_actors.errors import ApiError
from kube_actors.messages.node import ConnectPod
from kube_actors.records import frozen
from kube_actors.server.http import Full, Headers, HttpRequest, Response, Send, Streaming, Upgrade
from kube_actors.server.streams.exchange import GONE, RECEIVE, Exchange, Head
from kube_actors.server.streams.html_links import LARGEST_PAGE, page_with_links
from kube_actors.store import Revision
from kube_actors.verbs.exec import ask_node
from kube_actors.verbs.session import Session

LARGEST_WHOLE: Final = 256 * 1024
"""Bytes up to which an answer of known length is read before it is passed back."""
# Of one connection only (RFC 9110, section 7.6.1), and `connection` may name more.
_HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# Who somebody is here is no business of the pod's.
_PRIVATE: Final = ("authorization", "audit-id")
_PRIVATE_PREFIXES: Final = ("impersonate-", "x-remote-")
_BODILESS: Final = (204, 304)


@frozen
class Upstream:
    """A port of a pod; `prefix` is the path under which clients see it."""

    session: Session
    pod: Revision
    node: str
    address: str
    port: int
    https: bool
    prefix: str

    @property
    def authority(self) -> str:
        """Address and port as in a URL."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    async def connect(self) -> trio.abc.Stream:
        """Connect, with TLS for https (any certificate will do, as in Kubernetes). ApiError 503."""
        try:
            ask = ConnectPod(self.pod.uid, self.port)
            stream = await ask_node(self.session, self.node, ask, "error trying to reach service")
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise unreachable(f"dial tcp {self.authority}: connect: {why}") from error
        except ApiError as error:
            raise unreachable(error.message) from error
        return await _with_tls(stream) if self.https else stream


async def _with_tls(stream: trio.abc.Stream) -> trio.abc.Stream:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    secured = trio.SSLStream(stream, context, https_compatible=True)
    try:
        await secured.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error, trio.BrokenResourceError):
            raise unreachable(f"tls: {error.__cause__ or error}") from error
        raise
    return secured


def unreachable(why: str) -> ApiError:
    """503 in Kubernetes' words."""
    return ApiError("ServiceUnavailable", 503, f"error trying to reach service: {why}")


async def pass_on(request: HttpRequest, upstream: Upstream, target: str) -> Response:
    """Send the request to `target` (path and query) and answer what comes. ApiError 503 when nothing does."""
    exchange = Exchange(await upstream.connect())
    try:
        head = await exchange.ask(_request_head(request, upstream, target), request)
        if head.status_code == 101:
            return _switched(exchange, head)
        return await _answer(request, upstream, exchange, head)
    except BaseException as error:
        await trio.aclose_forcefully(exchange.stream)
        if isinstance(error, (*GONE, h11.RemoteProtocolError)):
            raise unreachable(str(error) or "EOF") from error
        raise


def _request_head(request: HttpRequest, upstream: Upstream, target: str) -> h11.Request:
    names = _of_connection(request.header("connection"))
    headers = [(name, value) for name, value in request.headers.items() if name not in names and not _is_private(name)]
    headers = [(name, value) for name, value in headers if name not in ("host", "content-length", "x-forwarded-for")]
    headers.append(("host", request.header("host") or upstream.authority))
    if request.incoming is not None and "content-length" not in request.headers:
        headers.append(("transfer-encoding", "chunked"))
    elif request.incoming is not None:
        headers.append(("content-length", request.header("content-length")))
    elif request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("content-length", str(len(request.body))))
    forwarded = request.header("x-forwarded-for")
    headers.append(("x-forwarded-for", f"{forwarded}, {request.peer.address}" if forwarded else request.peer.address))
    headers += [("x-forwarded-uri", f"{upstream.prefix}{target.partition('?')[0]}")]
    if request.upgrade:
        headers += [("connection", "Upgrade"), ("upgrade", request.header("upgrade"))]
    encoded = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]
    return h11.Request(method=request.method, target=target.encode("latin-1", "replace"), headers=encoded)


def _of_connection(value: str) -> frozenset[str]:
    """Headers that end with this connection."""
    return _HOP_BY_HOP | {name.strip().lower() for name in value.split(",") if name.strip()}


def _is_private(name: str) -> bool:
    return name in _PRIVATE or name.startswith(_PRIVATE_PREFIXES)


async def _answer(request: HttpRequest, upstream: Upstream, exchange: Exchange, head: Head) -> Response:
    """The answer, read to its end when it is known to be small or has links to change, else passed on as it comes."""
    kind, length, headers = _response_headers(head, upstream, request)
    status = head.status_code
    if request.method == "HEAD" or status in _BODILESS:
        await trio.aclose_forcefully(exchange.stream)
        return Full(status, b"", kind, headers, compressible=False)
    begun: list[bytes] = []
    if _is_page(kind, headers) and exchange.is_sent:
        page = await _page(exchange, begun)
        if page is not None:
            encoding = next((value for name, value in headers if name == "content-encoding"), "").lower()
            page = page_with_links(page, encoding, lambda link: rewritten(link, upstream, request))
            return Full(status, page, kind, headers, compressible=False)
    elif length is not None and length <= LARGEST_WHOLE and exchange.is_sent:
        whole = b"".join([piece async for piece in exchange.body()])
        await trio.aclose_forcefully(exchange.stream)
        return Full(status, whole, kind, headers, compressible=False)

    async def write(send: Send) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(exchange.go_on_sending)
                for piece in begun:
                    await send(piece)
                async with contextlib.aclosing(exchange.body()) as pieces:  # type: ignore[type-var]
                    async for piece in pieces:
                        await send(piece)
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(exchange.stream)

    return Streaming(status, write, kind, headers)


def _is_page(kind: str, headers: Headers) -> bool:
    """Whether it is HTML that somebody will look at, not a redirect."""
    return kind.partition(";")[0].strip().lower() == "text/html" and all(name != "location" for name, _ in headers)


async def _page(exchange: Exchange, begun: list[bytes]) -> bytes | None:
    """The whole body of a page, as far as it is small enough for its links to be changed. What has come of a larger one
    is in `begun`, and the rest still to come."""
    size = 0
    while piece := await exchange.piece():
        begun.append(piece)
        size += len(piece)
        if size > LARGEST_PAGE:
            return None
    await trio.aclose_forcefully(exchange.stream)
    return b"".join(begun)


def _response_headers(head: Head, upstream: Upstream, request: HttpRequest) -> tuple[str, int | None, Headers]:
    """Content type, length if it is known, and the other headers that go to the client."""
    given = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in head.headers]
    names = _of_connection(", ".join(value for name, value in given if name == "connection"))
    kind = next((value for name, value in given if name == "content-type"), "application/octet-stream")
    length = next((int(value) for name, value in given if name == "content-length"), None)
    kept = [(name, value) for name, value in given if name not in names and _is_passed_back(name)]
    return (
        kind,
        length,
        tuple((name, rewritten(value, upstream, request) if name == "location" else value) for name, value in kept),
    )


def _is_passed_back(name: str) -> bool:
    """Length and type are the edge's to say; what allows other web sites to read is not the pod's to give."""
    return name not in ("content-length", "content-type", "date") and not name.startswith("access-control-")


def rewritten(location: str, upstream: Upstream, request: HttpRequest) -> str:
    """Where a redirect leads for the client: one inside the pod goes through the proxy again."""
    where = urlsplit(location)
    inside = ("", upstream.authority, upstream.address, request.header("host"))
    if where.netloc not in inside or (not where.netloc and not where.path.startswith("/")):
        return location
    if where.path.startswith(f"{upstream.prefix}/"):
        return urlunsplit(("", "", where.path, where.query, where.fragment))
    return urlunsplit(("", "", upstream.prefix + (where.path or "/"), where.query, where.fragment))


def _switched(exchange: Exchange, head: Head) -> Upgrade:
    """The pod has switched protocols: from now on bytes go both ways."""
    given: Iterable[tuple[str, str]] = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers)
    given = tuple(given)
    protocol = next((value for name, value in given if name.lower() == "upgrade"), "")
    headers = tuple((name, value) for name, value in given if name.lower() not in _HOP_BY_HOP)

    async def run(client: trio.abc.Stream) -> None:
        async with exchange.stream, trio.open_nursery() as nursery:

            async def copy(source: trio.abc.Stream, target: trio.abc.Stream, first: bytes) -> None:
                with contextlib.suppress(*GONE):
                    data = first or await source.receive_some(RECEIVE)
                    while data:
                        await target.send_all(data)
                        data = await source.receive_some(RECEIVE)
                nursery.cancel_scope.cancel()

            nursery.start_soon(copy, client, exchange.stream, b"")
            nursery.start_soon(copy, exchange.stream, client, exchange.leftover)

    return Upgrade(protocol, run, headers)
