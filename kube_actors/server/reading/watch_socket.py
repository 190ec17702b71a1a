"""A watch over a WebSocket, as browsers do it: every event is a message of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from kube_actors.server.http import HttpRequest, Send, Upgrade
from kube_actors.server.streams.one_way_socket import one_way_socket
from kube_actors.server.streams.websocket import offered_protocols


def over_websocket(request: HttpRequest, write: Callable[[Send], Awaitable[None]]) -> Upgrade:
    """What `write` sends in lines, as text messages, until it ends or the client leaves. ApiError 400."""
    offered = offered_protocols(request)
    return one_way_socket(request, offered[0] if offered else "", write, _lines)


def _lines(data: bytes) -> Iterable[str]:
    return (line.decode() for line in data.splitlines())
