"""Calls into a trio run from another thread, or from the event loop it is a guest of."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

import outcome
import trio

from kube_actors.embed.cluster import Cluster, opened
from kube_actors.embed.errors import ClusterStopped
from kube_actors.embed.opening import Opening
from kube_actors.embed.plain_errors import only_error
from kube_actors.embed.streams import Stream

P = ParamSpec("P")
R = TypeVar("R")


class Call(Generic[R]):
    """One call under way. `future` is done exactly once, and only after the trio side has cleaned up."""

    def __init__(self, portal: Portal, work: Callable[[], Awaitable[R]]) -> None:
        self.future: concurrent.futures.Future[R] = concurrent.futures.Future()
        self.future.set_running_or_notify_cancel()  # it is cancelled by `cancel`, not by whoever waits for it
        self._portal = portal
        self._work = work
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Do it. For the trio run."""
        result: outcome.Outcome[R] | None = None
        try:
            with self._scope:
                result = await outcome.acapture(self._work)
                if isinstance(result, outcome.Error) and not isinstance(result.error, Exception):
                    cancelled, result = result.error, None
                    raise cancelled
        finally:
            self._settle(result or outcome.Error(self._portal.stopped()))

    def refuse(self) -> None:
        """It was never begun: the cluster has ended."""
        self._settle(outcome.Error(self._portal.stopped()))

    def cancel(self) -> None:
        """Give it up; `future` is done soon after. From any thread."""
        self._portal.soon(self._scope.cancel)

    def _settle(self, result: outcome.Outcome[R]) -> None:
        match result:
            case outcome.Value(value):
                self.future.set_result(value)
            case outcome.Error(error):
                self.future.set_exception(error)


class Portal:
    """A cluster in a trio run that is not the caller's. Subclasses say where the run takes place.

    `started` gives the cluster, or why there is none; `ended` is done when nothing is left, with its error if any.
    """

    def __init__(self, opening: Opening) -> None:
        self.name = opening.config.name
        self.started: concurrent.futures.Future[Cluster] = concurrent.futures.Future()
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._opening = opening
        self._token: trio.lowlevel.TrioToken | None = None
        self._calls: trio.Nursery | None = None
        self._scope = trio.CancelScope()
        self._ending: trio.Event | None = None
        self._told_to_end = False
        self._aborted = False

    def submit(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """Begin a call. It is refused when the cluster has ended."""
        call = Call(self, partial(function, *args, **kwargs))

        def begin() -> None:
            try:
                assert self._calls is not None, "nobody has the cluster before it has started"
                self._calls.start_soon(call.run, name="call")
            except RuntimeError:  # the nursery is closed
                call.refuse()

        if not self.soon(begin):
            call.refuse()
        return call

    def close(self, opening: Call[Stream[Any]]) -> None:
        """Close a stream when it has been opened. From any thread, and without waiting."""

        def close(future: concurrent.futures.Future[Stream[Any]]) -> None:
            if future.exception() is None:
                self.soon(future.result().close)

        opening.future.add_done_callback(close)

    def end(self) -> None:
        """Leave the cluster's block: pods end in order. From any thread; `ended` says when."""
        self._told_to_end = True
        self.soon(self._set_ending)

    def abort(self) -> None:
        """End everything at once, also a cluster that is still starting."""
        self._aborted = True
        self.soon(self._scope.cancel)

    def join(self) -> None:
        """Let go of what the run took place in, once it has `ended`."""

    def soon(self, callback: Callable[[], object]) -> bool:
        """Call back in the trio run, from any thread; False when that has ended."""
        if self._token is None:
            return False
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(callback)
            return True
        return False

    def stopped(self) -> ClusterStopped:
        """What a call is answered that came too late."""
        stopped = ClusterStopped(f"cluster {self.name!r} has stopped")
        stopped.__cause__ = self.ended.exception() if self.ended.done() else None
        return stopped

    def _set_ending(self) -> None:
        if self._ending is not None:
            self._ending.set()

    async def _main(self) -> None:
        """The trio run."""
        self._token = trio.lowlevel.current_trio_token()
        self._ending = trio.Event()
        if self._aborted:  # before there was a token to say it by
            self._scope.cancel()
        with self._scope:
            async with trio.open_nursery() as self._calls:
                async with opened(self._opening) as cluster:
                    self.started.set_result(cluster)
                    if not self._told_to_end:
                        await self._ending.wait()
                self._calls.cancel_scope.cancel()

    def _finish(self, result: outcome.Outcome[None]) -> None:
        """The trio run has ended."""
        error = only_error(result.error) if isinstance(result, outcome.Error) else None
        if not self.started.done():
            self.started.set_exception(error or self.stopped())
            error = None
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)


class ThreadPortal(Portal):
    """The run has a thread of its own, which does not keep the process alive."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._thread = threading.Thread(target=self._run, name=f"kube-actors {self.name}", daemon=True)

    def start(self) -> None:
        """Begin; `started` says when the cluster runs."""
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether this is the cluster's own thread, which must not wait for itself."""
        return threading.current_thread() is self._thread

    def join(self) -> None:
        """Let the thread go, which is a moment after `ended`. One that has not ended is left alone."""
        if self.ended.done():
            self._thread.join()

    def _run(self) -> None:
        self._finish(outcome.capture(trio.run, self._main))
