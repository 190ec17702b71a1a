"""`apply`, `delete`, `scale`: changing what there is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import attrs

from kube_actors.config.files import STDIN, ClusterFile
from kube_actors.console.commands.command import Command, Namespaced, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.commands.reading import nothing_found
from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError, not_found
from kube_actors.store import Revision
from kube_actors.verbs.apply import (
    AppliedObject,
    ApplyOptions,
    Conflicts,
    apply,
    gone_from_input,
    prune,
    read_manifests,
    target_of,
)
from kube_actors.verbs.arguments import Parsed, duration, number, switch, text, texts
from kube_actors.verbs.delete import DeleteRequest, Propagation, delete, gone
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.printing.objects import Format, parse_format, print_objects, shown
from kube_actors.verbs.scale import scale
from kube_actors.verbs.selection import check, display_name, find, key_of, select
from kube_actors.verbs.session import Session

DRY_RUN = ("none", "server", "client")


@attrs.frozen(slots=False)
class ApplyFlags(Namespaced):
    """Flags of `apply`."""

    filename: tuple[str, ...] = texts("f", help="a file, a directory, or - for the input")
    server_side: bool = switch(help="fields of other managers are an error, not taken over")
    force_conflicts: bool = switch(help="with --server-side: take the fields of other managers over")
    field_manager: str = text(help="in whose name to apply")
    prune: bool = switch(help="delete what was applied by this --field-manager and is not in the input")
    dry_run: str = text(help="only say what would be done", default="none", bare="server", choices=DRY_RUN)
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
    dry_run = flags.dry_run != "none"
    _check_namespaces(file, flags.namespace)
    await _reconfigure(exchange, session, file, dry_run=dry_run)
    conflicts: Conflicts = "take over" if not flags.server_side else "force" if flags.force_conflicts else "refuse"
    applied = await apply(session, file.manifests, ApplyOptions(conflicts, dry_run))
    code = await _print_applied(exchange, session, applied, flags)
    kept = [target_of(session, manifest.body)[1] for manifest in file.manifests]
    if flags.prune:
        async with aclosing(prune(session, flags.field_manager, kept, dry_run=dry_run)) as pruned:
            async for revision in pruned:
                await exchange.line(f"{_name(session, revision)} pruned{_dry(flags.dry_run)}")
    elif flags.field_manager:
        for revision in await gone_from_input(session, flags.field_manager, kept):
            await exchange.err(f"{_name(session, revision)} is no longer in the input (--prune deletes it)")
    return code


def _check_namespaces(file: ClusterFile, namespace: str) -> None:
    """With -n no object may name another namespace."""
    for manifest in file.manifests:
        named = (manifest.body.get("metadata") or {}).get("namespace")
        if namespace and named and named != namespace:
            raise UsageError(
                f'the namespace from the provided object "{named}" does not match the namespace "{namespace}". '
                f"You must pass '--namespace={named}' to perform this operation."
            )


async def _reconfigure(exchange: Exchange, session: Session, file: ClusterFile, *, dry_run: bool) -> None:
    """A Cluster document changes the cluster itself."""
    if file.config is None or session.reconfigure is None or dry_run:
        return
    if file.config == session.plane.config:
        return
    await session.reconfigure(file.config)
    await exchange.line(f"cluster.kube-actors.dev/{file.config.name} configured")


async def _print_applied(
    exchange: Exchange, session: Session, applied: Sequence[AppliedObject], flags: ApplyFlags
) -> int:
    failed = False
    for each in applied:
        for warning in each.warnings:
            await exchange.err(f"Warning: {warning}")
        if each.error is not None:
            failed = True
            await exchange.err(f"error: {each.error}")
        elif not flags.output:
            await exchange.line(f"{each.name} {each.outcome}{_dry(flags.dry_run)}")
    if flags.output:
        form = _object_format(flags.output)
        bodies = [shown(each.revision.body()) for each in applied if each.revision is not None]
        if bodies:
            await exchange.out(print_objects(form, bodies, session.registry, single=len(bodies) == 1))
    return 1 if failed else 0


def _object_format(text: str) -> Format:
    form = parse_format(text)
    if form.is_table:
        raise UsageError('-o only knows "yaml", "json" and "name" here')
    return form


def _dry(mode: str) -> str:
    return {"none": "", "server": " (server dry run)", "client": " (dry run)"}[mode]


def _name(session: Session, revision: Revision) -> str:
    return display_name(session.registry.by_id(revision.key.resource), revision.key.name)


@attrs.frozen(slots=False)
class DeleteFlags(Selecting):
    """Flags of `delete`."""

    filename: tuple[str, ...] = texts("f", help="delete what a file, a directory or - names")
    all: bool = switch(help="all objects of the type")
    grace_period: int | None = number(help="seconds to end in order; -1 is the object's own", default=-1)
    now: bool = switch(help="the same as --grace-period=1")
    force: bool = switch(help="do not wait for the node")
    cascade: str = text(
        help="what becomes of dependents",
        default="background",
        bare="background",
        choices=("background", "foreground", "orphan", "true", "false"),
    )
    wait: bool = switch(help="wait until the objects are gone", default=True)
    timeout: float | None = duration(help="how long to wait at most; 0 has no limit", default=0.0)
    ignore_not_found: bool = switch(help="a name that is not there is no error")
    dry_run: str = text(help="only say what would be done", default="none", bare="server", choices=DRY_RUN)
    output: str = text("o", help="name instead of a sentence", choices=("", "name"))


async def run_delete(exchange: Exchange, parsed: Parsed[DeleteFlags]) -> int:
    """Delete objects, and wait until they are gone."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    request = _delete_request(flags)
    revisions, missing = await _to_delete(exchange, session, parsed)
    if flags.force:
        await exchange.err(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been "
            "terminated. The resource may continue to run on the cluster indefinitely."
        )
    going, code = [], 0
    async with aclosing(delete(session, revisions, request)) as deletions:
        async for deletion in deletions:
            if deletion.error is not None:
                await print_api_error(exchange, deletion.error)
                code = max(code, exit_code(deletion.error))
                continue
            going.append(deletion.revision)
            await exchange.line(_deleted(session, deletion.revision, flags))
    for error in missing:
        await print_api_error(exchange, error)
        code = max(code, exit_code(error))
    if flags.wait and not request.dry_run:
        await gone(session, going, flags.timeout or None)
    return code


def _delete_request(flags: DeleteFlags) -> DeleteRequest:
    grace = None if flags.grace_period is None or flags.grace_period < 0 else flags.grace_period
    if flags.now:
        if grace is not None:
            raise UsageError("--now and --grace-period cannot be specified together")
        grace = 1
    if flags.force:
        if grace:
            raise UsageError("--force and --grace-period greater than 0 cannot be specified together")
        grace = 0
    elif grace == 0:
        grace = 1  # as kubectl: without --force nothing goes before its node has let go of it
    words: dict[str, Propagation] = {"foreground": "Foreground", "orphan": "Orphan", "false": "Orphan"}
    return DeleteRequest(grace, words.get(flags.cascade, "Background"), flags.dry_run != "none")


async def _to_delete(
    exchange: Exchange, session: Session, parsed: Parsed[DeleteFlags]
) -> tuple[list[Revision], list[ApiError]]:
    """The objects meant, each once, and an error for each name that is not there."""
    flags = parsed.options
    if flags.filename:
        if parsed.words:
            raise UsageError("when a file is given, resources cannot be named as well")
        return await _in_files(exchange, session, flags)
    selections = select(session.registry, parsed.words)
    check(selections, flags.scope)
    if any(each.names is None for each in selections) and not (flags.all or flags.scope.narrows):
        raise UsageError("resource(s) were provided, but no name was specified")
    found = [find(session, each, flags.scope) for each in selections]
    revisions = list(dict.fromkeys(revision for each in found for revision in each.revisions))
    missing = [] if flags.ignore_not_found else [error for each in found for error in each.missing]
    if not revisions and not missing:
        await exchange.err(nothing_found(session, selections, all=flags.all_namespaces))
    return revisions, missing


async def _in_files(exchange: Exchange, session: Session, flags: DeleteFlags) -> tuple[list[Revision], list[ApiError]]:
    stdin = await exchange.read_input() if STDIN in flags.filename else None
    file = await read_manifests(flags.filename, stdin, exchange.directory)
    revisions, missing = [], []
    for manifest in file.manifests:
        _, key = target_of(session, manifest.body)
        found = session.plane.store.get(key)
        if found is not None:
            revisions.append(found)
        elif not flags.ignore_not_found:
            missing.append(not_found(key.plural, key.name, group=key.group))
    return revisions, missing


def _deleted(session: Session, revision: Revision, flags: DeleteFlags) -> str:
    """kubectl's sentence, with the namespace it was in."""
    resource = session.registry.by_id(revision.key.resource)
    if flags.output == "name":
        return display_name(resource, revision.key.name)
    group = f".{resource.group}" if resource.group else ""
    done = "force deleted" if flags.force else "deleted"
    where = f" from {revision.key.namespace} namespace" if revision.key.namespace else ""
    return f'{resource.singular}{group} "{revision.key.name}" {done}{where}{_dry(flags.dry_run)}'


@attrs.frozen(slots=False)
class ScaleFlags(Selecting):
    """Flags of `scale`."""

    replicas: int | None = number(help="how many there should be")
    current_replicas: int | None = number(help="only when there are so many now")
    all: bool = switch(help="all objects of the type")
    dry_run: str = text(help="only say what would be done", default="none", bare="server", choices=DRY_RUN)


async def run_scale(exchange: Exchange, parsed: Parsed[ScaleFlags]) -> int:
    """Set the number of replicas."""
    flags = parsed.options
    if flags.replicas is None or flags.replicas < 0:
        raise UsageError("the --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    session = exchange.session.in_namespace(flags.namespace)
    selections = select(session.registry, parsed.words)
    check(selections, flags.scope)
    if any(each.names is None for each in selections) and not (flags.all or flags.scope.narrows):
        raise UsageError("resource(s) were provided, but no name was specified")
    code = 0
    for selection in selections:
        names = selection.names
        if names is None:
            keys = [revision.key for revision in find(session, selection, flags.scope).revisions]
        else:
            keys = [key_of(session, selection.resource, name) for name in names]
        for key in keys:
            try:
                current = flags.current_replicas if (flags.current_replicas or 0) >= 0 else None
                await scale(session, key, flags.replicas, current=current, dry_run=flags.dry_run != "none")
            except (ApiError, VerbError) as error:
                await print_api_error(exchange, error)
                code = max(code, exit_code(error))
            else:
                await exchange.line(f"{display_name(selection.resource, key.name)} scaled{_dry(flags.dry_run)}")
    return code


COMMANDS = (
    Command(
        ("apply",),
        "apply -f FILE [-f FILE ...] [--prune --field-manager NAME] [--dry-run]",
        "make the cluster hold what files say",
        "apply -f cluster.yaml",
        ApplyFlags,
        run_apply,
    ),
    Command(
        ("delete",),
        "delete (TYPE[/NAME] [NAME ...] | -f FILE) [-l LABELS] [--grace-period S] [--force] [--wait=false]",
        "delete objects and wait until they are gone",
        "delete deployment web --cascade=foreground",
        DeleteFlags,
        run_delete,
        Words.OBJECTS,
    ),
    Command(
        ("scale",),
        "scale TYPE/NAME --replicas=COUNT [--current-replicas=COUNT]",
        "set the number of replicas",
        "scale deployment/web --replicas=5",
        ScaleFlags,
        run_scale,
        Words.OBJECTS,
    ),
)
