"""TLS, as clients of many kinds begin it."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from kube_actors.access.authority import Authority

from .clients import GET, Client, Stage, served

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A cluster's own."""
    return Authority.open(tmp_path / "pki")


@pytest.fixture
async def stage(authority: Authority) -> AsyncIterator[Stage]:
    """An edge that speaks TLS."""
    async with served(tls=authority.serving_context()) as stage:
        yield stage


def client_context(authority: Authority) -> ssl.SSLContext:
    """What a client does that trusts the cluster."""
    return ssl.create_default_context(cadata=authority.ca_pem.decode())


async def connect(stage: Stage, context: ssl.SSLContext) -> Client:
    """A client after its handshake."""
    host, _, port = stage.edge.addresses[0].rpartition(":")
    stream = await trio.open_ssl_over_tcp_stream(host, int(port), ssl_context=context, https_compatible=True)
    await stream.do_handshake()
    return Client(stream)


async def test_certificates_of_clients_are_optional(stage: Stage, authority: Authority, tmp_path: Path) -> None:
    """The handler gets the one that was shown, in DER; none is fine, too."""
    context = client_context(authority)
    async with await connect(stage, context) as client:
        await client.send(GET)
        assert (await client.answer()).status == 200
    shown = authority.client_certificate("alice", ["developers"], 3600)
    (tmp_path / "both.pem").write_bytes(shown.certificate + shown.key)
    context.load_cert_chain(tmp_path / "both.pem")
    async with await connect(stage, context) as client:
        await client.send(GET)
        assert (await client.answer()).status == 200
    assert [request.peer.certificate for request in stage.seen] == [
        None,
        ssl.PEM_cert_to_DER_cert(shown.certificate.decode()),
    ]


async def test_a_certificate_that_ends_while_its_client_is_connected(tmp_path: Path) -> None:
    """Is as good as a stranger's from then on, whatever the connection was before."""
    clock = [time.time()]
    authority = Authority.open(tmp_path / "pki", now=lambda: clock[0])
    shown = authority.client_certificate("alice", [], 600)
    (tmp_path / "both.pem").write_bytes(shown.certificate + shown.key)
    context = client_context(authority)
    context.load_cert_chain(tmp_path / "both.pem")
    async with served(tls=authority.serving_context()) as stage, await connect(stage, context) as client:
        for seconds in (0, 601, 0):
            clock[0] += seconds
            await client.send(GET)
            assert (await client.answer()).status == 200
        peers = [request.peer for request in stage.seen]
    assert [(peer.certificate is not None, peer.is_stranger) for peer in peers] == [
        (True, False),
        (False, True),
        (False, True),
    ]


async def test_large_bodies_both_ways(stage: Stage, authority: Authority) -> None:
    """Many records, more than any buffer holds."""
    async with await connect(stage, client_context(authority)) as client, trio.open_nursery() as nursery:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n"
        nursery.start_soon(
            client.send, head + b"x" * 3_000_000 + b"GET /size/5000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        assert (await client.answer()).body == b"POST 3000000"
        body = (await client.answer()).body
        assert (len(body), body[-2:]) == (5_000_000, b"xy")


async def test_a_stream_sends_while_its_client_does(stage: Stage, authority: Authority) -> None:
    """Both directions at once over an upgraded connection, and the handler notices the end."""
    async with await connect(stage, client_context(authority)) as client:
        await client.send(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        assert (await client.answer()).status == 101
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, b"z" * 5_000_000)
            assert await client.exactly(5_000_000) == b"z" * 5_000_000
    with trio.fail_after(30):
        while not stage.ended:
            await trio.sleep(0.01)


async def test_old_versions_are_refused(stage: Stage, authority: Authority) -> None:
    """Nothing below TLS 1.2; HTTP/1.1 is what both agree on."""
    context = client_context(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with await connect(stage, context) as client:
        assert isinstance(client.stream, trio.SSLStream)
        assert client.stream.selected_alpn_protocol() == "http/1.1"
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(trio.BrokenResourceError):
        await connect(stage, context)


async def test_plain_http_is_told_what_is_wrong(stage: Stage) -> None:
    """In the words of Go's server."""
    async with await stage.connect() as client:
        await client.send(GET)
        answer = await client.answer()
        assert (answer.status, answer.body) == (400, b"Client sent an HTTP request to an HTTPS server.\n")


async def test_noise_and_silence_do_no_harm(stage: Stage, authority: Authority) -> None:
    """Handshakes that fail, or never begin, are nobody else's concern."""
    async with await stage.connect() as silent, await stage.connect() as noisy:
        await noisy.send(b"\x16\x03\x01\xff\xff" + bytes(100))
        await noisy.rest()
        async with await connect(stage, client_context(authority)) as client:
            await client.send(GET)
            assert (await client.answer()).status == 200
        await stage.edge.drain(30)
        assert await silent.rest() == b""


async def test_a_handshake_has_its_time(stage: Stage, autojump_clock: MockClock) -> None:
    """Ten seconds; then the connection is closed."""
    async with await stage.connect() as silent:
        began = trio.current_time()
        await silent.rest()
        assert abs(trio.current_time() - began - 10) <= 1.5
