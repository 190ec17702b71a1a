"""`pods/portforward`: connections to ports of a pod, each a pair of streams: its data, and what goes wrong with it.

Three ways lead here: SPDY on the bare connection, SPDY tunnelled in a WebSocket (kubectl since 1.31), and channels of a
WebSocket for ports named in the query (most client libraries).
"""

from __future__ import annotations

from typing import Final

import trio

from kube_actors.errors import bad_request
from kube_actors.server.call import Call
from kube_actors.server.http import Upgrade
from kube_actors.server.streams.channels import negotiate
from kube_actors.server.streams.forwarding import PodPorts
from kube_actors.server.streams.forwarding_channels import forward_channels
from kube_actors.server.streams.forwarding_spdy import forward_spdy
from kube_actors.server.streams.pods import pod_of
from kube_actors.server.streams.upgrades import (
    SPDY,
    WEBSOCKET,
    check_upgrade,
    no_stream_protocol,
    offered_stream_protocols,
)
from kube_actors.server.streams.websocket import WebSocket, WebSocketBytes, handshake, no_protocol, offered_protocols
from kube_actors.verbs.node import check_reachable
from kube_actors.verbs.pods import node_of

PROTOCOL: Final = "portforward.k8s.io"
TUNNEL: Final = f"SPDY/3.1+{PROTOCOL}"
MOST_PORTS: Final = 100
"""Ports of one query: two channels each must fit into a byte."""
LARGEST_PORT: Final = 65535


async def port_forward(call: Call) -> Upgrade:
    """Forward ports of the pod. ApiError for a pod that does not run, or a request that asks for no known protocol."""
    pod = pod_of(call)
    body = pod.body()
    node = node_of(body)
    check_upgrade(call)
    phase = (body.get("status") or {}).get("phase", "Pending")
    if phase != "Running":
        raise bad_request(f"unable to forward port because pod is not running. Current status={phase}")
    await check_reachable(call.api.session, node)
    pod_ports = PodPorts(call.api.session, pod, node)
    if call.request.upgrade == SPDY:
        return _over_spdy(call, pod_ports)
    if TUNNEL in offered_protocols(call.request):
        return _over_tunnel(call, pod_ports)
    return _over_channels(call, pod_ports)


def _over_spdy(call: Call, pod_ports: PodPorts) -> Upgrade:
    offered = offered_stream_protocols(call.request)
    if PROTOCOL not in offered:
        raise no_stream_protocol(offered, (PROTOCOL,))

    async def run(stream: trio.abc.Stream) -> None:
        await forward_spdy(stream, pod_ports)

    return Upgrade("SPDY/3.1", run, (("X-Stream-Protocol-Version", PROTOCOL),))


def _over_tunnel(call: Call, pod_ports: PodPorts) -> Upgrade:
    async def run(stream: trio.abc.Stream) -> None:
        tunnel = WebSocketBytes(WebSocket(stream))
        await forward_spdy(tunnel, pod_ports)
        await tunnel.aclose()

    return Upgrade(WEBSOCKET, run, handshake(call.request, TUNNEL))


def _over_channels(call: Call, pod_ports: PodPorts) -> Upgrade:
    ports = [_port(text) for given in call.request.query.get("ports", ()) for text in given.split(",")]
    if not ports:
        raise bad_request('query parameter "ports" is required')
    if len(ports) > MOST_PORTS:
        raise bad_request(f"at most {MOST_PORTS} ports can be forwarded at once")
    offered = offered_protocols(call.request)
    protocol = negotiate(offered)
    if protocol is None:
        raise no_protocol(offered)
    headers = handshake(call.request, protocol.name)

    async def run(stream: trio.abc.Stream) -> None:
        await forward_channels(WebSocket(stream), protocol, ports, pod_ports)

    return Upgrade(WEBSOCKET, run, headers)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise bad_request(f'unable to parse "{text}" as a port')
    if len(text) > 5 or not 0 < int(text) <= LARGEST_PORT:
        raise bad_request(f'port "{text}" must be between 1 and {LARGEST_PORT}, inclusive')
    return int(text)
