"""Commands of the console, run from the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from kube_actors.cli.places import NotRunning
from kube_actors.console.terminal import Unreachable, run_once


def ask(socket: Path, argv: Sequence[str], stdin: BinaryIO) -> int:
    """Run a command with our own output; answers its exit status. NotRunning when nobody answers."""
    try:
        return run_once(socket, argv, stdin)
    except Unreachable as error:
        raise NotRunning(str(error)) from error


def prompt(socket: Path, history: Path) -> int:
    """Talk with a person until they leave; what was typed is kept in the file `history`."""
    from kube_actors.console.prompt import run_prompt

    try:
        return run_prompt(socket, history=history)
    except Unreachable as error:
        raise NotRunning(str(error)) from error


def ask_with_text(socket: Path, argv: Sequence[str], text: bytes) -> tuple[int, str]:
    """The same with an input that is at hand; answers the status and what was said on stderr."""
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as said:
        file.write(text)
        file.seek(0)
        try:
            status = run_once(socket, argv, file, stderr=said)
        except Unreachable as error:
            raise NotRunning(str(error)) from error
        said.seek(0)
        return status, said.read().decode(errors="replace")


def ask_silently(socket: Path, argv: Sequence[str]) -> bytes | None:
    """What a command prints; None when it fails or nobody answers."""
    with tempfile.TemporaryFile() as said, open("/dev/null", "w+b") as nothing:
        try:
            status = run_once(socket, argv, nothing, said, nothing)
        except Unreachable:
            return None
        said.seek(0)
        return said.read() if status == 0 else None
