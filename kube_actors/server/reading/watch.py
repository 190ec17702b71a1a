"""WATCH: the store's steps as a stream of events, for as long as the client listens or the time it asked for."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from kube_actors.errors import ApiError
from kube_actors.records import define, frozen
from kube_actors.server.call import Call
from kube_actors.server.flow_control import FlowControl
from kube_actors.server.http import Send, Streaming, Upgrade
from kube_actors.server.reading.accept import ALL_FORMS, STREAMS, UNLISTED
from kube_actors.server.reading.list_options import ListOptions, list_options
from kube_actors.server.reading.negotiation import negotiate
from kube_actors.server.reading.resource_versions import reached
from kube_actors.server.reading.selection import Selection, selection_of
from kube_actors.server.reading.watch_encoding import Lines, error_line, lines_of
from kube_actors.store import Batch, Store, Watch

Write = Callable[[Send], Awaitable[None]]
SHORTEST_SECONDS: Final = 1800.0
"""A watch that names no time lasts between this and twice as long, so that not all clients come back at once."""


async def watch(call: Call) -> Streaming | Upgrade:
    """The events of the objects that the path and the selectors mean.

    ApiError 400, 406 and 422 for requests that make no sense. Whatever else goes wrong, a revision that is too long ago
    included, is told as an ERROR event, as kube-apiserver does: client libraries expect it there.
    """
    options = list_options(call.request, watch=True)
    accepted = negotiate(call.request, STREAMS, forms=UNLISTED if _is_streamed_list(options) else ALL_FORMS)
    lines = lines_of(call, accepted)
    selection = selection_of(call, options)
    deadline = trio.current_time() + _seconds(options)
    begun = functools.partial(call.api.part(FlowControl).begun, call)
    write = _writing(call.api.store, selection, options, Reader(lines, begun, options.bookmarks, deadline))
    if call.request.upgrade == "websocket":
        from kube_actors.server.reading.watch_socket import over_websocket  # browsers only

        return over_websocket(call.request, write)
    return Streaming(200, write)


def _writing(store: Store, selection: Selection, options: ListOptions, reader: Reader) -> Write:
    """What writes the stream, beginning with the store as it is now, or will be at a revision that is to come."""

    def opened() -> Write:
        try:
            return Following(_opened(store, selection, options), reader).write
        except ApiError as error:
            return _told(error)

    async def patient(send: Send) -> None:
        write: Write | None = None
        with trio.move_on_at(reader.deadline):
            write = await _wait_for(store, options) or opened()
        if write is not None:
            await write(send)

    return patient if (options.resource_version or 0) > store.head else opened()


async def _wait_for(store: Store, options: ListOptions) -> Write | None:
    """Wait for a revision that has not come yet; what tells the client that it does not come, if so.

    Whoever watches from a revision that nobody has come to, as those of a cluster that has lost its state do, would be
    told nothing by kube-apiserver until then. Here the store tells them to list again.
    """
    try:
        await reached(store, options.resource_version or 0)
    except ApiError as error:
        return _told(error) if options.send_initial_events else None
    return None


def _is_streamed_list(options: ListOptions) -> bool:
    """Whether the watch stands for a list, which is never told as Tables: clients take another form they accept."""
    return bool(options.send_initial_events) and options.bookmarks


def _told(error: ApiError) -> Write:
    """A stream of nothing but an error."""
    line = error_line(error)
    return lambda send: send(line)


def _seconds(options: ListOptions) -> float:
    if options.timeout_seconds:
        return options.timeout_seconds
    return SHORTEST_SECONDS * (1 + random.random())


def _opened(store: Store, selection: Selection, options: ListOptions) -> Watch:
    """The store's watch. ApiError 410 when history does not go back far enough."""
    since, initial = options.resource_version, options.send_initial_events
    if initial is None and not since:
        initial = True
    return store.watch(
        selection.resource,
        selection.namespace,
        since,
        bookmarks=options.bookmarks,
        name=selection.name,
        selector=selection.labels,
        where=selection.where,
        node=selection.node,
        send_initial_events=initial,
    )


@frozen(eq=False)
class Reader:
    """The client of a watch. `begun` is called once it has been told what there was when the watch began; `deadline` is
    machine time (trio's clock)."""

    lines: Lines
    begun: Callable[[], None]
    bookmarks: bool
    deadline: float


@define(eq=False)
class Following:
    """One watch on its way to its client."""

    watch: Watch
    reader: Reader

    async def write(self, send: Send) -> None:
        """Send events until the time is over, and then how far they went. Only waiting is cut short, never a send."""
        watch, reader = self.watch, self.reader
        parts, begun = reader.lines.parts, False
        try:
            while True:
                if not begun and watch.has_begun:
                    reader.begun()
                    begun = True
                events = await self._events()
                if not events:
                    break
                for part in parts(events):
                    await send(part)
        except ApiError as error:
            await send(error_line(error))
            return
        last = watch.bookmark() if reader.bookmarks else None
        if last is not None:
            for part in parts(Batch([last])):
                await send(part)

    async def _events(self) -> Batch:
        """The next events; none when the time is over."""
        with trio.move_on_at(self.reader.deadline):
            return await self.watch.drain()
        return Batch()
