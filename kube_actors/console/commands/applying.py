"""`apply`: making the cluster hold what files say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from kube_actors.config.files import STDIN, ClusterFile
from kube_actors.console.commands.command import Command, DryRun, Namespaced
from kube_actors.console.commands.reading import print_pieces
from kube_actors.console.exchange import Exchange
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.apply import (
    AppliedObject,
    ApplyOptions,
    Conflicts,
    apply_file,
    gone_from_input,
    prune,
    read_manifests,
    target_of,
)
from kube_actors.verbs.arguments import Parsed, switch, text, texts
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.printing.objects import Format, parse_format, print_objects, shown
from kube_actors.verbs.selection import display_name
from kube_actors.verbs.session import Session

SOME = 3


@frozen(slots=False)
class ApplyFlags(DryRun, Namespaced):
    """Flags of `apply`."""

    filename: tuple[str, ...] = texts("f", help="a file, a directory, or - for the input")
    server_side: bool = switch(help="fields of other managers are an error, not taken over")
    force_conflicts: bool = switch(help="with --server-side: take the fields of other managers over")
    field_manager: str = text(help="in whose name to apply")
    prune: bool = switch(help="delete what was applied by this --field-manager and is not in the input")
    applied_from: str = text(help="which files these are: --prune leaves what was applied from others")
    output: str = text("o", help="yaml, json or name instead of a line per object")


async def run_apply(exchange: Exchange, parsed: Parsed[ApplyFlags]) -> int:
    """Make the cluster hold what the files say."""
    flags = parsed.options
    if parsed.words:
        raise UsageError(f"unexpected argument {parsed.words[0]!r}: name files with -f")
    if flags.prune and not flags.field_manager:
        raise UsageError("--prune deletes what one manager applied: name it with --field-manager")
    if flags.force_conflicts and not flags.server_side:
        raise UsageError("--force-conflicts only works with --server-side")
    stdin = await exchange.read_input() if STDIN in flags.filename else None
    file = await read_manifests(flags.filename, stdin, exchange.directory)
    session = exchange.session.in_namespace(flags.namespace)
    if flags.field_manager:
        session = session.written_by(flags.field_manager)
    dry_run = flags.dry
    _check_namespaces(file, flags.namespace)
    conflicts: Conflicts = "take over" if not flags.server_side else "force" if flags.force_conflicts else "refuse"
    applied = await apply_file(session, file, ApplyOptions(conflicts, dry_run))
    if applied.reconfigured and file.config is not None:
        await exchange.line(f"cluster.kube-actors.dev/{file.config.name} configured{flags.note}")
    code = await _print_applied(exchange, session, applied.objects, flags)
    kept = [target_of(session, manifest.body)[1] for manifest in file.manifests]
    if flags.prune:
        async with aclosing(prune(session, flags.field_manager, kept, flags.applied_from, dry_run=dry_run)) as pruned:
            async for revision in pruned:
                await exchange.line(f"{_name(session, revision)} pruned{flags.note}")
    elif flags.field_manager:
        gone = await gone_from_input(session, flags.field_manager, kept, flags.applied_from)
        await _tell_gone(exchange, session, gone, file)
    return code


async def _tell_gone(exchange: Exchange, session: Session, gone: Sequence[Revision], file: ClusterFile) -> None:
    """What was applied before and is not in the input: each object beside a Cluster document, which speaks of the whole
    cluster; else it is likely to stand in other files, and some names will do."""
    names = [_name(session, revision) for revision in gone]
    if file.cluster is None and len(names) > SOME:
        some = ", ".join(names[:SOME])
        await exchange.err(f"{some} and {len(names) - SOME} more are not in the input (--prune deletes them)")
        return
    for name in names:
        await exchange.err(f"{name} is no longer in the input (--prune deletes it)")


def _check_namespaces(file: ClusterFile, namespace: str) -> None:
    """With -n no object may name another namespace."""
    for manifest in file.manifests:
        metadata = manifest.body.get("metadata")
        named = metadata.get("namespace") if isinstance(metadata, dict) else None
        if namespace and named and named != namespace:
            raise UsageError(
                f'the namespace from the provided object "{named}" does not match the namespace "{namespace}". '
                f"You must pass '--namespace={named}' to perform this operation."
            )


async def _print_applied(
    exchange: Exchange, session: Session, applied: Sequence[AppliedObject], flags: ApplyFlags
) -> int:
    failed = False
    for each in applied:
        for warning in each.warnings:
            await exchange.err(f"Warning: {each.name}: {warning}")
        if each.error is not None:
            failed = True
            await exchange.err(f"error: {each.error}")
        elif not flags.output:
            await exchange.line(f"{each.name} {each.outcome}{flags.note}")
    if flags.output:
        form = _object_format(flags.output)
        bodies = [shown(each.revision.body()) for each in applied if each.revision is not None]
        if bodies:
            await print_pieces(exchange, print_objects(form, bodies, session.registry, single=len(bodies) == 1))
    return 1 if failed else 0


def _object_format(text: str) -> Format:
    form = parse_format(text)
    if form.is_table:
        raise UsageError('-o only knows "yaml", "json" and "name" here')
    return form


def _name(session: Session, revision: Revision) -> str:
    return display_name(session.registry.by_id(revision.key.resource), revision.key.name)


COMMANDS = (
    Command(
        ("apply",),
        "apply -f FILE [-f FILE ...] [--prune --field-manager NAME] [--dry-run]",
        "make the cluster hold what files say",
        "apply -f cluster.yaml",
        ApplyFlags,
        run_apply,
    ),
)
