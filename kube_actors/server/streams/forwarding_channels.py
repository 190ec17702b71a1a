"""Port-forward over channels of a WebSocket: for the n-th port of the query channel 2n is data, 2n+1 errors.

Each channel begins with its port in two bytes, the lower one first, from our side. There is one connection per port.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

import trio

from kube_actors.server.streams.channels import ChannelClosed, ChannelError, ChannelProtocol, ChannelReader, encode
from kube_actors.server.streams.forwarding import GONE, ForwardedData, ForwardFailure, PodPorts, relay
from kube_actors.server.streams.websocket import WebSocket

PIECES: Final = 16
"""Pieces (of up to 64 KiB) that wait for a pod that does not read, before the client has to."""


class _ChannelData(ForwardedData):
    """The data channel of one port."""

    def __init__(self, socket: WebSocket, protocol: ChannelProtocol, channel: int) -> None:
        self._socket, self._protocol, self._channel = socket, protocol, channel
        self.arrive, self._arrived = trio.open_memory_channel[bytes](PIECES)

    async def receive(self) -> bytes:
        try:
            return await self._arrived.receive()
        except trio.EndOfChannel:
            return b""

    def stop_reading(self) -> None:
        """What still comes is thrown away."""
        self._arrived.close()

    async def send(self, data: bytes) -> None:
        await self._socket.send(encode(self._protocol, self._channel, data))

    async def send_error(self, data: bytes) -> None:
        """On the channel beside."""
        await self._socket.send(encode(self._protocol, self._channel + 1, data))

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()  # channels have no end of their own; the WebSocket ends with the last one


async def forward_channels(
    socket: WebSocket, protocol: ChannelProtocol, ports: Sequence[int], pod_ports: PodPorts
) -> None:
    """Serve a client until it leaves or all connections have ended."""
    channels = [_ChannelData(socket, protocol, 2 * index) for index in range(len(ports))]

    reading = trio.CancelScope()

    async def serve_all() -> None:
        async with trio.open_nursery() as nursery:
            for port, channel in zip(ports, channels, strict=True):
                nursery.start_soon(_serve, port, channel, pod_ports)
        reading.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_all)
        with reading:
            await _read(socket, protocol, channels)
        nursery.cancel_scope.cancel()
    await socket.close()


async def _serve(port: int, channel: _ChannelData, pod_ports: PodPorts) -> None:
    with contextlib.suppress(*GONE):
        announced = port.to_bytes(2, "little")
        await channel.send(announced)
        await channel.send_error(announced)
        try:
            pod = await pod_ports.connect(port)
        except ForwardFailure as failure:
            await channel.send_error(str(failure).encode())
        else:
            await relay(channel, pod)
    channel.stop_reading()


async def _read(socket: WebSocket, protocol: ChannelProtocol, channels: Sequence[_ChannelData]) -> None:
    """Pass on what the client sends, until it leaves."""
    reader = ChannelReader(protocol)
    by_number = {2 * index: channel for index, channel in enumerate(channels)}
    with contextlib.suppress(ChannelError):
        while (piece := await socket.receive()) is not None:
            for event in reader.feed(piece.data, last=piece.last):
                channel = by_number.get(event.channel)
                if channel is None:
                    continue
                with contextlib.suppress(*GONE):
                    if isinstance(event, ChannelClosed):
                        channel.arrive.close()
                    elif event.data:
                        await channel.arrive.send(event.data)
