"""Waiting, in a running cluster, for the objects of a file to be ready and for a listener to answer."""

from __future__ import annotations

from collections.abc import Callable, Collection

import trio

from kube_actors.cli.progress import FOLLOWED, all_done, rows
from kube_actors.cli.views import View
from kube_actors.store import Key, Store

REDRAW_SECONDS = 0.1
"""However much happens, a view is drawn at most this often."""
_TRY_EVERY = 0.05
_ANSWER_WITHIN = 5.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


async def show_until_ready(store: Store, keys: Collection[Key], view: View) -> None:
    """Show the workloads among `keys` whenever something changes, until all are ready."""
    changed = _Changes()
    subscriptions = [store.subscribe(lambda _commit: changed.notify(), resource) for resource in FOLLOWED]
    try:
        while True:
            found = rows(store, keys)
            view.show(found)
            if all_done(found):
                return
            await changed.wait()
            await trio.sleep(REDRAW_SECONDS)
    finally:
        for unsubscribe in subscriptions:
            unsubscribe()


class _Changes:
    """Set as often as one likes between two looks."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def notify(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event = trio.Event()


async def until_answering(host: str, port: int, on_trouble: Callable[[str], None]) -> None:
    """Return when a GET is answered there; whoever wants to know is told once why it is not yet."""
    told = False
    with_patience = trio.current_time() + _ANSWER_WITHIN
    while (trouble := await _trouble(_ANYWHERE.get(host, host), port)) is not None:
        if not told and trio.current_time() > with_patience:
            told = True
            on_trouble(trouble)
        await trio.sleep(_TRY_EVERY)


async def _trouble(host: str, port: int) -> str | None:
    """What is wrong with the answer to one GET; None when there is one."""
    try:
        with trio.fail_after(_ANSWER_WITHIN):
            stream = await trio.open_tcp_stream(host, port)
            async with stream:
                await stream.send_all(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode())
                return None if await stream.receive_some(1) else "the connection is closed without an answer"
    except trio.TooSlowError:
        return "no answer"
    except (OSError, trio.BrokenResourceError) as error:
        return str(error)
