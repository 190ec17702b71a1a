"""One client: its requests side by side, each with its own streams; or a person who types line after line."""

from __future__ import annotations

import select

import attrs
import trio

from kube_actors.console.commands.run import print_unexpected, run_command
from kube_actors.console.exchange import Exchange
from kube_actors.console.exchanges import STOP, JsonExchange, TypedExchange
from kube_actors.console.protocol import (
    Cancel,
    EndOfInput,
    Id,
    Input,
    Request,
    Resize,
    Said,
    line_of,
    read_line,
)
from kube_actors.console.streams import BoundedSender, InputBudget, LineReader, LineTooLong, SlowReader
from kube_actors.records import define
from kube_actors.verbs.arguments import split_line
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.session import Session

PROMPT = b"> "
REQUESTS_AT_ONCE = 64
TYPED_LINES_WAITING = 1024
HANG_UP_CHECK = 0.5
"""Machine seconds between two looks whether a client that sends no more still listens."""
SHUTTING_DOWN = "error: the cluster is shutting down"
CANCELLED = 130


@define(eq=False)
class Connection:
    """A client on its stream."""

    stream: trio.SocketStream
    session: Session
    sender: BoundedSender
    budget: InputBudget
    _requests: dict[Id, JsonExchange] = attrs.field(factory=dict, init=False)
    _typed: TypedExchange | None = attrs.field(default=None, init=False)
    _closing: bool = attrs.field(default=False, init=False)
    _ended: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot, init=False)
    _heard_all: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def serve(self) -> None:
        """Return when the client has gone, takes nothing, or has been refused."""
        try:
            async with trio.open_nursery() as watching:
                watching.start_soon(self._watch_for_hang_up, watching.cancel_scope)
                async with trio.open_nursery() as working:
                    lines, typed = trio.open_memory_channel[bytes](TYPED_LINES_WAITING)
                    working.start_soon(self._converse, typed)
                    await self._read(working, lines)
                watching.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, SlowReader):
            pass  # nobody listens any more

    async def close(self) -> None:
        """End every request with a word to the client; returns when it has heard it."""
        self._closing = True
        for exchange in self._requests.values():
            exchange.stop(SHUTTING_DOWN)
        if self._typed is not None:
            self._typed.scope.cancel()
        while self._requests or self._typed is not None:
            await self._ended.park()

    async def _watch_for_hang_up(self, scope: trio.CancelScope) -> None:
        """A client that sends no more may still listen; when it does not, what it asked for is over."""
        await self._heard_all.wait()
        while not _has_hung_up(self.stream):  # noqa: ASYNC110  (the kernel has no event for it)
            await trio.sleep(HANG_UP_CHECK)
        scope.cancel()

    async def _read(self, nursery: trio.Nursery, lines: trio.MemorySendChannel[bytes]) -> None:
        reader = LineReader(self.stream)
        async with lines:
            try:
                while (line := await reader.next()) is not None:
                    await self._take(line, nursery, lines)
            except LineTooLong:
                await self.sender.send(b"error: the line is longer than 1 MiB\n")
                nursery.cancel_scope.cancel()
        for exchange in self._requests.values():
            exchange.end_input()
        self._heard_all.set()

    async def _take(self, line: bytes, nursery: trio.Nursery, lines: trio.MemorySendChannel[bytes]) -> None:
        if line.lstrip().startswith(b"{") and not self._is_typing_input:
            try:
                await self._hear(read_line(line), nursery)
            except UsageError as error:
                await self.sender.send(line_of({"error": str(error)}))
        elif line == STOP and self._typed is not None and not self._typed.reads_input:
            self._typed.scope.cancel()
        else:
            await lines.send(line)

    @property
    def _is_typing_input(self) -> bool:
        return self._typed is not None and self._typed.reads_input

    async def _hear(self, said: Said, nursery: trio.Nursery) -> None:
        """What a program says."""
        if isinstance(said, Request):
            if said.id in self._requests:
                raise UsageError(f"a request with the id {said.id!r} is under way")
            if len(self._requests) >= REQUESTS_AT_ONCE:
                raise UsageError(f"{REQUESTS_AT_ONCE} requests are under way: wait for one to end")
            exchange = JsonExchange(self.session, self.sender, self.budget, said)
            self._requests[said.id] = exchange
            nursery.start_soon(self._run, exchange, said)
            return
        running = self._requests.get(said.id)
        match said:
            case _ if running is None:
                return  # it has just ended
            case Input(_, data):
                running.take_input(data)
            case EndOfInput():
                running.end_input()
            case Cancel():
                running.stop()
            case Resize(_, rows, columns):
                running.resize(rows, columns)

    async def _run(self, exchange: JsonExchange, request: Request) -> None:
        code = CANCELLED
        try:
            with exchange.scope:
                code = await _run_safely(exchange, request.argv)
            if exchange.refusal is not None:
                await exchange.err(exchange.refusal)
                code = 1
            await exchange.say(exit=code)
        finally:
            exchange.close()
            del self._requests[request.id]
            self._ended.unpark_all()

    async def _converse(self, lines: trio.MemoryReceiveChannel[bytes]) -> None:
        """Answer typed lines, one after the other."""
        async for line in lines:
            words = line.decode("utf-8", "replace").strip()
            if words in ("exit", "quit"):
                await self.stream.aclose()
                return
            if words and words != STOP.decode():
                self._typed = TypedExchange(self.session, self.sender, lines)
                try:
                    with self._typed.scope:
                        await _run_typed(self._typed, words)
                    if self._closing:
                        await self.sender.send(f"{SHUTTING_DOWN}\n".encode())
                        return
                finally:
                    self._typed = None
                    self._ended.unpark_all()
            await self.sender.send(PROMPT)


async def _run_typed(exchange: TypedExchange, line: str) -> None:
    try:
        argv = split_line(line)
    except UsageError as error:
        await exchange.err(f"error: {error}")
        return
    await _run_safely(exchange, argv)


async def _run_safely(exchange: Exchange, argv: list[str] | tuple[str, ...]) -> int:
    """Run a command; what nobody expected is contained here."""
    try:
        return await run_command(exchange, argv)
    except Exception as error:  # a boundary: one command's fault must not end the connection
        if _means_gone(error):
            raise
        return await print_unexpected(exchange, argv, error)


def _means_gone(error: Exception) -> bool:
    """Whether the client itself has gone."""
    if isinstance(error, ExceptionGroup):
        return all(map(_means_gone, error.exceptions))
    return isinstance(error, (trio.BrokenResourceError, trio.ClosedResourceError, SlowReader))


def _has_hung_up(stream: trio.SocketStream) -> bool:
    """Whether the other end is closed altogether, not only for sending."""
    poll = select.poll()
    poll.register(stream.socket.fileno(), select.POLLHUP)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
