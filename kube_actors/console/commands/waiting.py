"""`wait`."""

from __future__ import annotations

from contextlib import aclosing

from kube_actors.console.commands.command import Command, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.exchange import Exchange
from kube_actors.errors import KubeActorsError
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.verbs.arguments import Parsed, duration, switch, text
from kube_actors.verbs.conditions import Condition, parse_condition
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.selection import Selection, check, display_name, keys_meant, select
from kube_actors.verbs.session import Session
from kube_actors.verbs.wait import wait


@frozen(slots=False)
class WaitFlags(Selecting):
    """Flags of `wait`."""

    for_: str = text(help="condition=NAME[=STATUS], jsonpath=EXPRESSION[=VALUE], create or delete")
    timeout: float | None = duration(help="how long to wait at most; 0 looks once", default=30.0)
    all: bool = switch(help="all objects of the type")


async def run_wait(exchange: Exchange, parsed: Parsed[WaitFlags]) -> int:
    """Wait for objects."""
    flags = parsed.options
    if not flags.for_:
        raise UsageError("you must say what to wait for, as in --for=condition=Available")
    condition = parse_condition(flags.for_)
    session = exchange.session.in_namespace(flags.namespace)
    selections = select(session.registry, parsed.words)
    check(selections, flags.scope)
    if any(each.names is None for each in selections) and not (flags.all or flags.scope.narrows):
        raise UsageError("resource(s) were provided, but no name was specified")
    targets = await _targets(session, selections, flags, condition)
    if not targets:
        if flags.for_.lower() == "delete":
            return 0
        raise VerbError("no matching resources found")
    timeout = None if flags.timeout is None or flags.timeout < 0 else flags.timeout
    code = 0
    async with aclosing(wait(session, list(targets), condition, timeout)) as results:
        async for result in results:
            if result.error is None:
                await exchange.line(f"{targets[result.key]} condition met")
            else:
                await print_api_error(exchange, result.error)
                code = max(code, exit_code(result.error) if isinstance(result.error, KubeActorsError) else 1)
    return code


async def _targets(
    session: Session, selections: tuple[Selection, ...], flags: WaitFlags, condition: Condition
) -> dict[Key, str]:
    """The objects to wait for by key, with their names. Of those to be deleted only what is there."""
    found: dict[Key, str] = {}
    for selection in selections:
        for key in await keys_meant(session, selection, flags.scope):
            if condition.text.lower() == "delete" and session.plane.store.get(key) is None:
                continue
            found[key] = display_name(selection.resource, key.name)
    return found


COMMANDS = (
    Command(
        ("wait",),
        "wait TYPE/NAME [...] --for=CONDITION [--timeout D]",
        "wait until objects are as you want them",
        "wait deployment/web --for=condition=Available --timeout=60s",
        WaitFlags,
        run_wait,
        Words.OBJECTS,
    ),
)
