"""The proxies: what is passed on to a pod and back, what is not, and where it does not lead."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair

from kube_actors.api.codecs import json
from kube_actors.server.http import Full, Response, Streaming, Upgrade
from kube_actors.server.streams.html_links import with_links

from ...verbs.stage import create, key
from ..kit import make_request
from .stage import PATIENCE, POD, Stage, staged

PROXY = f"{POD}/proxy"
SERVICES = "/api/v1/namespaces/default/services"
NODE = "/api/v1/nodes/node-1/proxy"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A pod `web` that answers every request with its name, and services that lead to it or nowhere."""
    async with staged(tmp_path) as stage:
        await create(stage.cluster.session, service("web", {"app": "web"}), service("none", {"app": "none"}))
        await stage.cluster.session.client.patch(key("pods", "web"), {"metadata": {"labels": {"app": "web"}}}, "merge")
        yield stage


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    """A Service with one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": 80}]},
    }


async def full(stage: Stage, target: str, **options: Any) -> Full:
    """A whole answer."""
    response = await stage.ask(target, **options)
    assert isinstance(response, Full), response
    return response


async def test_a_page_of_a_pod(stage: Stage) -> None:
    """By any port of it, by its scheme too."""
    for name in ("web", "web:8080", "http:web:8080"):
        answer = await full(stage, f"/api/v1/namespaces/default/pods/{name}/proxy/some/page?x=1")
        assert (answer.status, answer.body, answer.content_type) == (200, b"web\n", "text/plain")


async def test_a_page_of_a_service(stage: Stage) -> None:
    """By the port's number or name; the endpoint may take a moment to be there."""
    for name in ("web:80", "web:http", "http:web:80"):
        with trio.fail_after(PATIENCE):
            while (answer := await full(stage, f"{SERVICES}/{name}/proxy/")).status == 503:
                await stage.cluster.plane.clock.sleep(0.1)
        assert (answer.status, answer.body) == (200, b"web\n")


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        (f"{SERVICES}/none:80/proxy/", 503, 'no endpoints available for service "none"'),
        (f"{SERVICES}/none:81/proxy/", 503, 'no service port 81 found for service "none"'),
        (f"{SERVICES}/gone/proxy/", 404, 'services "gone" not found'),
        (f"{SERVICES}/a:b:c:d/proxy/", 400, 'invalid service request "a:b:c:d"'),
        (f"{SERVICES}/ftp:none:80/proxy/", 400, 'invalid service request "ftp:none:80"'),
        (PROXY.replace("web", "gone"), 404, 'pods "gone" not found'),
        (PROXY.replace("web", "web:") + "/", 400, 'invalid pod request "web:"'),
        (PROXY.replace("web", "web:99999") + "/", 503, "error trying to reach service: dial tcp: invalid port 99999"),
        ("/api/v1/nodes/gone/proxy/healthz", 404, 'nodes "gone" not found'),
        ("/api/v1/nodes/node-1:22/proxy/", 503, "connect: connection refused"),
    ],
)
async def test_refused(stage: Stage, target: str, code: int, message: str) -> None:
    """As an ordinary `Status`."""
    answered, said = await stage.refused(target)
    assert answered == code
    assert message in said


async def test_a_closed_port(tmp_path: Path) -> None:
    """503, and where it was tried."""
    async with staged(tmp_path, simulation={"readySeconds": 1e9}) as stage:
        code, said = await stage.refused(f"{PROXY}/")
    assert code == 503
    assert said.startswith("error trying to reach service: dial tcp 10.")
    assert said.endswith(":80: connect: connection refused")


async def test_a_written_address_leads_nowhere_else(stage: Stage) -> None:
    """Whoever may write a pod's status does not choose where the proxy goes."""
    pod = key("pods", "web")
    status = {"status": {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}}
    await stage.cluster.session.client.patch(pod, status, "merge", subresource="status")
    answer = await full(stage, f"{PROXY}/")
    assert (answer.status, answer.body) == (200, b"web\n")


async def test_a_path_without_a_slash_gets_one(stage: Stage) -> None:
    """So that relative links of the page work."""
    answer = await full(stage, f"{PROXY}?a=b")
    assert (answer.status, dict(answer.headers)["Location"]) == (301, f"{PROXY}/?a=b")


class Backend:
    """Stands in for a pod's server: keeps what it was asked, answers what it is told to."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.asked = answer, b""

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        while b"\r\n\r\n" not in self.asked:
            self.asked += await stream.receive_some()
        await stream.send_all(self.answer)

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the request."""
        lines = self.asked.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
        return dict(line.lower().split(": ", 1) for line in lines)


@pytest.fixture
async def serve(stage: Stage, nursery: trio.Nursery) -> Callable[[bytes], Backend]:
    """Puts a backend in the place of the pod's own server: the runtime leads every connection there."""

    def put(answer: bytes) -> Backend:
        backend = Backend(answer)
        assert stage.cluster.factory is not None
        runtime = stage.cluster.factory.runtimes["node-1"]

        async def forward(pod_uid: str, port: int, *, inside: bool = False) -> trio.abc.HalfCloseableStream:
            ours, theirs = memory_stream_pair()
            nursery.start_soon(backend.serve, theirs)
            return ours

        runtime.forward = forward  # type: ignore[method-assign]
        return backend

    return put


def answer(*headers: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def text(response: Response) -> bytes:
    """The whole of a streamed answer."""
    assert isinstance(response, Streaming)
    pieces: list[bytes] = []

    async def send(data: bytes | tuple[bytes, ...], /) -> None:
        pieces.extend((data,) if isinstance(data, bytes) else data)

    await response.write(send)
    return b"".join(pieces)


async def test_what_a_pod_is_told(stage: Stage, serve: Callable[[bytes], Backend]) -> None:
    """Method, path, query and headers; not who somebody is here, and nothing of the connection."""
    backend = serve(answer("Content-Length: 2", body=b"ok"))
    headers = {
        "authorization": "Bearer secret",
        "impersonate-user": "me",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
        "te": "trailers",
        "cookie": "a=b",
        "host": "api.example",
        "x-forwarded-for": "10.9.8.7",
    }
    await full(stage, f"{PROXY}/a%20b/c?q=1&q=2", method="POST", headers=headers, body=b"sent")
    assert backend.asked.startswith(b"POST /a%20b/c?q=1&q=2 HTTP/1.1\r\n")
    assert backend.asked.endswith(b"\r\n\r\nsent")
    told = backend.headers
    assert not {"authorization", "impersonate-user", "x-hop", "te", "connection"} & told.keys()
    assert (told["cookie"], told["host"], told["content-length"]) == ("a=b", "api.example", "4")
    assert told["x-forwarded-for"] == "10.9.8.7, 127.0.0.1"


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/other?x=1#y", f"{PROXY}/other?x=1#y"),
        ("relative", "relative"),
        ("http://elsewhere.example/", "http://elsewhere.example/"),
        ("http://api.example/there", f"{PROXY}/there"),
        (f"{PROXY}/already", f"{PROXY}/already"),
    ],
)
async def test_redirects_stay_in_the_proxy(
    stage: Stage, serve: Callable[[bytes], Backend], location: str, seen: str
) -> None:
    """Those inside the pod lead through the proxy again, others are left as they are."""
    serve(answer(f"Location: {location}", "Content-Length: 0", status="302 Found"))
    response = await full(stage, f"{PROXY}/", headers={"host": "api.example"})
    assert (response.status, dict(response.headers)["location"]) == (302, seen)


async def test_a_long_answer_is_streamed(stage: Stage, serve: Callable[[bytes], Backend]) -> None:
    """Chunks go on as they come; cookies stay apart, what opens other sites goes."""
    headers = ("Transfer-Encoding: chunked", "Set-Cookie: a=1", "Set-Cookie: b=2", "Access-Control-Allow-Origin: *")
    serve(answer(*headers, body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    response = await stage.ask(f"{PROXY}/")
    assert isinstance(response, Streaming)
    assert response.headers == (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert await text(response) == b"abcde"


@pytest.mark.parametrize("said", [b"", b"\0\1\2", b"HTTP/1.1 2", answer("X: " + "a" * 200_000)])
async def test_a_server_that_answers_nonsense(stage: Stage, serve: Callable[[bytes], Backend], said: bytes) -> None:
    """503, in a sentence."""

    class Closing(Backend):
        async def serve(self, stream: trio.abc.Stream) -> None:
            await super().serve(stream)
            await stream.aclose()

    backend = serve(said)
    backend.__class__ = Closing
    code, message = await stage.refused(f"{PROXY}/")
    assert code == 503
    assert message.startswith("error trying to reach service: ")
    assert said or message.endswith(": EOF")


async def test_an_upgrade_goes_through(stage: Stage, serve: Callable[[bytes], Backend]) -> None:
    """Afterwards bytes go both ways, those that came at once too."""

    class Echo(Backend):
        async def serve(self, stream: trio.abc.Stream) -> None:
            await super().serve(stream)
            while data := await stream.receive_some():
                await stream.send_all(data.upper())

    head = answer("Upgrade: echo", "Connection: Upgrade", "X-Told: 1", status="101 Switching Protocols")
    backend = serve(head + b"first")
    backend.__class__ = Echo
    response = await stage.ask(f"{PROXY}/", headers={"connection": "upgrade", "upgrade": "echo"})
    assert isinstance(response, Upgrade)
    assert (response.protocol, response.headers) == ("echo", (("x-told", "1"),))
    assert (backend.headers["upgrade"], backend.headers["connection"]) == ("echo", "upgrade")
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(response.run, theirs)
        with trio.fail_after(PATIENCE):
            assert await ours.receive_some() == b"first"
            await ours.send_all(b"more")
            assert await ours.receive_some() == b"MORE"
            await ours.send_eof()


async def test_the_api_of_a_node(stage: Stage) -> None:
    """The parts people ask for; 404 for the others."""
    assert (await full(stage, f"{NODE}/healthz")).body == b"ok"
    pods = json.loads(bytes_of(await full(stage, f"{NODE}/pods")))
    assert [pod["metadata"]["name"] for pod in pods["items"]] == ["web"]
    summary = json.loads(bytes_of(await full(stage, f"{NODE}/stats/summary")))
    assert [pod["podRef"]["name"] for pod in summary["pods"]] == ["web"]
    assert b"kubelet_running_pods 1\n" in bytes_of(await full(stage, f"{NODE}/metrics"))
    assert (await full(stage, f"{NODE}/soap")).status == 404
    assert (await full(stage, f"{NODE}/pods", method="POST")).status == 405
    assert await stage.text(f"{NODE}/containerLogs/default/web/main") == ""
    for path, why in (("gone/main", b'pod "gone" does not exist'), ("web/x", b'container "x" not found in pod "web"')):
        missing = await stage.ask(f"{NODE}/containerLogs/default/{path}")
        assert isinstance(missing, Full)
        assert (missing.status, missing.body) == (404, why)


def bytes_of(response: Full) -> bytes:
    """The body in one piece."""
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


async def test_links_of_pages_lead_through_the_proxy(stage: Stage, serve: Callable[[bytes], Backend]) -> None:
    """Those to the pod itself, in every sort of quotes, packed or not; scripts, comments and all else stay."""
    page = b"""<a href="/x?a=1&amp;b=2">\xff</a><IMG SRC=/i><script src='/s'>"<a href='/no'>"</script>
<!-- <a href='/c'> -->
<a href="rel">< <a href='http://elsewhere/'><p title="/t">"""
    seen = page.replace(b'"/x', f'"{PROXY}/x'.encode()).replace(b"SRC=/i", f'SRC="{PROXY}/i"'.encode())
    seen = seen.replace(b"src='/s'", f'src="{PROXY}/s"'.encode())
    for body, encoding in ((page, "identity"), (gzip.compress(page), "gzip")):
        head = (
            "Content-Type: text/html; charset=utf-8",
            f"Content-Encoding: {encoding}",
            f"Content-Length: {len(body)}",
        )
        serve(answer(*head, body=body))
        found = (await full(stage, f"{PROXY}/")).body
        assert isinstance(found, bytes)
        assert (gzip.decompress(found) if encoding == "gzip" else found) == seen
    large = page * 30_000
    serve(answer("Content-Type: text/html", f"Content-Length: {len(large)}", body=large))
    assert await text(await stage.ask(f"{PROXY}/")) == large, "too large to be read"


@pytest.mark.parametrize("mark", ["<a", "<!--", "<a '", '<a href="', "<script>", "<", "<a a=\t"])
def test_pages_that_close_nothing(mark: str) -> None:
    """Whatever a pod answers, reading it takes time in proportion to its length."""
    page = mark * 20_000
    began = time.process_time()
    assert with_links(page, lambda link: link) == page
    assert time.process_time() - began < 5


class Body:
    """A body that comes in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def receive(self) -> bytes:
        """The next piece."""
        await trio.lowlevel.checkpoint()
        return self.pieces.pop(0) if self.pieces else b""


@pytest.mark.parametrize("headers", [{}, {"content-length": "6"}])
async def test_a_body_goes_on_as_it_comes(
    stage: Stage, serve: Callable[[bytes], Backend], headers: Mapping[str, str]
) -> None:
    """In chunks or with its length, as the client sends it."""

    class Reading(Backend):
        async def serve(self, stream: trio.abc.Stream) -> None:
            while not self.asked.endswith(b"0\r\n\r\n" if not headers else b"defghi"[:3]):
                self.asked += await stream.receive_some()
            await stream.send_all(self.answer)

    backend = serve(answer("Content-Length: 2", body=b"ok"))
    backend.__class__ = Reading
    request = make_request("POST", f"{PROXY}/up", b"", headers)
    request.incoming = Body(b"abc", b"def")
    response = await stage.chain(request)
    assert isinstance(response, Full)
    assert response.body == b"ok"
    sent = backend.asked.partition(b"\r\n\r\n")[2]
    assert sent == (b"abcdef" if headers else b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")


async def test_an_answer_before_the_body_is_read(stage: Stage, serve: Callable[[bytes], Backend]) -> None:
    """A pod that refuses at once is heard, though the client has not sent everything."""

    class Waiting(Body):
        async def receive(self) -> bytes:
            if not self.pieces:
                await trio.sleep_forever()
            return await super().receive()

    serve(answer("Content-Length: 2", body=b"no", status="413 Too Large"))
    request = make_request("POST", f"{PROXY}/up", b"", {"content-length": "100"})
    request.incoming = Waiting(b"abc")
    response = await stage.chain(request)
    assert isinstance(response, Streaming)
    assert (response.status, await text(response)) == (413, b"no")
