"""`rollout` and what it can do."""

from __future__ import annotations

from contextlib import aclosing

from kube_actors.console.commands.command import Command, DryRun, Namespaced, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.verbs.arguments import Parsed, duration, number, switch
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.printing.columns import align
from kube_actors.verbs.printing.templates import pod_template_text
from kube_actors.verbs.rollout import (
    deployment_of,
    revision_entry,
    rollout_history_of,
    rollout_pause,
    rollout_restart,
    rollout_undo,
)
from kube_actors.verbs.rollout_status import rollout_status
from kube_actors.verbs.selection import check, display_name, keys_meant, select, select_one


@frozen(slots=False)
class StatusFlags(Namespaced):
    """Flags of `rollout status`."""

    watch: bool = switch("w", help="go on until the rollout is over", default=True)
    timeout: float | None = duration(help="how long to wait at most; 0 has no limit", default=0.0)
    revision: int | None = number(help="only this revision", default=0)


async def run_status(exchange: Exchange, parsed: Parsed[StatusFlags]) -> int:
    """Say how a rollout goes until it is over."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    deployment = deployment_of(session, select_one(session.registry, parsed.words), "rollout status")
    sentences = rollout_status(
        session, deployment.key, follow=flags.watch, within=flags.timeout, revision=flags.revision or 0
    )
    async with aclosing(sentences):
        async for progress in sentences:
            await exchange.line(progress.message)
    return 0


@frozen(slots=False)
class HistoryFlags(Namespaced):
    """Flags of `rollout history`."""

    revision: int | None = number(help="show the pod template of this revision", default=0)


async def run_history(exchange: Exchange, parsed: Parsed[HistoryFlags]) -> int:
    """List the revisions that are kept, or show one."""
    session = exchange.session.in_namespace(parsed.options.namespace)
    selection = select_one(session.registry, parsed.words)
    deployment = deployment_of(session, selection, "rollout history")
    entries = await rollout_history_of(session, deployment)
    name = display_name(selection.resource, deployment.key.name)
    if parsed.options.revision:
        entry = revision_entry(entries, parsed.options.revision)
        await exchange.out(f"{name} with revision #{entry.revision}\n{pod_template_text(entry.template)}")
        return 0
    rows = ["REVISION\tCHANGE-CAUSE", *(f"{each.revision}\t{each.change_cause or '<none>'}" for each in entries)]
    await exchange.out(f"{name} \n{align(chr(10).join(rows))}\n\n")
    return 0


@frozen(slots=False)
class UndoFlags(DryRun, Namespaced):
    """Flags of `rollout undo`."""

    to_revision: int | None = number(help="which revision; 0 is the one before the current", default=0)


async def run_undo(exchange: Exchange, parsed: Parsed[UndoFlags]) -> int:
    """Bring an earlier revision back."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    selection = select_one(session.registry, parsed.words)
    deployment = deployment_of(session, selection, "rollout undo")
    undone = await rollout_undo(session, deployment, flags.to_revision or 0, dry_run=flags.dry)
    name = display_name(selection.resource, deployment.key.name)
    await exchange.line(
        f"{name} skipped rollback ({undone.skipped})" if undone.skipped else f"{name} rolled back{flags.note}"
    )
    return 0


@frozen(slots=False)
class RollFlags(Selecting):
    """Flags of `rollout restart`, `pause` and `resume`."""


async def run_restart(exchange: Exchange, parsed: Parsed[RollFlags]) -> int:
    """Replace every pod."""
    return await _roll_each(exchange, parsed, "restarted")


async def run_pause(exchange: Exchange, parsed: Parsed[RollFlags]) -> int:
    """Hold a rollout."""
    return await _roll_each(exchange, parsed, "paused")


async def run_resume(exchange: Exchange, parsed: Parsed[RollFlags]) -> int:
    """Let a rollout go on."""
    return await _roll_each(exchange, parsed, "resumed")


async def _roll_each(exchange: Exchange, parsed: Parsed[RollFlags], done: str) -> int:
    session = exchange.session.in_namespace(parsed.options.namespace)
    selections = select(session.registry, parsed.words)
    check(selections, parsed.options.scope)
    code = 0
    for selection in selections:
        for key in await keys_meant(session, selection, parsed.options.scope):
            try:
                if done == "restarted":
                    await rollout_restart(session, selection.resource, key)
                else:
                    await rollout_pause(session, selection.resource, key, paused=done == "paused")
            except (ApiError, VerbError) as error:
                await print_api_error(exchange, error)
                code = max(code, exit_code(error))
            else:
                await exchange.line(f"{display_name(selection.resource, key.name)} {done}")
    return code


def _rollout(name: str, usage: str, summary: str, example: str, options: type, run: object) -> Command:  # type: ignore[type-arg]
    return Command(("rollout", name), usage, summary, example, options, run, Words.OBJECTS)  # type: ignore[arg-type]


COMMANDS = (
    _rollout(
        "status",
        "rollout status deployment/NAME [--timeout D] [--watch=false]",
        "follow a rollout until it is over",
        "rollout status deployment/web --timeout=2m",
        StatusFlags,
        run_status,
    ),
    _rollout(
        "history",
        "rollout history deployment/NAME [--revision N]",
        "list the revisions that are kept, or show one",
        "rollout history deployment/web --revision=2",
        HistoryFlags,
        run_history,
    ),
    _rollout(
        "undo",
        "rollout undo deployment/NAME [--to-revision N]",
        "bring an earlier revision back",
        "rollout undo deployment/web",
        UndoFlags,
        run_undo,
    ),
    _rollout(
        "restart",
        "rollout restart TYPE/NAME",
        "replace every pod, in the order of a rollout",
        "rollout restart deployment/web",
        RollFlags,
        run_restart,
    ),
    _rollout(
        "pause",
        "rollout pause deployment/NAME",
        "hold a rollout",
        "rollout pause deployment/web",
        RollFlags,
        run_pause,
    ),
    _rollout(
        "resume",
        "rollout resume deployment/NAME",
        "let a rollout go on",
        "rollout resume deployment/web",
        RollFlags,
        run_resume,
    ),
)
