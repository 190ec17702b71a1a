"""From the words of a request to the command that is meant, and from whatever happens to an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from kube_actors.console.commands import (
    applying,
    describing,
    inside,
    marking,
    nodes,
    programs,
    reading,
    rolling,
    writing,
)
from kube_actors.console.commands.command import Command, NoOptions, Words, by_name
from kube_actors.console.commands.failures import FAILED, print_failure
from kube_actors.console.commands.help import help_on, overview
from kube_actors.console.completion import complete
from kube_actors.console.exchange import Exchange
from kube_actors.errors import KubeActorsError
from kube_actors.log import Log
from kube_actors.text import did_you_mean, one_line
from kube_actors.verbs.arguments import Parsed, parse
from kube_actors.verbs.errors import UsageError

log = Log(__name__)


async def run_help(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
    """Tell what can be typed."""
    text = help_on(COMMANDS, parsed.words) if parsed.words else overview(COMMANDS.values())
    await exchange.out(text)
    return 0


async def run_complete(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
    """Print what the last word may become, a line each, with a few words after a tab."""
    for candidate in complete(exchange.session, COMMANDS, parsed.words):
        await exchange.line(f"{one_line(candidate.word)}\t{one_line(candidate.about)}")
    return 0


COMMANDS = by_name(
    (
        *reading.COMMANDS,
        *describing.COMMANDS,
        *applying.COMMANDS,
        *writing.COMMANDS,
        *marking.COMMANDS,
        *rolling.COMMANDS,
        *programs.COMMANDS,
        *nodes.COMMANDS,
        *inside.COMMANDS,
        Command(
            ("help",),
            "help [COMMAND]",
            "tell what can be typed",
            "help rollout",
            NoOptions,
            run_help,
            Words.COMMANDS,
        ),
        Command(
            ("complete",),
            "complete -- WORD ...",
            "tell what the last word may become",
            "complete -- get po",
            NoOptions,
            run_complete,
        ),
    )
)


def find_command(argv: Sequence[str]) -> tuple[Command[Any], tuple[str, ...]]:
    """The command that the first words name, and the words after them. UsageError with what was probably meant."""
    for length in (2, 1):
        command = COMMANDS.get(tuple(argv[:length]))
        if command is not None and len(argv) >= length:
            return command, tuple(argv[length:])
    raise UsageError(_unknown(argv))


def _unknown(argv: Sequence[str]) -> str:
    first = argv[0] if argv else ""
    below = [name[1] for name in COMMANDS if len(name) == 2 and name[0] == first]
    if below and len(argv) == 1:
        return f"say which: {', '.join(f'{first} {word}' for word in below)}"
    word, known = (argv[1], below) if below else (first, sorted({name[0] for name in COMMANDS}))
    hint = did_you_mean(word, known)
    unknown = f'unknown command "{first} {word}"' if below else f'unknown command "{word}"'
    return f"{unknown} ({hint})" if hint else f'{unknown}: "help" lists them'


async def run_command(exchange: Exchange, argv: Sequence[str]) -> int:
    """Run one command line; answers its exit code. Errors are printed, those nobody expected are logged as well."""
    try:
        command, rest = find_command(argv)
        return await command.run(exchange, parse(command.options, rest))
    except KubeActorsError as error:
        return await print_failure(exchange, error)
    except ExceptionGroup as group:
        expected, others = group.split(KubeActorsError)
        if others is not None:
            raise
        assert expected is not None
        return await print_failure(exchange, _first(expected))


def _first(group: ExceptionGroup[Any]) -> KubeActorsError:
    error: Any = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, KubeActorsError)
    return error


async def print_unexpected(exchange: Exchange, argv: Sequence[str], error: Exception) -> int:
    """Something is wrong with a command itself: the log gets all of it, the asker one line."""
    told = "".join(traceback.format_exception(error))
    log.error("a console command failed", command=" ".join(argv[:2]), traceback=told)
    await exchange.err(f"error: internal error: {type(error).__name__}: {error}")
    return FAILED
