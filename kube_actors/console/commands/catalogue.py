"""Which commands there are. A module of commands is imported when one of them is first asked for: all of them together
would make every start of a cluster a tenth of a second longer."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.console.commands.command import Command, by_name
from kube_actors.text import did_you_mean
from kube_actors.verbs.errors import UsageError

# First word of a command -> module, in the order in which people look for them.
MODULES: Mapping[str, str] = {
    "get": "reading",
    "describe": "describing",
    "events": "describing",
    "apply": "applying",
    "delete": "writing",
    "scale": "writing",
    "label": "marking",
    "annotate": "marking",
    "set": "marking",
    "rollout": "rolling",
    "wait": "waiting",
    "logs": "programs",
    "exec": "programs",
    "node": "nodes",
    "cordon": "nodes",
    "uncordon": "nodes",
    "drain": "nodes",
    "actors": "inside",
    "trace": "inside",
    "stats": "inside",
    "help": "help",
    "complete": "help",
}


@functools.cache
def commands_of(module: str) -> Mapping[tuple[str, ...], Command[Any]]:
    """The commands of one module, by name."""
    return by_name(importlib.import_module(f"kube_actors.console.commands.{module}").COMMANDS)


@functools.cache
def all_commands() -> Mapping[tuple[str, ...], Command[Any]]:
    """All of them, by name."""
    return {
        name: command
        for word, module in MODULES.items()
        for name, command in commands_of(module).items()
        if name[0] == word
    }


def find_command(argv: Sequence[str]) -> tuple[Command[Any], tuple[str, ...]]:
    """The command that the first words name, and the words after them. UsageError with what was probably meant."""
    first = argv[0] if argv else ""
    if first not in MODULES:
        hint = did_you_mean(first, MODULES)
        raise UsageError(f'unknown command "{first}" ({hint})' if hint else f'unknown command "{first}": see "help"')
    commands = commands_of(MODULES[first])
    for length in (2, 1):
        command = commands.get(tuple(argv[:length]))
        if command is not None and len(argv) >= length:
            return command, tuple(argv[length:])
    below = [name[1] for name in commands if name[0] == first]
    if len(argv) == 1:
        raise UsageError(f"say which: {', '.join(f'{first} {word}' for word in below)}")
    hint = did_you_mean(argv[1], below) or f"there are {', '.join(below)}"
    raise UsageError(f'unknown command "{first} {argv[1]}" ({hint})')
