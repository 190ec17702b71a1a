"""`kube-actors console`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    short_help="Work with a running cluster, by prompt or -c.",
    epilog=epilog(
        "kube-actors console",
        'kube-actors console -c "get pods -o wide"',
        "echo 'get nodes' | kube-actors console",
    ),
)
@with_place
@click.option("-c", "--command", "line", metavar="COMMAND", help="Run one command, print what it says, and exit.")
def command(name: str | None, state_dir: str | None, line: str | None) -> int:
    """Work with a running cluster: get, describe, logs, exec, scale, rollout, and many more.

    Without -c it is a prompt with completion and history; `help` there lists what it knows. When stdin is no terminal,
    each line of it is a command, and the first one that fails ends it with its status.
    """
    import sys

    from kube_actors.cli.places import find_running, state_home

    state = find_running(state_home(state_dir), name).state
    socket = state.console_socket
    if line is not None:
        return _once(socket, line, with_input=True)
    if sys.stdin.isatty():
        from kube_actors.cli.asking import prompt

        return prompt(socket, state.root / "console_history")
    for each in sys.stdin:
        status = _once(socket, each, with_input=False) if each.strip() and not each.lstrip().startswith("#") else 0
        if status:
            return status
    return 0


def _once(socket: Path, line: str, *, with_input: bool) -> int:
    """One command line; its input is ours where we have not read it for commands."""
    import os
    import shlex
    import sys

    from kube_actors.cli.asking import ask
    from kube_actors.errors import InputError, Problem

    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InputError([Problem(f"{line.strip()!r}: {error}")]) from error
    if with_input:
        return ask(socket, words, sys.stdin.buffer)
    with open(os.devnull, "rb") as nothing:
        return ask(socket, words, nothing)
