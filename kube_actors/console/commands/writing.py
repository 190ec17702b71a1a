"""`delete` and `scale`."""

from __future__ import annotations

from contextlib import aclosing

from kube_actors.config.files import STDIN
from kube_actors.console.commands.command import Command, DryRun, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.commands.reading import nothing_found
from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError, not_found
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.apply import (
    read_manifests,
    target_of,
)
from kube_actors.verbs.arguments import Parsed, duration, number, switch, text, texts
from kube_actors.verbs.delete import DeleteRequest, Propagation, delete, gone
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.scale import scale
from kube_actors.verbs.selection import check, display_name, find, keys_meant, select
from kube_actors.verbs.session import Session


@frozen(slots=False)
class DeleteFlags(DryRun, Selecting):
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
    return DeleteRequest(grace, words.get(flags.cascade, "Background"), flags.dry)


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
    found = [await find(session, each, flags.scope) for each in selections]
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
    return f'{resource.singular}{group} "{revision.key.name}" {done}{where}{flags.note}'


@frozen(slots=False)
class ScaleFlags(DryRun, Selecting):
    """Flags of `scale`."""

    replicas: int | None = number(help="how many there should be")
    current_replicas: int | None = number(help="only when there are so many now")
    all: bool = switch(help="all objects of the type")


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
        keys = await keys_meant(session, selection, flags.scope)
        for key in keys:
            try:
                current = flags.current_replicas if (flags.current_replicas or 0) >= 0 else None
                await scale(session, key, flags.replicas, current=current, dry_run=flags.dry)
            except (ApiError, VerbError) as error:
                await print_api_error(exchange, error)
                code = max(code, exit_code(error))
            else:
                await exchange.line(f"{display_name(selection.resource, key.name)} scaled{flags.note}")
    return code


COMMANDS = (
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
