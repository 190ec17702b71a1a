"""The Docker Engine's API as the runtime needs it. Only this module imports aiodocker, and that late: it takes 0.4 s.

Every method is called from trio and does its work in the asyncio thread. An engine that does not answer is RuntimeGone,
an engine that refuses is EngineError.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import math
import struct
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from kube_actors.api.codecs import json
from kube_actors.node.runtime.base import RuntimeGone
from kube_actors.node.runtime.docker.asyncio_thread import AsyncioThread, open_asyncio_thread

if TYPE_CHECKING:
    import aiodocker
    from aiodocker.stream import Stream

R = TypeVar("R")


class EngineError(Exception):
    """The engine refused: HTTP status and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Engine:
    """One engine, by its socket (a path, also as `unix://…`). It need not answer yet; `serve` must run."""

    def __init__(self, socket: str) -> None:
        self._socket = socket.removeprefix("unix://")
        self._thread: AsyncioThread
        self._docker: aiodocker.Docker

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the client library and its thread, for ever."""
        await trio.to_thread.run_sync(importlib.import_module, "aiodocker")
        async with open_asyncio_thread() as self._thread:
            self._docker = await self._thread.call(self._connect)
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await self._thread.call(self._disconnect)

    async def _connect(self) -> aiodocker.Docker:
        import aiodocker
        import aiohttp

        # Without `limit=0` a hundred followed logs would block everything else.
        return aiodocker.Docker(url="http://localhost", connector=aiohttp.UnixConnector(self._socket, limit=0))

    async def _disconnect(self) -> None:
        connector = self._docker.connector
        await self._docker.close()
        if connector is not None:
            await connector.close()

    async def _call(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        from aiodocker import DockerError
        from aiohttp import ClientError

        async def guarded() -> R:
            try:
                return await work()
            except DockerError as error:
                if error.status == 900:  # the library's own number for an engine out of reach
                    raise RuntimeGone(error.message) from None
                raise EngineError(error.status, error.message) from None
            except (ClientError, OSError) as error:
                raise RuntimeGone(f"the Docker engine does not answer: {error}") from None

        return await self._thread.call(guarded)

    async def ask(self, path: str, method: str = "GET", *, body: Any = None, **params: Any) -> Any:
        """One request with a JSON answer (None when it is empty)."""
        from aiohttp import ClientTimeout

        async def work() -> Any:
            given = {key: value for key, value in params.items() if value is not None}
            data = json.dumps(body).decode() if isinstance(body, (dict, list)) else body
            content = "application/x-tar" if isinstance(body, bytes) else "application/json"
            response = await self._docker._do_query(
                path, method, params=given, data=data, headers={"Content-Type": content}, timeout=ClientTimeout()
            )
            try:
                text = await response.read()
                is_json = response.content_type == "application/json"
            finally:
                response.close()
            return json.loads_trusted(text) if text and is_json and path != "images/create" else None

        return await self._call(work)

    def start_stream(self, nursery: trio.Nursery, path: str, *, framed: bool, **params: Any) -> EngineStream:
        """An answer that goes on, its pieces received as they come: (1 or 2, bytes) when `framed`, else (0, line)."""
        send, receive = trio.open_memory_channel[tuple[int, bytes]](math.inf)
        stream = EngineStream(receive)

        async def pump() -> None:
            from aiohttp import ClientTimeout

            response = await self._docker._do_query(path, "GET", params=params, timeout=ClientTimeout())
            try:
                async for piece in _frames(response.content) if framed else _lines(response.content):
                    self._thread.deliver(_deliver, send, piece)
            finally:
                response.close()

        async def run() -> None:
            with stream.scope:
                try:
                    await self._call(pump)
                except (RuntimeGone, EngineError) as error:
                    stream.error = error
            await trio.lowlevel.checkpoint()  # what was delivered before comes first
            send.close()

        nursery.start_soon(run, name=f"engine {path}")
        return stream

    async def open_exec(self, exec_id: str, tty: bool) -> ExecStream:
        """Start a command and be connected to it."""

        async def work() -> Stream:
            from aiodocker.execs import Exec

            stream = Exec(self._docker, exec_id, tty).start()
            await stream._init()
            return stream

        return ExecStream(self, await self._call(work))

    async def open_attach(self, container: str, *, stdin: bool) -> ExecStream:
        """Be connected to the streams of a running container."""

        async def work() -> Stream:
            found = self._docker.containers.container(container)
            stream = found.attach(stdin=stdin, stdout=True, stderr=True)
            await stream._init()
            return stream

        return ExecStream(self, await self._call(work))


class EngineStream:
    """A streaming answer: iterate over `pieces`; afterwards `error` says whether it broke."""

    def __init__(self, pieces: trio.MemoryReceiveChannel[tuple[int, bytes]]) -> None:
        self.pieces = pieces
        self.error: Exception | None = None
        self.scope = trio.CancelScope()

    def close(self) -> None:
        """Nobody reads any more."""
        self.scope.cancel()
        self.pieces.close()


class ExecStream:
    """The connection to a command of the engine."""

    def __init__(self, engine: Engine, stream: Stream) -> None:
        self._engine = engine
        self._stream = stream

    async def receive(self) -> tuple[int, bytes] | None:
        """The next output; None at its end."""
        message = await self._engine._call(self._stream.read_out)
        return None if message is None else (message.stream, message.data)

    async def send(self, data: bytes) -> None:
        """Input."""
        await self._engine._call(lambda: self._stream.write_in(data))

    async def send_eof(self) -> None:
        """End of input; output goes on."""

        async def work() -> None:
            connection = self._stream._resp.connection if self._stream._resp is not None else None
            if connection is not None and connection.transport is not None and connection.transport.can_write_eof():
                connection.transport.write_eof()

        await self._engine._call(work)

    async def close(self) -> None:
        """Disconnect."""

        async def work() -> None:
            response = self._stream._resp
            if response is not None:
                response.close()
            self._stream._closed = True

        await self._engine._call(work)


def _deliver(send: trio.MemorySendChannel[tuple[int, bytes]], piece: tuple[int, bytes]) -> None:
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # nobody listens any more
        send.send_nowait(piece)


async def _frames(content: Any) -> AsyncGenerator[tuple[int, bytes], None]:
    """Docker's multiplexed stream: one byte of stream number, three of nothing, four of length."""
    while True:
        try:
            head = await content.readexactly(8)
            yield head[0], await content.readexactly(struct.unpack(">I", head[4:])[0])
        except asyncio.IncompleteReadError:
            return


async def _lines(content: Any) -> AsyncGenerator[tuple[int, bytes], None]:
    while line := await content.readline():
        yield 0, line


def text_filter(filters: Mapping[str, list[str]]) -> str:
    """A `filters` parameter."""
    return json.dumps(filters).decode()
