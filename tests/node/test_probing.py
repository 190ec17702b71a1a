"""Probes and hooks against scripted servers and commands, with the words a person reads in the Event."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from kube_actors.kernel import VirtualClock
from kube_actors.kernel.clock import CLOCK_TASK
from kube_actors.node.probe_http import url_of
from kube_actors.node.probing import HookFailure, Target, run_hook, run_probe
from kube_actors.node.runtime.base import (
    ContainerId,
    RuntimeFailure,
    RuntimeGone,
)
from kube_actors.node.runtime.handlers import (
    ExecAction,
    GrpcAction,
    HttpGetAction,
    ProbeHandler,
    ProbeOutcome,
    ProbeResult,
    SleepAction,
    TcpSocketAction,
    UnresolvedHandler,
    resolve_handler,
)
from kube_actors.node.runtime.sessions import ExecSession
from kube_actors.node.runtime.simulated import SimulatedRuntime

Server = Callable[[trio.abc.Stream], Awaitable[None]]
TARGET = Target(ContainerId("u-1", "main", 0), "10.1.2.3")
HEALTH = HttpGetAction(80, "/health")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Session(ExecSession):
    """A command that prints `printed` and ends with `code`; None never ends, an exception is what waiting raises."""

    def __init__(self, code: int | Exception | None, *printed: bytes, holds_output: bool = False) -> None:
        self.code = code
        self.printed = printed
        self.holds_output = holds_output
        self.closed = False

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        for number, data in enumerate(self.printed):
            yield 1 + number % 2, data
        if self.holds_output or self.code is None:
            await trio.sleep_forever()

    async def wait(self) -> int:
        if self.code is None:
            await trio.sleep_forever()
        if isinstance(self.code, Exception):
            raise self.code
        await trio.lowlevel.checkpoint()
        assert self.code is not None
        return self.code

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True

    async def send_stdin(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    async def resize(self, rows: int, columns: int) -> None: ...


class Scripted(SimulatedRuntime):
    """A runtime whose pod is a script: what a command does, and who answers which host and port."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__(clock=VirtualClock(), random=Random(1))
        self.nursery = nursery
        self.session: Session | Exception = Session(0)
        self.servers: dict[tuple[str | None, int], Server | Exception] = {}
        self.asked: list[bytes] = []

    async def probe(self, container: ContainerId, handler: ProbeHandler, within: float) -> Any:
        await trio.lowlevel.checkpoint()

    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> Any:
        await trio.lowlevel.checkpoint()
        if isinstance(self.session, Exception):
            raise self.session
        return self.session

    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> Any:
        await trio.lowlevel.checkpoint()
        # As trio words it, with the address in front.
        text = f"Error connecting to {(host, port)!r}: {os.strerror(errno.ECONNREFUSED)}"
        refused = ConnectionRefusedError(errno.ECONNREFUSED, text)
        server = self.servers.get((host, port), refused)
        if isinstance(server, Exception):
            raise server
        ours, theirs = trio.testing.memory_stream_pair()
        self.nursery.start_soon(server, theirs)
        return ours

    def answers(self, *pieces: bytes, port: int = 80, host: str | None = None, close: bool = True) -> None:
        """Whoever connects there is asked, then answered with these pieces."""

        async def serve(stream: trio.abc.Stream) -> None:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += await stream.receive_some()
            self.asked.append(request)
            with contextlib.suppress(trio.BrokenResourceError):  # who has read enough leaves
                for piece in pieces:
                    await stream.send_all(piece)
            if close:
                await stream.aclose()

        self.servers[host, port] = serve


@pytest.fixture
async def pod(nursery: trio.Nursery) -> AsyncIterator[Scripted]:
    """A scripted pod."""
    yield Scripted(nursery)
    nursery.cancel_scope.cancel()


async def http(pod: Scripted, action: HttpGetAction = HEALTH, within: float = 1) -> ProbeResult:
    """One HTTP probe."""
    return await run_probe(pod, TARGET, action, within)


def failed(message: str) -> ProbeResult:
    """A failure."""
    return ProbeResult(ProbeOutcome.FAILURE, message)


def get_failed(message: str) -> ProbeResult:
    """A failure to get an answer."""
    return failed(f'Get "http://10.1.2.3:80/health": {message}')


async def test_http_request_and_success(pod: Scripted) -> None:
    """The request is Kubernetes' probe's; the body is the result's message."""
    pod.answers(OK)
    assert await http(pod) == ProbeResult(ProbeOutcome.SUCCESS, "ok")
    assert pod.asked == [
        b"GET /health HTTP/1.1\r\nHost: 10.1.2.3:80\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\n"
        b"Connection: close\r\n\r\n"
    ]


async def test_http_own_headers(pod: Scripted) -> None:
    """Host and User-Agent can be replaced, Accept removed, others added more than once."""
    headers = (("Host", "web.example"), ("X-A", "1"), ("X-A", "2"), ("Accept", ""), ("User-Agent", "me"))
    pod.answers(OK)
    await http(pod, HttpGetAction(80, "ready?full=1 2", headers=headers))
    assert pod.asked == [
        b"GET /ready?full=1%202 HTTP/1.1\r\nHost: web.example\r\nX-A: 1\r\nX-A: 2\r\nUser-Agent: me\r\n"
        b"Connection: close\r\n\r\n"
    ]


async def test_http_headers_cannot_smuggle(pod: Scripted) -> None:
    """A header that would end the head is refused before anything is sent."""
    result = await http(pod, HttpGetAction(80, "/health", headers=(("X", "a\r\nY: b"),)))
    assert result == get_failed('net/http: invalid header field value for "X"')


@pytest.mark.parametrize("status", [200, 204, 299, 301, 304, 399])
async def test_http_good_statuses(pod: Scripted, status: int) -> None:
    """200 to 399 is success (a redirect without a Location goes nowhere)."""
    pod.answers(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    assert await http(pod) == ProbeResult(ProbeOutcome.SUCCESS)


@pytest.mark.parametrize("status", [400, 404, 500, 503, 999])
async def test_http_bad_statuses(pod: Scripted, status: int) -> None:
    """Anything else fails in Kubernetes' words."""
    pod.answers(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    assert await http(pod) == failed(f"HTTP probe failed with statuscode: {status}")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n", "abcdefg"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 3\n\nyes", "yes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000, "x" * 10240),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4E20\r\n" + b"y" * 20000, "y" * 10240),
    ],
)
async def test_http_bodies(pod: Scripted, answer: bytes, body: str) -> None:
    """However the length is told, and whatever pieces it comes in; 10 KiB are kept."""
    pod.answers(*(answer[i : i + 700] for i in range(0, len(answer), 700)))
    assert await http(pod) == ProbeResult(ProbeOutcome.SUCCESS, body)


async def test_http_keeps_open(pod: Scripted, autojump_clock: MockClock) -> None:
    """A server that does not close after its answer does not delay the result."""
    pod.answers(OK, close=False)
    assert await http(pod) == ProbeResult(ProbeOutcome.SUCCESS, "ok")
    start = trio.current_time()
    await http(pod)
    assert trio.current_time() == start


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "EOF"),
        (b"HTTP/1.1 200 OK\r\nContent", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "unexpected EOF"),
        (
            b"220 mail ready\r\n",
            'net/http: HTTP/1.x transport connection broken: malformed HTTP response "220 mail ready"',
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "invalid byte in chunk length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "invalid byte in chunk length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "empty hex number for chunk length"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", "http chunk length too large"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            f'net/http: HTTP/1.x transport connection broken: bad Content-Length "{"9" * 64}"',
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
            'failed to parse Location header "http://[": Invalid IPv6 URL',
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, "net/http: server response headers exceeded limit; aborted"),
    ],
)
async def test_http_broken_answers(pod: Scripted, answer: bytes, message: str) -> None:
    """What is no answer is a failure with its reason."""
    pod.answers(answer) if answer else pod.answers()
    assert await http(pod) == get_failed(message)


async def test_http_refused(pod: Scripted) -> None:
    """Nobody listens."""
    assert await http(pod) == get_failed("dial tcp 10.1.2.3:80: connect: connection refused")


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((), "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",),
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)",
        ),
    ],
)
async def test_http_too_slow(pod: Scripted, pieces: tuple[bytes, ...], message: str, autojump_clock: MockClock) -> None:
    """The time limit is kept, and what was waited for is said."""
    pod.answers(*pieces, close=False)
    start = trio.current_time()
    assert await http(pod, within=3) == get_failed(message)
    assert trio.current_time() - start == pytest.approx(3)


async def test_http_redirects_on_the_same_host_are_followed(pod: Scripted) -> None:
    """Relative ones, and other ports of the same host."""
    pod.answers(b"HTTP/1.1 302 Found\r\nLocation: http://10.1.2.3:8080/a\r\nContent-Length: 0\r\n\r\n")
    pod.answers(OK, port=8080)
    assert await http(pod) == ProbeResult(ProbeOutcome.SUCCESS, "ok")
    assert pod.asked[1].startswith(b"GET /a HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n")


async def test_http_redirects_elsewhere_end_with_a_warning(pod: Scripted) -> None:
    """Kubernetes does not follow them, counts them as success, and warns."""
    pod.answers(b"HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\nContent-Length: 4\r\n\r\nbye!")
    result = await http(pod)
    assert result == ProbeResult(ProbeOutcome.WARNING, "Probe terminated redirects, Response body: bye!")
    assert result.succeeded


@pytest.mark.parametrize("port", ["99999", "http"])
async def test_http_redirects_to_no_port(pod: Scripted, port: str) -> None:
    """A pod's answer cannot do more than fail its probe."""
    pod.answers(f"HTTP/1.1 302 Found\r\nLocation: http://10.1.2.3:{port}/\r\n\r\n".encode())
    assert 'failed to parse Location header "http://10.1.2.3' in (await http(pod)).message


async def test_names_that_nobody_has(pod: Scripted) -> None:
    """As Go says it; also of one that is too long to be looked up."""
    pod.servers["no.such", 80] = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert await http(pod, HttpGetAction(80, host="no.such")) == failed(
        'Get "http://no.such:80/": dial tcp: lookup no.such: no such host'
    )
    pod.servers[".bad", 80] = UnicodeError("label empty or too long")
    lost = failed("dial tcp: lookup .bad: no such host")
    assert await run_probe(pod, TARGET, TcpSocketAction(80, ".bad"), 1) == lost


async def test_http_redirects_in_a_circle(pod: Scripted) -> None:
    """Ten are enough."""
    pod.answers(b"HTTP/1.1 307 Again\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n")
    assert await http(pod) == get_failed("stopped after 10 redirects")
    assert len(pod.asked) == 10


async def test_http_other_host(pod: Scripted) -> None:
    """A handler's own host is connected to, and named in the URL."""
    pod.answers(OK, host="127.0.0.1")
    assert (await http(pod, HttpGetAction(80, host="127.0.0.1"))).succeeded
    assert b"Host: 127.0.0.1:80\r\n" in pod.asked[0]


@pytest.fixture(scope="session")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS context with a certificate nobody trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make a certificate with")
    folder: Path = tmp_path_factory.mktemp("tls")
    names = ["-keyout", str(folder / "key"), "-out", str(folder / "cert"), "-subj", "/CN=nobody"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *kind, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


async def test_https_with_any_certificate(pod: Scripted, server_context: ssl.SSLContext) -> None:
    """A certificate is not verified."""

    async def serve(stream: trio.abc.Stream) -> None:
        secured = trio.SSLStream(stream, server_context, server_side=True, https_compatible=True)
        await secured.receive_some()
        await secured.send_all(OK)

    pod.servers[None, 443] = serve
    assert await http(pod, HttpGetAction(443, scheme="HTTPS")) == ProbeResult(ProbeOutcome.SUCCESS, "ok")


async def test_https_to_a_plain_server(pod: Scripted) -> None:
    """Says that the server speaks plain HTTP."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    pod.servers[None, 443] = serve
    result = await http(pod, HttpGetAction(443, scheme="HTTPS"))
    assert result == failed('Get "https://10.1.2.3:443/": http: server gave HTTP response to HTTPS client')


async def test_tcp(pod: Scripted) -> None:
    """That it opens is enough; otherwise the reason in Go's words."""
    pod.answers(OK, port=5432)
    assert await run_probe(pod, TARGET, TcpSocketAction(5432), 1) == ProbeResult(ProbeOutcome.SUCCESS)
    refused = failed("dial tcp 10.1.2.3:81: connect: connection refused")
    assert await run_probe(pod, TARGET, TcpSocketAction(81), 1) == refused
    pod.servers[None, 82] = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
    unreachable = failed("dial tcp 10.1.2.3:82: connect: no route to host")
    assert await run_probe(pod, TARGET, TcpSocketAction(82), 1) == unreachable


async def test_dial_too_slow(pod: Scripted, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> None:
    """A connection that is never answered."""

    async def never(*_: object, **__: object) -> Any:
        await trio.sleep_forever()

    monkeypatch.setattr(pod, "connect", never)
    assert await run_probe(pod, TARGET, TcpSocketAction(81), 2) == failed("dial tcp 10.1.2.3:81: i/o timeout")
    assert await http(pod) == get_failed("dial tcp 10.1.2.3:80: i/o timeout")


@pytest.mark.parametrize(("code", "outcome"), [(0, ProbeOutcome.SUCCESS), (1, ProbeOutcome.FAILURE)])
async def test_exec(pod: Scripted, code: int, outcome: ProbeOutcome) -> None:
    """The exit code decides, the output of both streams is the message; the session is closed."""
    session = pod.session = Session(code, b"cat: ", b"no such file\n")
    assert await run_probe(pod, TARGET, ExecAction(("cat", "x")), 1) == ProbeResult(outcome, "cat: no such file\n")
    assert session.closed


async def test_exec_too_slow(pod: Scripted, autojump_clock: MockClock) -> None:
    """The command is ended and named."""
    session = pod.session = Session(None, b"working")
    result = await run_probe(pod, TARGET, ExecAction(("sh", "-c", "sleep 9")), 2)
    assert result == failed('command timed out: "sh -c sleep 9" timed out after 2s')
    assert session.closed


async def test_exec_output_is_cut_and_not_waited_for(pod: Scripted, autojump_clock: MockClock) -> None:
    """10 KiB are kept, and a background child of the command does not hold up its result."""
    pod.session = Session(0, *[b"x" * 4096] * 4, holds_output=True)
    result = await run_probe(pod, TARGET, ExecAction(("spawn",)), 10)
    assert result == ProbeResult(ProbeOutcome.SUCCESS, "x" * 10240)


async def test_what_the_runtime_cannot_do_is_unknown(pod: Scripted) -> None:
    """A command that does not exist, a runtime that is away: none of them counts against the container."""
    for problem in (RuntimeFailure("ExecError", "no such command"), RuntimeGone("agent ended")):
        pod.session = problem
        assert await run_probe(pod, TARGET, ExecAction(("x",)), 1) == ProbeResult(ProbeOutcome.UNKNOWN, str(problem))
    pod.session = Session(RuntimeGone("agent ended"))
    assert (await run_probe(pod, TARGET, ExecAction(("x",)), 1)).outcome is ProbeOutcome.UNKNOWN


async def test_simulated_runtime_answers_itself(pod: Scripted) -> None:
    """What the runtime answers is taken as it is."""
    own = SimulatedRuntime(clock=VirtualClock(), random=Random(1))
    result = await run_probe(own, TARGET, HttpGetAction(80), 1)
    assert result == ProbeResult(ProbeOutcome.UNKNOWN, "container main is not there")


async def test_hooks(nursery: trio.Nursery) -> None:
    """Commands by exit code, HTTP by any answer at all, sleeping on cluster time, tcpSocket refused."""
    pod = Scripted(nursery)
    clock = VirtualClock()
    nursery.start_soon(clock.run, name=CLOCK_TASK)
    pod.session = Session(0)
    await run_hook(pod, TARGET, ExecAction(("true",)), clock)
    pod.session = Session(3, b"oops")
    with pytest.raises(HookFailure, match=r"^command 'sh -c x' exited with 3: oops$"):
        await run_hook(pod, TARGET, ExecAction(("sh", "-c", "x")), clock)
    pod.answers(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
    await run_hook(pod, TARGET, HttpGetAction(80, "/bye"), clock)
    assert b"User-Agent: kube-lifecycle/1.36" in pod.asked[0]
    with pytest.raises(HookFailure, match=r'^Get "http://10.1.2.3:81/": dial tcp 10.1.2.3:81: connect: conn'):
        await run_hook(pod, TARGET, HttpGetAction(81), clock)
    with pytest.raises(HookFailure, match="tcpSocket is not supported"):
        await run_hook(pod, TARGET, TcpSocketAction(80), clock)
    before = clock.now()
    await run_hook(pod, TARGET, SleepAction(30), clock)
    assert clock.now() - before == 30
    pod.session = RuntimeGone("agent ended")
    with pytest.raises(HookFailure, match="agent ended"):
        await run_hook(pod, TARGET, ExecAction(("true",)), clock)
    nursery.cancel_scope.cancel()


async def test_https_hook_falls_back_to_http(pod: Scripted) -> None:
    """As Kubernetes: a plain server behind a hook that says HTTPS is asked again in plain HTTP."""
    seen: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(bytes(await stream.receive_some())[:4])
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    pod.servers[None, 80] = serve
    await run_hook(pod, TARGET, HttpGetAction(80, scheme="HTTPS"), VirtualClock())
    assert seen[1] == b"GET "


CONTAINER = {"name": "web", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]}


@pytest.mark.parametrize(
    ("body", "handler"),
    [
        ({"exec": {"command": ["a", "b"]}}, ExecAction(("a", "b"))),
        ({"httpGet": {"port": "http"}}, HttpGetAction(8080)),
        (
            {"httpGet": {"port": 80, "path": "/x", "scheme": "HTTPS", "httpHeaders": [{"name": "A", "value": "1"}]}},
            HttpGetAction(80, "/x", scheme="HTTPS", headers=(("A", "1"),)),
        ),
        ({"tcpSocket": {"port": "80", "host": "1.2.3.4"}}, TcpSocketAction(80, "1.2.3.4")),
        ({"grpc": {"port": 5}}, GrpcAction(5)),
        ({"sleep": {"seconds": 5}}, SleepAction(5)),
    ],
)
def test_resolve_handler(body: dict[str, Any], handler: object) -> None:
    """Ports by name are looked up."""
    assert resolve_handler(body, CONTAINER) == handler


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"httpGet": {"port": "web"}}, "couldn't find port: web in container web"),
        ({"tcpSocket": {"port": 70000}}, "invalid port number: 70000"),
        ({"periodSeconds": 1}, "missing probe handler"),
    ],
)
def test_handlers_that_do_not_resolve(body: dict[str, Any], message: str) -> None:
    """Said by name."""
    with pytest.raises(UnresolvedHandler, match=message):
        resolve_handler(body, CONTAINER)


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (("HTTP", "10.0.0.1", 80, "/"), "http://10.0.0.1:80/"),
        (("HTTPS", "fd00::1", 443, "health"), "https://[fd00::1]:443/health"),
        (("HTTP", "h", 80, "/a b?c=d&e=%20#f"), "http://h:80/a%20b?c=d&e=%20"),
        (("HTTP", "h", 80, "/ü"), "http://h:80/%C3%BC"),
    ],
)
def test_url_of(parts: tuple[str, str, int, str], url: str) -> None:
    """As it stands in messages."""
    assert url_of(*parts) == url
