"""Applying the files of a person: in the cluster this process runs, or through the console of another.

Both use one field manager of their own, so that what a person changes by other means stays theirs, and what is gone
from the files can be told from what was never in them. Objects from files that have no Cluster document say where they
are from: pruning by some files leaves what stands in others.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from kube_actors.api.codecs.yaml import Document
from kube_actors.cli.asking import ask_with_text
from kube_actors.cli.places import RunningCluster, find_running
from kube_actors.cli.views import say
from kube_actors.config.files import STDIN, STDIN_NAME, ClusterFile
from kube_actors.config.validation import Findings
from kube_actors.log import Log
from kube_actors.store import Key
from kube_actors.text import one_line, visible
from kube_actors.verbs import apply as verb
from kube_actors.verbs.session import Session

MANAGER: Final = "kube-actors-cluster-file"
_PLACE: Final = re.compile(rf"{STDIN_NAME}:(\d+):\d+(?: (\$\S*))?: ")
MARK: Final = "kube-actors.dev/applied-by"

log = Log(__name__)


def origin_of(cluster: Document | None, paths: Sequence[str]) -> str:
    """Which files these are, for `APPLIED_FROM`: "" with a Cluster document, as that speaks of the whole cluster."""
    if cluster is not None:
        return ""
    return ":".join(sorted({path if path == STDIN else os.path.realpath(path) for path in paths}))


async def apply_findings(session: Session, findings: Findings, origin: str, *, prune: bool) -> list[Key]:
    """Apply what was read and judged, saying what became of each object; answers their keys.

    Objects that were in the files the last time and are gone from them are reported, and deleted with `prune`.
    InputError when the API refuses an object after all; then nothing was applied.
    """
    own = session.written_by(MANAGER)
    manifests = [attrs.evolve(each.manifest, body=_marked(each.manifest.body, origin)) for each in findings.objects]
    applied = await verb.apply(own, manifests)
    told = {warning.message for warning in findings.warnings}
    for each in applied:
        if each.error is not None:
            log.error("not applied", problem=str(each.error))
        else:
            say(one_line(f"{each.name} {each.outcome}"))
        for warning in each.warnings:
            if warning not in told:
                log.warning(warning, object=each.name)
    keys = [each.key for each in applied]
    if prune:
        async for revision in verb.prune(own, MANAGER, keys, origin):
            say(one_line(f"{_name(revision.key)} pruned"))
    for revision in await verb.gone_from_input(own, MANAGER, keys, origin):
        log.warning("no longer in the files; --prune deletes it", object=_name(revision.key))
    return keys


def _marked(body: dict[str, Any], origin: str) -> dict[str, Any]:
    """An object with the files it is from. One that would set no field and so leave no trace of who applied it gets a
    mark of our own to set."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    if not isinstance(annotations, dict):
        return body  # refused at its place
    if origin:
        marks = {verb.APPLIED_FROM: origin}
    elif body.keys() - {"apiVersion", "kind", "metadata"} or metadata.keys() - {"name", "namespace"}:
        return body
    else:
        marks = {MARK: MANAGER}
    return {**body, "metadata": {**metadata, "annotations": {**annotations, **marks}}}


def _name(key: Key) -> str:
    """`deployments.apps/web`, with its namespace unless that is default."""
    namespace = f" -n {key.namespace}" if key.namespace not in ("", "default") else ""
    return f"{key.resource}/{key.name}{namespace}"


def find_target(home: Path, name: str | None, file: ClusterFile) -> RunningCluster:
    """The cluster that files are meant for: by name, else the one their Cluster document names, else the only one."""
    if name is None and file.config is not None:
        name = file.config.name
    return find_running(home, name)


def apply_through_console(cluster: RunningCluster, file: ClusterFile, origin: str, flags: Sequence[str]) -> int:
    """Have a running cluster apply what was read; prints what it says and answers its exit status."""
    argv = ["apply", "-f", "-", "--field-manager", MANAGER, "--applied-from", origin, *flags]
    sent = _sent(cluster, file, origin)
    lines = (json.dumps(body, ensure_ascii=False) for _, body in sent)  # a line each: see `_in_files`
    status, said = ask_with_text(cluster.state.console_socket, argv, "\n".join(lines).encode())
    sys.stderr.write(visible(_in_files(said, [document for document, _ in sent])))
    return status


def _sent(cluster: RunningCluster, file: ClusterFile, origin: str) -> list[tuple[Document, dict[str, Any]]]:
    """What is to be sent and where it is from: the Cluster document first, as the cluster itself has to read it."""
    sent = [(manifest.document, _marked(manifest.body, origin)) for manifest in file.manifests]
    if file.cluster is None:
        return sent
    own = _absolute(file.cluster.body, file.cluster.file)
    named = {**own, "metadata": {**(own.get("metadata") or {}), "name": cluster.record.name}}
    return [(file.cluster, named), *sent]


def _in_files(said: str, documents: Sequence[Document]) -> str:
    """Places in the lines we sent as places in the files they are from."""

    def placed(match: re.Match[str]) -> str:
        document = documents[int(match[1]) - 1]
        line, column = document.position(match[2] or "$")
        return f"{document.file}:{line}:{column}{f' {match[2]}' if match[2] else ''}: "

    return _PLACE.sub(placed, said)


def _absolute(body: dict[str, Any], file: str | None) -> dict[str, Any]:
    """The Cluster document with paths that mean the same wherever it is read."""
    directory = Path.cwd() if file is None or not os.path.exists(file) else Path(file).absolute().parent
    spec = body.get("spec") or {}
    images = {name: _absolute_image(entry, directory) for name, entry in (spec.get("images") or {}).items()}
    return {**body, "spec": {**spec, "images": images}} if images else body


def _absolute_image(entry: Any, directory: Path) -> Any:
    if isinstance(entry, dict) and entry.get("rootfs"):
        return {**entry, "rootfs": str(directory / entry["rootfs"])}
    return str(directory / entry) if isinstance(entry, str) and entry != "host" else entry
