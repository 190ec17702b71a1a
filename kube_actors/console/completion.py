"""What may come next on a command line: commands, flags and their values, types and names of objects, actors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kube_actors.api.registry import UnknownResourceError
from kube_actors.console.commands.command import Command, Words
from kube_actors.records import frozen
from kube_actors.verbs.arguments import Flag, flags_of
from kube_actors.verbs.session import Session

LIMIT = 500
_OUTPUTS = ("wide", "yaml", "json", "name", "jsonpath=", "custom-columns=")
_CONDITIONS = ("condition=Available", "condition=Ready", "delete", "create", "jsonpath=")
Commands = Mapping[tuple[str, ...], Command[Any]]


@frozen
class Candidate:
    """A word that fits, and a few words about it."""

    word: str
    about: str = ""


def complete(session: Session, commands: Commands, words: Sequence[str]) -> list[Candidate]:
    """What the last of the words, perhaps empty or half typed, may become."""
    *before, last = words or [""]
    fitting = (each for each in _candidates(session, commands, before, last) if each.word.startswith(last))
    found: dict[str, Candidate] = {}
    for each in fitting:
        found.setdefault(each.word, each)
        if len(found) == LIMIT:
            break
    return list(found.values())


def _candidates(session: Session, commands: Commands, before: list[str], last: str) -> Iterable[Candidate]:
    command, given = _command(commands, before)
    if command is None:
        return _command_words(commands, before)
    flags = {flag.name: flag for flag in flags_of(command.options)}
    shorts = {flag.short: flag for flag in flags.values() if flag.short}
    session = session.in_namespace(_value_of(given, "namespace", "n"))
    if last.startswith("--") and "=" in last:
        name, _, _ = last[2:].partition("=")
        values = _values(session, flags[name]) if name in flags else ()
        return (Candidate(f"--{name}={each.word}", each.about) for each in values)
    waiting = _flag_waiting_for_value(given, flags, shorts)
    if waiting is not None:
        return _values(session, waiting)
    if last.startswith("-"):
        return (Candidate(f"--{flag.name}", flag.help) for flag in flags.values())
    return _words(session, command, _plain_words(given, flags, shorts), last)


def _command(commands: Commands, before: list[str]) -> tuple[Command[Any] | None, list[str]]:
    for length in (2, 1):
        command = commands.get(tuple(before[:length]))
        if command is not None and len(before) >= length:
            return command, before[length:]
    return None, before


def _command_words(commands: Commands, before: list[str]) -> Iterator[Candidate]:
    depth = len(before)
    for name, command in commands.items():
        if len(name) > depth and list(name[:depth]) == before:
            yield Candidate(name[depth], command.summary if len(name) == depth + 1 else f"{name[depth]} ...")


def _flag_waiting_for_value(given: list[str], flags: Mapping[str, Flag], shorts: Mapping[str, Flag]) -> Flag | None:
    if not given or not given[-1].startswith("-") or "=" in given[-1]:
        return None
    written = given[-1]
    flag = flags.get(written[2:]) if written.startswith("--") else shorts.get(written[1:])
    return flag if flag is not None and flag.bare is None else None


def _plain_words(given: list[str], flags: Mapping[str, Flag], shorts: Mapping[str, Flag]) -> list[str]:
    """The words that are neither flags nor their values."""
    words = []
    for index, word in enumerate(given):
        if word.startswith("-"):
            continue
        if index and _flag_waiting_for_value(given[:index], flags, shorts) is not None:
            continue
        words.append(word)
    return words


def _value_of(given: list[str], name: str, short: str) -> str:
    for index, word in enumerate(given):
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
        if word in (f"--{name}", f"-{short}") and index + 1 < len(given):
            return given[index + 1]
    return ""


def _values(session: Session, flag: Flag) -> Iterable[Candidate]:
    known: Mapping[str, Callable[[], Iterable[str]]] = {
        "namespace": lambda: _names(session, "namespaces"),
        "output": lambda: flag.choices or _OUTPUTS,
        "for": lambda: _CONDITIONS,
    }
    words = known[flag.name]() if flag.name in known else flag.choices
    return (Candidate(word) for word in words if word)


def _words(session: Session, command: Command[Any], words: list[str], last: str) -> Iterable[Candidate]:
    match command.words:
        case Words.OBJECTS:
            return _objects(session, words, last)
        case Words.PODS:
            return [] if words else [*map(Candidate, _names(session, "pods")), *_objects(session, ["/"], last)]
        case Words.NODES:
            return map(Candidate, _names(session, "nodes"))
        case Words.ACTORS:
            return (Candidate(each.path, each.state.value) for each in session.system.actors())
        case _:
            return ()


def _objects(session: Session, words: list[str], last: str) -> Iterable[Candidate]:
    """Types first; after a type its names; after a slash as well."""
    kind, slash, _ = last.partition("/")
    if slash:
        return (Candidate(f"{kind}/{name}") for name in _names_of_word(session, kind))
    if words and "/" not in words[0]:
        return map(Candidate, _names_of_word(session, words[0]))
    listable = (each for each in session.registry if "list" in each.verbs)
    suffix = "/" if words else ""
    return (Candidate(f"{each.plural if not words else each.singular}{suffix}", each.kind) for each in listable)


def _names_of_word(session: Session, word: str) -> Iterable[str]:
    try:
        return _names(session, session.registry.find(word).id)
    except UnknownResourceError:
        return ()


def _names(session: Session, resource_id: str) -> Iterable[str]:
    namespaced = session.registry.by_id(resource_id).namespaced
    return (each.key.name for each in session.plane.store.list(resource_id, session.namespace if namespaced else None))
