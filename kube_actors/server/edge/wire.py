"""A connected socket as a stream, with TLS or without.

Leaner than trio's own streams where it counts, between two requests: one wait, one read, one write, and no locks. The
socket itself does TLS (OpenSSL reads and writes it directly), so nothing is copied in between.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from typing import Final

import trio

READ: Final = 64 << 10
NOT_TLS: Final = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"Client sent an HTTP request to an HTTPS server.\n"
)
"""What Go's server tells them, too."""
_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_AGAIN: Final = 0.01
"""Seconds until a read is tried again that has to write first (a change of keys), while somebody else may write."""


class Wire(trio.abc.Stream):
    """One task may send while another one receives. After a send that was cancelled it can only be closed."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._tls: ssl.SSLSocket | None = None

    async def shake_hands(self, context: ssl.SSLContext) -> bytes | None:
        """Begin TLS as its server; the client's certificate in DER, if it showed one. BrokenResourceError."""
        try:
            self._sock = self._tls = tls = context.wrap_socket(
                self._sock, server_side=True, do_handshake_on_connect=False
            )
        except OSError as error:
            raise trio.BrokenResourceError from error
        try:
            while True:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    await trio.lowlevel.wait_readable(tls)
                except ssl.SSLWantWriteError:
                    await trio.lowlevel.wait_writable(tls)
                else:
                    self._acknowledge(tls)
                    return tls.getpeercert(binary_form=True)
        except OSError as error:
            if getattr(error, "reason", "") == "HTTP_REQUEST":
                with contextlib.suppress(OSError):  # past TLS, to a client that does not speak it
                    socket.socket.send(tls, NOT_TLS)
            raise trio.BrokenResourceError from error

    @staticmethod
    def _acknowledge(tls: ssl.SSLSocket) -> None:
        """Acknowledge the end of the handshake now: many clients send nothing more before that (Nagle's algorithm), and
        the kernel would let them wait for 40 ms."""
        with contextlib.suppress(OSError):  # over a unix socket there is nothing to acknowledge
            tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As `trio.abc.ReceiveStream`."""
        sock, tls, size = self._sock, self._tls, max_bytes or READ
        if tls is not None and tls.pending():
            await trio.lowlevel.checkpoint()
        else:
            await trio.lowlevel.wait_readable(sock)
        while True:
            try:
                return sock.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                await trio.lowlevel.wait_readable(sock)
            except ssl.SSLWantWriteError:
                await trio.sleep(_AGAIN)
            except OSError as error:
                raise trio.BrokenResourceError from error

    def send_now(self, data: bytes | memoryview) -> int:
        """Send without waiting; how many bytes went. What did not has to be sent next. BrokenResourceError."""
        try:
            return self._sock.send(data)
        except _WOULD_BLOCK:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As `trio.abc.SendStream`."""
        await trio.lowlevel.checkpoint()
        view = memoryview(data)
        while view:
            view = view[self.send_now(view) :]
            if view:
                await self.wait_send_all_might_not_block()

    def is_gone(self) -> bool:
        """Whether the client has closed its end, so that nobody waits for an answer any more."""
        if self._sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLRDHUP)
        return bool(poll.poll(0))

    async def wait_send_all_might_not_block(self) -> None:
        """As `trio.abc.SendStream`."""
        try:
            await trio.lowlevel.wait_writable(self._sock)
        except OSError as error:
            raise trio.BrokenResourceError from error

    async def aclose(self) -> None:
        """Close, telling the client so as far as that does not take time."""
        if self._sock.fileno() >= 0:
            if self._tls is not None:
                with contextlib.suppress(OSError, ValueError):
                    self._tls.unwrap()
            trio.lowlevel.notify_closing(self._sock)
            self._sock.close()
        await trio.lowlevel.checkpoint()
