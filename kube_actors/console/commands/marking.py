"""`label`, `annotate`, `set image`, `set env`: small changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from kube_actors.console.commands.command import Command, DryRun, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.verbs.arguments import Parsed, switch, text
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.mark import Field, mark, parse_marks
from kube_actors.verbs.selection import check, display_name, keys_meant, select
from kube_actors.verbs.session import Session
from kube_actors.verbs.set_template import ALL, parse_pairs, set_env, set_image


@frozen(slots=False)
class MarkFlags(DryRun, Selecting):
    """Flags of `label` and `annotate`."""

    overwrite: bool = switch(help="replace values that are there")
    all: bool = switch(help="all objects of the type")


@frozen(slots=False)
class SetFlags(DryRun, Selecting):
    """Flags of `set image` and `set env`."""

    all: bool = switch(help="all objects of the type")
    containers: str = text("c", help="set env: only this container", default=ALL)


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """(the words that name objects, those that say what to change)."""
    named = [word for word in words if "=" not in word and not word.endswith("-")]
    return named, [word for word in words if word not in named]


async def _targets(session: Session, words: Sequence[str], flags: MarkFlags | SetFlags) -> list[tuple[Key, str]]:
    """The objects meant, with their names."""
    selections = select(session.registry, words)
    check(selections, flags.scope)
    found = []
    for selection in selections:
        if selection.names is None and not (flags.all or flags.scope.narrows):
            raise UsageError("resource(s) were provided, but no name was specified")
        keys = await keys_meant(session, selection, flags.scope)
        found += [(key, display_name(selection.resource, key.name)) for key in keys]
    return found


async def _each(exchange: Exchange, targets: Sequence[tuple[Key, str]], act: Callable[[Key], Awaitable[str]]) -> int:
    code = 0
    for key, name in targets:
        try:
            await exchange.line(f"{name} {await act(key)}")
        except (ApiError, VerbError) as error:
            await print_api_error(exchange, error)
            code = max(code, exit_code(error))
    return code


def _marking(field: Field) -> Callable[[Exchange, Parsed[MarkFlags]], Awaitable[int]]:
    async def run(exchange: Exchange, parsed: Parsed[MarkFlags]) -> int:
        flags = parsed.options
        session = exchange.session.in_namespace(flags.namespace)
        named, changes = _split(parsed.words)
        marks = parse_marks(changes, field)
        verb = "labeled" if field == "labels" else "annotated"
        undone = "unlabeled" if field == "labels" else verb

        async def act(key: Key) -> str:
            _, changed = await mark(session, key, field, marks, overwrite=flags.overwrite, dry_run=flags.dry)
            if not changed:
                return f"not {verb}{flags.note}"
            return (verb if marks.wanted else undone) + flags.note

        return await _each(exchange, await _targets(session, named, flags), act)

    return run


async def run_set_image(exchange: Exchange, parsed: Parsed[SetFlags]) -> int:
    """Give containers another image."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    named, changes = _split(parsed.words)
    images = parse_pairs(changes, "web=nginx:1.27")
    if not images:
        raise UsageError("say which image, as in web=nginx:1.27")

    async def act(key: Key) -> str:
        await set_image(session, key, images, dry_run=flags.dry)
        return f"image updated{flags.note}"

    return await _each(exchange, await _targets(session, named, flags), act)


async def run_set_env(exchange: Exchange, parsed: Parsed[SetFlags]) -> int:
    """Set and remove environment variables."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    named, changes = _split(parsed.words)
    removed = [word[:-1] for word in changes if word.endswith("-") and "=" not in word]
    variables = parse_pairs([word for word in changes if "=" in word], "LEVEL=debug")
    if not variables and not removed:
        raise UsageError("say which variable, as in LEVEL=debug or LEVEL-")

    async def act(key: Key) -> str:
        await set_env(session, key, variables, removed, container=flags.containers, dry_run=flags.dry)
        return f"env updated{flags.note}"

    return await _each(exchange, await _targets(session, named, flags), act)


COMMANDS = (
    Command(
        ("label",),
        "label TYPE/NAME KEY=VALUE ... [KEY- ...] [--overwrite]",
        "set and remove labels",
        "label pod web-1 tier=front",
        MarkFlags,
        _marking("labels"),
        Words.OBJECTS,
    ),
    Command(
        ("annotate",),
        "annotate TYPE/NAME KEY=VALUE ... [KEY- ...] [--overwrite]",
        "set and remove annotations",
        'annotate deployment/web kubernetes.io/change-cause="new image"',
        MarkFlags,
        _marking("annotations"),
        Words.OBJECTS,
    ),
    Command(
        ("set", "image"),
        "set image TYPE/NAME CONTAINER=IMAGE ...",
        "give containers another image",
        "set image deployment/web app=web:0.2",
        SetFlags,
        run_set_image,
        Words.OBJECTS,
    ),
    Command(
        ("set", "env"),
        "set env TYPE/NAME NAME=VALUE ... [NAME- ...] [-c CONTAINER]",
        "set and remove environment variables",
        "set env deployment/web LEVEL=debug",
        SetFlags,
        run_set_env,
        Words.OBJECTS,
    ),
)
