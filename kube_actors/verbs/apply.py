"""`apply`: make the cluster hold what files say, by server-side apply.

Everything is tried dry first: when an object would be refused, all problems come at once and nothing has been done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import trio

from kube_actors.api.codecs import json
from kube_actors.api.registry import Resource
from kube_actors.config.files import STDIN, ClusterFile, Manifest, read_files
from kube_actors.config.objects import ObjectCheck
from kube_actors.errors import ApiError, InputError, Problem
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.selection import BATCH, display_name
from kube_actors.verbs.session import Session
from kube_actors.writes.client import Applied
from kube_actors.writes.intake import place, take_in

APPLIED_FROM: Final = "kube-actors.dev/applied-from"
"""Annotation: the files an object was applied from, when they are not those of the cluster itself."""

Conflicts = Literal["take over", "refuse", "force"]
_INPUT_CODES = frozenset({400, 405, 422})
MISFIT: Final = 500
"""What applying answers when an object does not fit its kind."""


@frozen
class ApplyOptions:
    """`conflicts`: fields of other managers are taken over with a warning, refused, or taken over silently."""

    conflicts: Conflicts = "take over"
    dry_run: bool = False


PLAINLY = ApplyOptions()


@frozen
class AppliedObject:
    """What became of one object. `error` is why it was not applied, with its place in the file."""

    name: str
    outcome: Literal["created", "configured", "unchanged", "failed"]
    key: Key
    warnings: tuple[str, ...] = ()
    revision: Revision | None = None
    error: Problem | None = None


async def read_manifests(paths: Sequence[str], stdin: bytes | None, directory: str | None) -> ClusterFile:
    """Read files, directories and `-` (the text in `stdin`); relative paths start at `directory`. InputError."""
    if not paths:
        raise UsageError("must specify one of -f and --filename")
    placed = [path if path == STDIN else _placed(path, directory) for path in paths]
    source = None if stdin is None else BytesIO(stdin)
    return await trio.to_thread.run_sync(read_files, placed, source)


def _placed(path: str, directory: str | None) -> str:
    if Path(path).is_absolute():
        return path
    if directory is None:
        raise UsageError(f"{path}: say where it is, from / on: the console has no directory of its own")
    return str(Path(directory) / path)


async def apply(
    session: Session, manifests: Sequence[Manifest], options: ApplyOptions = PLAINLY
) -> tuple[AppliedObject, ...]:
    """Apply each object under the session's field manager, Namespaces first; durable when it returns.

    InputError with every problem when the API would refuse an object; then nothing has been done. What fails only later
    (conflicts, somebody deleting in between) is told per object.
    """
    _raise(await _refusals(session, manifests))
    return await _apply_all(session, manifests, options)


@frozen
class AppliedFile:
    """What became of a whole file. `reconfigured`: its Cluster document changed the cluster (or would)."""

    reconfigured: bool
    objects: tuple[AppliedObject, ...]


async def apply_file(session: Session, file: ClusterFile, options: ApplyOptions = PLAINLY) -> AppliedFile:
    """The same for everything a file says: its Cluster document changes the cluster itself, where it can."""
    reconfigured, problems = False, await _refusals(session, file.manifests)
    reconfigure = session.reconfigure if file.cluster is not None else None
    if reconfigure is not None and file.config is not None and file.cluster is not None:
        try:
            reconfigured = await reconfigure(file.config, dry_run=True)
        except InputError as error:
            place = file.cluster.problem
            problems = [*(place(each.message, each.path or "$", each.hint) for each in error.problems), *problems]
        _raise(problems)
        if reconfigured and not options.dry_run:
            await reconfigure(file.config)
    _raise(problems)
    return AppliedFile(reconfigured, await _apply_all(session, file.manifests, options))


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(problems)


async def _apply_all(
    session: Session, manifests: Sequence[Manifest], options: ApplyOptions
) -> tuple[AppliedObject, ...]:
    ordered = sorted(manifests, key=lambda each: each.body.get("kind") != "Namespace")
    applied = [await _apply_one(session, manifest, options) for manifest in ordered]
    await session.settled()
    return tuple(applied)


async def _refusals(session: Session, manifests: Sequence[Manifest]) -> list[Problem]:
    """What the API would refuse, found by trying everything dry."""
    problems: list[Problem] = []
    coming = {_name(each.body) for each in manifests if each.body.get("kind") == "Namespace"}
    for manifest in manifests:
        await trio.lowlevel.checkpoint()  # trying does not wait for anything, so others get their turn here
        try:
            await session.client.apply(
                manifest.body, force=True, dry_run=True, namespace=_namespace(session, manifest.body)
            )
        except ApiError as error:
            if error.reason == "NotFound" and error.name in coming:
                continue
            if error.code == MISFIT:
                problems += _misfits(session, manifest) or _problems(manifest, error)
            elif error.code in _INPUT_CODES or error.reason == "NotFound":
                problems += _problems(manifest, error)
    return problems


def _name(body: dict[str, Any]) -> str:
    """What an object calls itself; "" when it does not, or not in words."""
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _namespace(session: Session, body: dict[str, Any]) -> str | None:
    """The namespace for an object that names none."""
    metadata = body.get("metadata")
    named = isinstance(metadata, dict) and metadata.get("namespace")
    return None if named else session.namespace


def _problems(manifest: Manifest, error: ApiError) -> list[Problem]:
    """An answer of the API as problems of the file, each at the line of its field."""
    if not error.causes:
        return [manifest.document.problem(error.message)]
    return [_problem(manifest, cause.field, cause.message) for cause in error.causes]


def _misfits(session: Session, manifest: Manifest) -> list[Problem]:
    """Each place at which the object does not fit its kind: applying tells them in one text, as Kubernetes does."""
    check = ObjectCheck(session.registry)
    check.add(manifest)
    return check.problems


def _problem(manifest: Manifest, field: str, message: str) -> Problem:
    path = f"$.{field}" if field else "$"
    kind = f"{manifest.body.get('kind')} {_name(manifest.body)}".strip()
    return manifest.document.problem(f"{kind}: {message}", path)


async def _apply_one(session: Session, manifest: Manifest, options: ApplyOptions) -> AppliedObject:
    resource, key = target_of(session, manifest.body)
    name = display_name(resource, key.name)
    try:
        applied, taken = await _with_conflicts(session, manifest.body, options)
    except ApiError as error:
        problem = manifest.document.problem(f"{name}: {error.message}")
        return AppliedObject(name, "failed", key, error=problem)
    return AppliedObject(name, applied.outcome, key, (*applied.warnings, *taken), applied.revision)


async def _with_conflicts(
    session: Session, body: dict[str, Any], options: ApplyOptions
) -> tuple[Applied, tuple[str, ...]]:
    """Apply, and say which fields were taken from whom."""
    namespace = _namespace(session, body)
    try:
        force = options.conflicts == "force"
        return await session.client.apply(body, force=force, dry_run=options.dry_run, namespace=namespace), ()
    except ApiError as error:
        if error.reason != "Conflict" or not error.causes or options.conflicts != "take over":
            raise
        taken = tuple(f"taken over: {cause.field} ({cause.message})" for cause in error.causes)
    applied = await session.client.apply(body, force=True, dry_run=options.dry_run, namespace=namespace)
    return applied, taken


def target_of(session: Session, body: dict[str, Any]) -> tuple[Resource, Key]:
    """The resource of a manifest and the key it is applied to. ApiError 400 when it is no object of the API."""
    resource, own, _ = take_in(session.registry, body)
    return resource, place(resource, own, _namespace(session, body))


async def applied_by(session: Session, field_manager: str) -> tuple[Revision, ...]:
    """Every object that was applied under this field manager, by what its managedFields say."""
    store = session.plane.store
    mark = json.dumps({"manager": field_manager})[1:-1]
    found: list[Revision] = []
    for resource in store.resources():
        revisions = store.list(resource)
        for start in range(0, len(revisions), BATCH):
            batch = revisions[start : start + BATCH]
            found += [each for each in batch if mark in each.raw and _is_applier(each, field_manager)]
            await trio.lowlevel.checkpoint()
    return tuple(found)


def _is_applier(revision: Revision, field_manager: str) -> bool:
    entries = revision.body()["metadata"].get("managedFields") or ()
    return any(each.get("manager") == field_manager and each.get("operation") == "Apply" for each in entries)


async def gone_from_input(
    session: Session, field_manager: str, kept: Iterable[Key], origin: str = ""
) -> tuple[Revision, ...]:
    """What was applied under this manager from `origin` (see `APPLIED_FROM`; "" is what has no such mark) and is not
    among `kept` any more, without what is going already."""
    keys = frozenset(kept)
    found = await applied_by(session, field_manager)
    gone = (each for each in found if each.key not in keys and each.projection.deleting is None)
    return tuple(each for each in gone if _origin(each) == origin)


def _origin(revision: Revision) -> str:
    annotations = revision.body()["metadata"].get("annotations") or {}
    return str(annotations.get(APPLIED_FROM, ""))


async def prune(
    session: Session, field_manager: str, kept: Iterable[Key], origin: str = "", *, dry_run: bool = False
) -> AsyncGenerator[Revision, None]:
    """Delete what `gone_from_input` names, Namespaces last; yields each object that is deleted."""
    gone = await gone_from_input(session, field_manager, kept, origin)
    for revision in sorted(gone, key=lambda each: each.key.resource == "namespaces"):
        try:
            await session.client.delete(revision.key, uid=revision.uid, propagation="Background", dry_run=dry_run)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise VerbError(f"cannot prune {revision.key.name}: {error.message}") from error
            continue
        yield revision
    await session.settled()
