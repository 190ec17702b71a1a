"""One question to a server's gRPC health service (`grpc.health.v1.Health/Check`), with Kubernetes' outcomes and words.

The protocol is HTTP/2, spoken by h2; the two messages are a field each and need no protobuf library.
"""

from __future__ import annotations

from urllib.parse import unquote

import attrs
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import trio

from kube_actors.node.runtime.handlers import ProbeOutcome, ProbeResult
from kube_actors.records import define

READ_SIZE = 65536
MOST_BYTES = 64 * 1024
"""No health answer is as long as this: a server that says more is not asked any further."""
SERVING = 1
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
OK, UNIMPLEMENTED = "0", "12"
CODES = {
    str(number): name
    for number, name in enumerate((
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
        "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
        "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ))
}  # fmt: skip


class GrpcFailure(Exception):
    """The call did not come to an answer; the text says why."""


@define
class _Answer:
    """What has come of the answer: its message with the prefix gRPC puts before it, and all its headers."""

    message: bytearray = attrs.field(factory=bytearray)
    headers: dict[str, str] = attrs.field(factory=dict)
    ended: bool = False


async def check_health(stream: trio.abc.Stream, authority: str, service: str, agent: str) -> ProbeResult:
    """Ask on a connection that stands, and judge the answer. For how long to wait for one is the caller's affair."""
    try:
        answer = await _call(stream, authority, service, agent)
    except (GrpcFailure, h2.exceptions.ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
        return _failed(f"error: health rpc probe failed: rpc error: code = Unavailable desc = {error}")
    code = answer.headers.get("grpc-status", OK if answer.message else "2")
    said = unquote(answer.headers.get("grpc-message", ""))
    if code == UNIMPLEMENTED:
        health = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return _failed(f"error: {health}: {said}")
    if code != OK:
        name = CODES.get(code, f"Code({code})")
        return _failed(f"error: health rpc probe failed: rpc error: code = {name} desc = {said}")
    status = _status(bytes(answer.message[5:]))
    if status == SERVING:
        return ProbeResult(ProbeOutcome.SUCCESS, "service healthy")
    shown = STATUSES[status] if status < len(STATUSES) else str(status)
    return _failed(f'service unhealthy (responded with "{shown}")')


def _failed(message: str) -> ProbeResult:
    return ProbeResult(ProbeOutcome.FAILURE, message)


async def _call(stream: trio.abc.Stream, authority: str, service: str, agent: str) -> _Answer:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    connection.initiate_connection()
    number = connection.get_next_available_stream_id()
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("user-agent", agent),
        ("te", "trailers"),
    ]
    connection.send_headers(number, headers)
    connection.send_data(number, _framed(_request(service)), end_stream=True)
    answer = _Answer()
    while not answer.ended:
        await stream.send_all(connection.data_to_send())
        data = await stream.receive_some(READ_SIZE)
        if not data:
            raise GrpcFailure("connection closed before server preface received")
        for event in connection.receive_data(data):
            _take_in(event, answer, connection)
    return answer


def _take_in(event: h2.events.Event, answer: _Answer, connection: h2.connection.H2Connection) -> None:
    match event:
        case h2.events.ResponseReceived() | h2.events.TrailersReceived():
            answer.headers.update((_text(name), _text(value)) for name, value in event.headers or ())
        case h2.events.DataReceived():
            answer.message += event.data or b""
            if len(answer.message) > MOST_BYTES:
                raise GrpcFailure("the answer is too long")
            connection.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        case h2.events.StreamEnded():
            answer.ended = True
        case h2.events.StreamReset() | h2.events.ConnectionTerminated():
            raise GrpcFailure(f"the server ended the call with error code {event.error_code}")


def _text(header: bytes | str) -> str:
    """A server may send any bytes."""
    return header if isinstance(header, str) else header.decode(errors="replace")


def _framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, its length first."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _request(service: str) -> bytes:
    """`HealthCheckRequest`: field 1, the name of the service; empty asks for the whole server."""
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _status(message: bytes) -> int:
    """`HealthCheckResponse`: field 1, the status, which is UNKNOWN where nothing is said."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
