"""The streams of programs in containers: of a command run in one, and of a container itself."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator


class StreamSession(abc.ABC):
    """The streams of a program in a container.

    Output arrives as `(stream, bytes)` with stream 1 (stdout) or 2 (stderr; never with a tty), until both ended.
    """

    @abc.abstractmethod
    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """What the program prints, as it comes."""

    @abc.abstractmethod
    async def send_stdin(self, data: bytes) -> None:
        """Hand input to the program; raises `trio.BrokenResourceError` when it no longer reads."""

    @abc.abstractmethod
    async def close_stdin(self) -> None:
        """End of input."""

    @abc.abstractmethod
    async def resize(self, rows: int, columns: int) -> None:
        """New size of the terminal; nothing without a tty."""

    @abc.abstractmethod
    async def aclose(self) -> None:
        """Let go of the streams."""


class AttachSession(StreamSession):
    """A container's own streams: output from now on until it ends, and its input if it has one (`stdin: true`).

    Several may be attached at once. Leaving (`aclose`) leaves the container as it is, but one with `stdinOnce` and no
    terminal has then had its input. `close_stdin` ends the input of such a one; to others it does nothing.
    """

    @property
    @abc.abstractmethod
    def ends_with_input(self) -> bool:
        """Whether the session is over when the client's input is: the container's goes on."""


class ExecSession(StreamSession):
    """A command inside a running container. Leaving early (`aclose`) kills it and everything it started."""

    @abc.abstractmethod
    async def wait(self) -> int:
        """The command's exit code (128 + signal when a signal ended it)."""

    @abc.abstractmethod
    async def aclose(self) -> None:
        """End the command if it still runs and give back what it held."""
