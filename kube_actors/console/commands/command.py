"""What a command line of the console is: its words, flags, help, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import Any, Generic, TypeVar

from kube_actors.console.exchange import Exchange
from kube_actors.records import frozen
from kube_actors.verbs.arguments import Parsed, switch, text
from kube_actors.verbs.selection import Scope

O = TypeVar("O")  # noqa: E741  (the options class)


class Words(Enum):
    """What the words after a command are, for completion."""

    NONE = "none"
    OBJECTS = "objects"
    PODS = "pods"
    NODES = "nodes"
    ACTORS = "actors"
    COMMANDS = "commands"


@frozen
class Command(Generic[O]):
    """One command. `run` answers the exit code; errors of verbs are printed for it."""

    name: tuple[str, ...]
    usage: str
    summary: str
    example: str
    options: type[O]
    run: Callable[[Exchange, Parsed[O]], Awaitable[int]]
    words: Words = Words.NONE

    @property
    def title(self) -> str:
        """`rollout status`."""
        return " ".join(self.name)


@frozen(slots=False)
class NoOptions:
    """A command without flags."""


@frozen(slots=False)
class DryRun:
    """Commands that can say what they would do."""

    dry_run: str = text(
        help="only say what would be done", default="none", bare="server", choices=("none", "server", "client")
    )

    @property
    def dry(self) -> bool:
        """Whether nothing may be changed."""
        return self.dry_run != "none"

    @property
    def note(self) -> str:
        """What is added to the sentence about something that was not really done."""
        return {"none": "", "server": " (server dry run)", "client": " (dry run)"}[self.dry_run]


@frozen(slots=False)
class Namespaced:
    """Commands that look into a namespace."""

    namespace: str = text("n", help="the namespace to look in")


@frozen(slots=False)
class Selecting(Namespaced):
    """Commands that may mean many objects."""

    all_namespaces: bool = switch("A", help="look in every namespace")
    selector: str = text("l", help="only objects with these labels, such as app=web,tier!=db")
    field_selector: str = text(help="only objects with these fields, such as status.phase=Running")

    @property
    def scope(self) -> Scope:
        """The same for the verbs."""
        return Scope(self.selector, self.field_selector, self.all_namespaces)


def by_name(commands: Iterable[Command[Any]]) -> dict[tuple[str, ...], Command[Any]]:
    """The commands under their names."""
    return {command.name: command for command in commands}
