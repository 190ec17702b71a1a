"""The gRPC health service asked by a probe, with a real HTTP/2 server at the other end."""

from __future__ import annotations

from functools import partial

import h2.config
import h2.connection
import h2.events
import pytest
import trio
import trio.testing

from kube_actors.node.probe_grpc import check_health
from kube_actors.node.runtime.handlers import ProbeOutcome, ProbeResult

Headers = list[tuple[str, str | bytes]]
HTTP_OK: Headers = [(":status", "200"), ("content-type", "application/grpc")]


async def serve(
    stream: trio.abc.Stream, asked: list[tuple[Headers, bytes]], *, head: Headers, body: bytes | None, trailers: Headers
) -> None:
    """Read one call, then answer it."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    headers: Headers = []
    sent = b""
    while True:
        await stream.send_all(connection.data_to_send())
        for event in connection.receive_data(await stream.receive_some()):
            if isinstance(event, h2.events.RequestReceived):
                headers = [(str(name), str(value)) for name, value in event.headers or ()]
            elif isinstance(event, h2.events.DataReceived):
                sent += event.data or b""
            elif isinstance(event, h2.events.StreamEnded):
                asked.append((headers, sent))
                number = event.stream_id or 0
                connection.send_headers(number, head, end_stream=body is None)
                if body is not None:
                    connection.send_data(number, body)
                    connection.send_headers(number, trailers, end_stream=True)
                await stream.send_all(connection.data_to_send())
                return


async def ask(
    head: Headers, body: bytes | None = None, trailers: Headers | None = None, service: str = ""
) -> tuple[ProbeResult, list[tuple[Headers, bytes]]]:
    """What the probe says of a server that answers so, and what the server was asked."""
    ours, theirs = trio.testing.memory_stream_pair()
    asked: list[tuple[Headers, bytes]] = []
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(serve, theirs, asked, head=head, body=body, trailers=trailers or []))
            result = await check_health(ours, "10.1.2.3:5000", service, "kube-probe/1.36")
    return result, asked


STATUS_OK: Headers = [("grpc-status", "0")]


async def test_a_server_that_serves() -> None:
    """It is asked for the service by its name, in gRPC's own frame."""
    result, asked = await ask(HTTP_OK, b"\0\0\0\0\2\x08\x01", STATUS_OK, service="books")
    assert result == ProbeResult(ProbeOutcome.SUCCESS, "service healthy")
    ((headers, message),) = asked
    assert (":path", "/grpc.health.v1.Health/Check") in headers
    assert ("user-agent", "kube-probe/1.36") in headers
    assert message == b"\0\0\0\0\7\x0a\5books"


@pytest.mark.parametrize(
    ("head", "body", "trailers", "message"),
    [
        (HTTP_OK, b"\0\0\0\0\2\x08\x02", STATUS_OK, 'service unhealthy (responded with "NOT_SERVING")'),
        (HTTP_OK, b"\0\0\0\0\0", STATUS_OK, 'service unhealthy (responded with "UNKNOWN")'),
        (
            [*HTTP_OK, ("grpc-status", "12"), ("grpc-message", "unknown service%20x")],
            None,
            [],
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service x",
        ),
        (
            [*HTTP_OK, ("grpc-status", "5"), ("grpc-message", "no books")],
            None,
            [],
            "error: health rpc probe failed: rpc error: code = NotFound desc = no books",
        ),
        (
            [*HTTP_OK, ("grpc-status", b"\xff"), ("grpc-message", "what?")],
            None,
            [],
            "error: health rpc probe failed: rpc error: code = Code(\ufffd) desc = what?",
        ),
        (
            [*HTTP_OK, ("grpc-status", "7" * 5000)],
            None,
            [],
            f"error: health rpc probe failed: rpc error: code = Code({'7' * 5000}) desc = ",
        ),
    ],
)
async def test_a_server_that_does_not(head: Headers, body: bytes | None, trailers: Headers, message: str) -> None:
    """Another status, or an error of gRPC's, fails the probe."""
    assert (await ask(head, body, trailers))[0] == ProbeResult(ProbeOutcome.FAILURE, message)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""])
async def test_a_server_that_speaks_something_else(said: bytes) -> None:
    """Or hangs up: that is a failure, too, and no harm to us."""
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(said)
    await theirs.send_eof()
    result = await check_health(ours, "10.1.2.3:5000", "", "kube-probe/1.36")
    assert result.outcome is ProbeOutcome.FAILURE
    assert result.message.startswith("error: health rpc probe failed: rpc error: code = Unavailable desc = ")
