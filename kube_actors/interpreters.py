"""Processes of their own that need nothing but the standard library: the agent, the committer of the state file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

# The package's parent goes last on the path, so that nothing in it can stand in for the standard library.
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from {module} import main; main()"


def start_interpreter(
    module: str, parent: Path, talk: socket.socket, *arguments: object, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """A fresh Python that runs `main` of a module, which is found below the directory `parent`; `talk` is its stdin.

    It gets no environment or terminal of ours, and a session of its own. OSError when no process can be started.
    """
    return subprocess.Popen(
        [sys.executable or "", "-I", "-S", "-c", _BOOT.format(module=module), str(parent), *map(str, arguments)],
        stdin=talk.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"},  # it may need it to start
    )
