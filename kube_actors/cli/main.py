"""Entry of `kube-actors`: runs a command and turns what goes wrong into a message and an exit status.

0 is success, 1 not found or timed out, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from kube_actors.cli.group import LazyGroup, epilog

NOT_FOUND: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130

_COMMANDS: Final = (
    *("run", "apply", "validate", "console", "kubeconfig", "status", "stop", "reset", "doctor", "version"),
    "completion",
)


@click.group(
    cls=LazyGroup,
    modules={name: f"kube_actors.cli.{name}" for name in _COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=epilog("kube-actors run cluster.yaml"),
)
def command() -> None:
    """Kubernetes in one Python process: start a cluster from a file, and work with it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    _open_missing_streams()
    sys.exit(run(arguments))


def _open_missing_streams() -> None:
    """Where a standard stream was closed by whoever started us, have an empty one: else the next file or socket that is
    opened takes its number, and what we print goes there."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 (stays open for the life of the process)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit status. Messages go to stderr."""
    try:
        status = command.main(
            None if arguments is None else list(arguments), prog_name="kube-actors", standalone_mode=False
        )
        sys.stdout.flush()
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 0
    except Exception as error:  # whatever it is, a person reads a sentence about it
        return _explained(error)
    return status if isinstance(status, int) else 0


def _explained(error: Exception) -> int:
    """Tell a person of errors we raise on purpose and of what the machine refuses; others are defects and keep their
    traceback."""
    from kube_actors.cli.failures import input_problems, leaves, refusal
    from kube_actors.errors import KubeActorsError
    from kube_actors.text import visible

    causes = list(leaves(error))
    problems = input_problems(error)
    for problem in problems:
        click.echo(f"error: {visible(str(problem))}", err=True)
    if problems:
        return BAD_INPUT
    if all(isinstance(each, KeyboardInterrupt) for each in causes):
        return INTERRUPTED
    words = [str(each) if isinstance(each, KubeActorsError) else refusal(each) for each in causes]
    if not all(words):
        raise error
    for each in dict.fromkeys(words):
        click.echo(f"error: {visible(each)}", err=True)
    return NOT_FOUND
