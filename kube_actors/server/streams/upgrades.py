"""From a request to the streams it wants to go on with: WebSocket or SPDY, and which version of their protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio

from kube_actors.errors import ApiError, bad_request
from kube_actors.server.call import Call
from kube_actors.server.http import HttpRequest, Upgrade
from kube_actors.server.streams.channels import ChannelProtocol, negotiate
from kube_actors.server.streams.client_streams import ClientStreams, Wanted, WebSocketStreams, take_streams
from kube_actors.server.streams.spdy import SpdySession
from kube_actors.server.streams.websocket import WebSocket, handshake, no_protocol, offered_protocols

WEBSOCKET: Final = "websocket"
SPDY: Final = "spdy/3.1"
_SPDY_VERSIONS: Final = {
    "v5.channel.k8s.io": 5,
    "v4.channel.k8s.io": 4,
    "v3.channel.k8s.io": 3,
    "v2.channel.k8s.io": 2,
    "channel.k8s.io": 1,
}
Serve = Callable[[ClientStreams], Awaitable[None]]


def check_upgrade(call: Call) -> None:
    """ApiError 400 for a request that does not ask for streams; 403 for a reader who may not also create them.

    A WebSocket begins with GET, so that the verb of the request alone would let readers run commands.
    """
    if call.request.upgrade not in (WEBSOCKET, SPDY):
        raise bad_request("Upgrade request required")
    if call.info.verb != "create":
        call.check_allowed(call.attributes("create"))


def command_upgrade(request: HttpRequest, wanted: Wanted, serve: Serve) -> Upgrade:
    """The answer to an exec or attach: `serve` is called with the client's streams. ApiError when none fit."""
    if request.upgrade == WEBSOCKET:
        return _websocket_upgrade(request, wanted, serve)
    offered = offered_stream_protocols(request)
    chosen = next((name for name in offered if name in _SPDY_VERSIONS), None)
    if chosen is None:
        raise no_stream_protocol(offered, tuple(_SPDY_VERSIONS))
    version = _SPDY_VERSIONS[chosen]

    async def run(stream: trio.abc.Stream) -> None:
        async with running_session(SpdySession(stream)) as session:
            streams = await take_streams(session, version, wanted)
            if streams is not None:
                await serve(streams)

    return Upgrade("SPDY/3.1", run, (("X-Stream-Protocol-Version", chosen),))


def _websocket_upgrade(request: HttpRequest, wanted: Wanted, serve: Serve) -> Upgrade:
    offered = offered_protocols(request)
    protocol = negotiate(offered)
    if protocol is None:
        raise no_protocol(offered)
    headers = handshake(request, protocol.name)

    async def run(stream: trio.abc.Stream) -> None:
        await _serve_websocket(stream, protocol, wanted, serve)

    return Upgrade(WEBSOCKET, run, headers)


async def _serve_websocket(stream: trio.abc.Stream, protocol: ChannelProtocol, wanted: Wanted, serve: Serve) -> None:
    streams = WebSocketStreams(WebSocket(stream), protocol, wanted)
    try:
        await streams.begin()
    except trio.BrokenResourceError:
        return
    await serve(streams)


@asynccontextmanager
async def running_session(session: SpdySession) -> AsyncIterator[SpdySession]:
    """A SPDY connection that is read for as long as the block runs."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run, name="spdy")
        yield session
        nursery.cancel_scope.cancel()


def offered_stream_protocols(request: HttpRequest) -> Sequence[str]:
    """The protocols a SPDY client offers, in its order. ApiError 400 when it names none."""
    offered = [name.strip() for name in request.header("x-stream-protocol-version").split(",") if name.strip()]
    if not offered:
        raise bad_request("unable to upgrade: X-Stream-Protocol-Version is required")
    return offered


def no_stream_protocol(offered: Sequence[str], accepted: Sequence[str]) -> ApiError:
    """403: nothing the client offers is spoken here."""
    client, server = " ".join(offered), " ".join(accepted)
    why = f"unable to negotiate protocol: client supports [{client}], server accepts [{server}]"
    return ApiError("Forbidden", 403, f"unable to upgrade: {why}")
