"""The HTTP/1.1 client of probes and hooks: one GET, a short answer, any certificate, errors in Go's words.

Small on purpose: a hundred pods are probed every few seconds, and an answer's body is wanted for messages only.
"""

from __future__ import annotations

import functools
import os
import socket
import ssl
import string
from collections.abc import Awaitable, Callable
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import trio

from kube_actors.records import define, frozen

BODY_LIMIT = 10 * 1024
HEAD_LIMIT = 256 * 1024
REDIRECTS = 10
_RECEIVE = 16 * 1024
_LENGTH_DIGITS, _CHUNK_DIGITS = 18, 16
"""Lengths with more digits do not fit Go's 64 bits, and would be slow to read."""

Connect = Callable[[str, int], Awaitable[trio.abc.HalfCloseableStream]]
"""Opens a TCP connection to a host and port; raises OSError."""


class HttpFailure(Exception):
    """No answer was had; the text is what Go's client would say, without `Get "url": `."""


class PlainAnswer(HttpFailure):
    """A server answered TLS with plain HTTP."""


@frozen
class Request:
    """A GET. `headers` come after the client's own, which they replace; an empty `Accept` leaves it out."""

    url: str
    user_agent: str
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class Answer:
    """Status, headers by lower-case name, and the body's first 10 KiB."""

    status: int
    headers: dict[str, str]
    body: bytes


@define
class Progress:
    """How far a request has come, for the message when its time is over."""

    waiting_for: str = "dial"


def url_of(scheme: str, host: str, port: int, path: str) -> str:
    """`http://10.1.2.3:80/health?x=1`, an IPv6 address in brackets, what no URL may hold quoted."""
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    quoted = quote(path, safe="/?#[]@!$&'()*+,;=%:~")
    return f"{scheme.lower()}://{netloc}{'' if quoted.startswith('/') else '/'}{quoted.partition('#')[0]}"


async def get(request: Request, connect: Connect, progress: Progress) -> Answer:
    """Do it, following redirects on the same host. A redirect elsewhere is answered as it came, with its 3xx status.

    HttpFailure when there is no answer.
    """
    parts = first = _parsed(request.url)
    for _ in range(REDIRECTS):
        answer = await _get_once(parts, request, connect, progress)
        location = answer.headers.get("location")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        try:
            parts = _parsed(urljoin(parts.geturl(), location))
        except (ValueError, HttpFailure) as error:
            raise HttpFailure(f'failed to parse Location header "{location}": {error}') from None
        if parts.hostname != first.hostname or parts.scheme not in ("http", "https"):
            return answer
    raise HttpFailure(f"stopped after {REDIRECTS} redirects")


def _parsed(url: str) -> SplitResult:
    """Its parts; HttpFailure for what is no URL."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (read here, as a wrong one raises only then)
    except ValueError as error:
        raise HttpFailure(f'parse "{url}": {error}') from None
    return parts


async def _get_once(parts: SplitResult, request: Request, connect: Connect, progress: Progress) -> Answer:
    head = _head_of(parts, request)
    progress.waiting_for = "dial"
    stream = await _open(parts, connect, progress)
    try:
        await stream.send_all(head)
        reader = _Reader(stream)
        status, headers = await _read_head(reader)
        progress.waiting_for = "body"
        body = b"" if status in (204, 304) else await _read_body(reader, headers)
        return Answer(status, headers, body)
    except (trio.BrokenResourceError, OSError) as error:
        raise HttpFailure(_broken(error, parts)) from None
    finally:
        await trio.aclose_forcefully(stream)


def _port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


async def _open(parts: SplitResult, connect: Connect, progress: Progress) -> trio.abc.Stream:
    assert parts.hostname is not None
    try:
        transport = await connect(parts.hostname, _port_of(parts))
    except OSError as error:
        raise HttpFailure(dial_failure(parts.hostname, _port_of(parts), error)) from None
    progress.waiting_for = "headers"
    if parts.scheme != "https":
        return transport
    secured = trio.SSLStream(transport, _any_certificate(), server_hostname=parts.hostname, https_compatible=True)
    try:
        await secured.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(transport)
        if not isinstance(error, trio.BrokenResourceError):
            raise
        cause = error.__cause__
        if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            raise PlainAnswer("http: server gave HTTP response to HTTPS client") from None
        why = cause.reason if isinstance(cause, ssl.SSLError) and cause.reason else "handshake failure"
        raise HttpFailure(f"tls: {why.lower().replace('_', ' ')}") from None
    return secured


@functools.cache
def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def dial_failure(host: str, port: int, error: OSError) -> str:
    """`dial tcp 10.1.2.3:80: connect: connection refused`, `dial tcp: lookup no.such.name: no such host`."""
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_ADDRFAMILY:
        return f"dial tcp: lookup {host}: no such host"
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"dial tcp {shown}: connect: {_words(error)}"


def _words(error: BaseException) -> str:
    """The kernel's own words where there is an error number: what raised it may have added an address of its own."""
    number, words = (error.errno, error.strerror) if isinstance(error, OSError) else (None, None)
    return (os.strerror(number) if number and number > 0 else words or str(error) or "EOF").lower()


def _broken(error: BaseException, parts: SplitResult) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__
    if not isinstance(cause, OSError) or isinstance(cause, ssl.SSLError):
        return "EOF"
    return f"read tcp {parts.hostname}:{_port_of(parts)}: read: {_words(cause)}"


def _head_of(parts: SplitResult, request: Request) -> bytes:
    host = next((value for name, value in request.headers if name.lower() == "host"), parts.netloc)
    lines = [("Host", host)]
    given = {name.lower() for name, _ in request.headers}
    if "user-agent" not in given:
        lines.append(("User-Agent", request.user_agent))
    if "accept" not in given:
        lines.append(("Accept", "*/*"))
    lines += [(name, value) for name, value in request.headers if name.lower() not in ("host", "connection")]
    lines = [(name, value) for name, value in lines if value or name.lower() not in ("accept", "user-agent")]
    for name, value in lines:
        if any(character in "\r\n\0" for character in name + value):
            raise HttpFailure(f'net/http: invalid header field value for "{name}"')
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"GET {target} HTTP/1.1\r\n{text}Connection: close\r\n\r\n".encode("utf-8", "surrogateescape")


class _Reader:
    """Takes lines and counted bytes off a stream."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._ended = False

    async def _more(self) -> bool:
        data = b"" if self._ended else await self._stream.receive_some(_RECEIVE)
        self._ended = not data
        self._buffer += data
        return bool(data)

    async def line(self) -> bytes:
        """One line without its end; HttpFailure `EOF` when there is none."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise HttpFailure("net/http: server response headers exceeded limit; aborted")
            if not await self._more():
                raise HttpFailure("unexpected EOF" if self._buffer else "EOF")
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line

    async def up_to(self, count: int) -> bytes:
        """`count` bytes, or fewer at the end of the stream."""
        while len(self._buffer) < count and await self._more():
            pass
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data


async def _read_head(reader: _Reader) -> tuple[int, dict[str, str]]:
    """Status and headers of the final answer; 1xx ones before it are passed over."""
    while True:
        first = await reader.line()
        words = first.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
            shown = first[:64].decode(errors="replace")
            raise HttpFailure(f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{shown}"')
        headers: dict[str, str] = {}
        size = 0
        while line := await reader.line():
            size += len(line)
            if size > HEAD_LIMIT:
                raise HttpFailure("net/http: server response headers exceeded limit; aborted")
            name, _, value = line.partition(b":")
            headers.setdefault(name.decode("latin-1").lower(), value.strip().decode("latin-1"))
        status = int(words[1])
        if status >= 200 or status == 101:
            return status, headers


async def _read_body(reader: _Reader, headers: dict[str, str]) -> bytes:
    """The body's beginning, however its length is told."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    length = headers.get("content-length")
    if length is None:
        return await reader.up_to(BODY_LIMIT)
    if not length.isdecimal() or len(length) > _LENGTH_DIGITS:
        raise HttpFailure(f'net/http: HTTP/1.x transport connection broken: bad Content-Length "{length[:64]}"')
    wanted = min(int(length), BODY_LIMIT)
    body = await reader.up_to(wanted)
    if len(body) < wanted:
        raise HttpFailure("unexpected EOF")
    return body


async def _read_chunks(reader: _Reader) -> bytes:
    body = bytearray()
    while len(body) < BODY_LIMIT:
        size = _chunk_size((await reader.line()).partition(b";")[0].strip())
        if not size:
            break
        wanted = min(size, BODY_LIMIT - len(body))
        piece = await reader.up_to(wanted)
        body += piece
        if len(piece) < wanted:
            raise HttpFailure("unexpected EOF")
        if wanted == size:
            await reader.line()
    return bytes(body)


def _chunk_size(text: bytes) -> int:
    if not text or text.strip(string.hexdigits.encode()):
        raise HttpFailure("invalid byte in chunk length" if text else "empty hex number for chunk length")
    if len(text) > _CHUNK_DIGITS:
        raise HttpFailure("http chunk length too large")
    return int(text, 16)
