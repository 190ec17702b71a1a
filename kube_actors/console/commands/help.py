"""`help` and `complete`: what can be typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kube_actors.console.commands.catalogue import all_commands
from kube_actors.console.commands.command import Command, NoOptions, Words
from kube_actors.console.completion import complete
from kube_actors.console.exchange import Exchange
from kube_actors.text import did_you_mean, one_line
from kube_actors.verbs.arguments import Flag, Parsed, flags_of
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.printing.columns import align

Commands = Mapping[tuple[str, ...], Command[Any]]


def overview(commands: Iterable[Command[Any]]) -> str:
    """Every command with one line about it."""
    lines = "\n".join(f"  {command.title}\t{command.summary}" for command in commands)
    return f'Commands:\n{align(lines)}\n\n"help COMMAND" tells more about one; "exit" leaves.\n'


def help_on(commands: Commands, words: Sequence[str]) -> str:
    """All about a command, or about all that begin with a word. UsageError for one there is not."""
    found = [command for name, command in commands.items() if name[: len(words)] == tuple(words)]
    if not found:
        hint = did_you_mean(" ".join(words), [command.title for command in commands.values()])
        raise UsageError(f"there is no command {' '.join(words)!r}{f' ({hint})' if hint else ''}")
    return "\n".join(map(_about, found)) if len(found) < 3 else overview(found)


def _about(command: Command[Any]) -> str:
    text = f"{command.title}: {command.summary}\n\nUsage:\n  {command.usage}\n\nExample:\n  {command.example}\n"
    flags = flags_of(command.options)
    if not flags:
        return text
    rows = "\n".join(f"  {_written(flag)}\t{flag.help}{_choices(flag)}" for flag in flags)
    return f"{text}\nFlags:\n{align(rows)}\n"


def _written(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"{short}--{flag.name}"


def _choices(flag: Flag) -> str:
    known = [choice for choice in flag.choices if choice]
    return f" ({', '.join(known)})" if known else ""


async def run_help(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
    """Tell what can be typed."""
    commands = all_commands()
    await exchange.out(help_on(commands, parsed.words) if parsed.words else overview(commands.values()))
    return 0


async def run_complete(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
    """Print what the last word may become, a line each, with a few words after a tab."""
    for candidate in complete(exchange.session, all_commands(), parsed.words):
        await exchange.line(f"{one_line(candidate.word)}\t{one_line(candidate.about)}")
    return 0


COMMANDS = (
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
