"""The console's socket: who may come in, how many at once, and an orderly end."""

from __future__ import annotations

import os
import socket
import stat
import struct
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import trio

from kube_actors.console.connection import Connection
from kube_actors.console.streams import BoundedSender, InputBudget
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.records import define, frozen
from kube_actors.state import SOCKET_PATH_LIMIT, private_directory
from kube_actors.verbs.session import Session

log = Log(__name__)
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


@frozen
class ConsoleLimits:
    """What clients may take. `patience` is how many machine seconds a client may leave its output untouched;
    `input_bytes` is what may wait to be read by commands, in all connections together."""

    connections: int = 256
    patience: float = 60.0
    input_bytes: int = 256 << 20
    farewell: float = 1.0
    """Machine seconds the clients get to hear that the cluster ends."""


@asynccontextmanager
async def open_console(session: Session, path: Path, *, limits: ConsoleLimits | None = None) -> AsyncIterator[None]:
    """Serve the console at `path` for as long as the block. InputError when nothing can listen there.

    Leaving takes no more clients, tells those whose requests run, and removes the socket.
    """
    limits = limits or ConsoleLimits()
    listener, identity = _listen(path)
    server = _Server(session, limits, InputBudget(limits.input_bytes))
    body_error: Exception | None = None
    try:
        async with trio.open_nursery() as serving, trio.open_nursery() as accepting:
            accepting.start_soon(_accept, listener, server, serving)
            try:
                yield
            except Exception as error:  # raised again below, outside the nurseries, so that it is not wrapped
                body_error = error
            finally:
                accepting.cancel_scope.cancel()
                _remove(path, identity)
                with trio.move_on_after(limits.farewell, shield=True):
                    await server.close()
                serving.cancel_scope.cancel()
    finally:
        listener.socket.close()
    if body_error is not None:
        raise body_error


async def _accept(listener: trio.SocketListener, server: _Server, nursery: trio.Nursery) -> None:
    await trio.serve_listeners(server.serve, [listener], handler_nursery=nursery)


@define(eq=False)
class _Server:
    session: Session
    limits: ConsoleLimits
    budget: InputBudget
    connections: set[Connection] = attrs.field(factory=set)

    async def serve(self, stream: trio.SocketStream) -> None:
        """One client, from its first byte to its last."""
        async with stream:
            if not _is_welcome(stream):
                return
            if len(self.connections) >= self.limits.connections:
                with suppress(trio.BrokenResourceError), trio.move_on_after(1):
                    await stream.send_all(b"error: too many console connections\n")
                return
            sender = BoundedSender(stream, self.limits.patience)
            connection = Connection(stream, self.session, sender, self.budget)
            self.connections.add(connection)
            try:
                await connection.serve()
            except Exception as error:  # a boundary: one client's fault is nobody else's
                log.error("a console connection failed", traceback="".join(traceback.format_exception(error)))
            finally:
                self.connections.discard(connection)

    async def close(self) -> None:
        """Tell the clients that it is over; returns when those whose requests run have heard it."""
        async with trio.open_nursery() as nursery:
            for connection in tuple(self.connections):
                nursery.start_soon(connection.close)


def _is_welcome(stream: trio.SocketStream) -> bool:
    """Whether the peer is this user or root (SO_PEERCRED, unix(7))."""
    raw = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    assert isinstance(raw, bytes)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    if uid in (0, os.geteuid()):
        return True
    log.warning("a console connection was refused", pid=pid, uid=uid)
    return False


def _listen(path: Path) -> tuple[trio.SocketListener, tuple[int, int]]:
    """A listener at `path`, private whatever the umask, and the device and inode of the socket's file."""
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise _unusable(path, f"the path is longer than {SOCKET_PATH_LIMIT} bytes")
    private_directory(path.parent)
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(os.fspath(path))
        path.chmod(0o600)
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise _unusable(path, str(error.strerror)) from error
    found = path.stat()
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock)), (found.st_dev, found.st_ino)


def _clear(path: Path) -> None:
    """Take away a socket that a runtime left behind. InputError when somebody still listens, or it is no socket."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise _unusable(path, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise _unusable(path, str(error.strerror)) from error
    raise _unusable(path, "another process serves a console there")


def _remove(path: Path, identity: tuple[int, int]) -> None:
    """Remove our socket's file, unless it is somebody else's by now."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        if (found.st_dev, found.st_ino) == identity:
            path.unlink()


def _unusable(path: Path, why: str) -> InputError:
    return InputError([Problem(f"the console cannot listen: {why}", file=os.fspath(path))])
