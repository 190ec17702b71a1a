"""A process that has read the agent's code and waits to hear for which cluster: a fresh interpreter, of the standard
library only.

Reading the code takes longer than anything an agent does at its start. Whoever knows early that there will be an agent
lets its process read while this one still reads its own.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kube_actors.interpreters import start_interpreter

_PARENT = Path(__file__).resolve().parent.parent


class AgentInterpreter:
    """Started when it is made; it ends by itself when nobody is left who could tell it anything.

    OSError when no process can be started.
    """

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(ours)
            self.process = start_interpreter("agent.start", _PARENT, its, stderr=subprocess.PIPE)
            unless_started.pop_all()
        self._told = ours

    def tell(self, settings: str, held: Sequence[int]) -> None:
        """Have it start keeper and agent with these settings (`Settings.dump`); the keeper holds the descriptors.

        What it says on stderr, and its exit status, tell what came of it.
        """
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has died: its status says so
            socket.send_fds(self._told, [settings.encode()], list(held))

    def close(self) -> None:
        """Have nothing more to do with it; one that was told nothing ends."""
        self._told.close()
        assert self.process.stderr is not None, "it is a pipe"
        self.process.stderr.close()
        self.process.wait()
