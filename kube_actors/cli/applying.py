"""Applying the files of a person: in the cluster this process runs, or through the console of another.

Both use one field manager of their own, so that what a person changes by other means stays theirs, and what is gone
from the files can be told from what was never in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import structlog

from kube_actors.cli.asking import ask_with_text
from kube_actors.cli.places import RunningCluster, find_running
from kube_actors.cli.views import say
from kube_actors.config.files import ClusterFile
from kube_actors.config.validation import Findings
from kube_actors.store import Key
from kube_actors.text import one_line
from kube_actors.verbs import apply as verb
from kube_actors.verbs.session import Session

MANAGER: Final = "kube-actors-cluster-file"
MARK: Final = "kube-actors.dev/applied-by"

log = structlog.get_logger(__name__)


async def apply_findings(session: Session, findings: Findings, *, prune: bool) -> list[Key]:
    """Apply what was read and judged, saying what became of each object; answers their keys.

    Objects that were in the files the last time and are gone from them are reported, and deleted with `prune`.
    InputError when the API refuses an object after all; then nothing was applied.
    """
    own = session.written_by(MANAGER)
    manifests = [attrs.evolve(each.manifest, body=_marked(each.manifest.body)) for each in findings.objects]
    applied = await verb.apply(own, manifests)
    for each in applied:
        if each.error is not None:
            log.error("not applied", problem=str(each.error))
        else:
            say(one_line(f"{each.name} {each.outcome}"))
        for warning in each.warnings:
            log.warning(warning, object=each.name)
    keys = [each.key for each in applied]
    if prune:
        async for revision in verb.prune(own, MANAGER, keys):
            say(one_line(f"{_name(revision.key)} pruned"))
    for revision in await verb.gone_from_input(own, MANAGER, keys):
        log.warning("no longer in the files; --prune deletes it", object=_name(revision.key))
    return keys


def _marked(body: dict[str, Any]) -> dict[str, Any]:
    """An object that sets no field leaves no trace of who applied it, so it gets a mark of our own to set."""
    metadata = body["metadata"]
    if body.keys() - {"apiVersion", "kind", "metadata"} or metadata.keys() - {"name", "namespace"}:
        return body
    return {**body, "metadata": {**metadata, "annotations": {MARK: MANAGER}}}


def _name(key: Key) -> str:
    """`deployments.apps/web`, with its namespace unless that is default."""
    namespace = f" -n {key.namespace}" if key.namespace not in ("", "default") else ""
    return f"{key.resource}/{key.name}{namespace}"


def find_target(home: Path, name: str | None, file: ClusterFile) -> RunningCluster:
    """The cluster that files are meant for: by name, else the one their Cluster document names, else the only one."""
    if name is None and file.config is not None:
        name = file.config.name
    return find_running(home, name)


def apply_through_console(cluster: RunningCluster, file: ClusterFile, flags: Sequence[str]) -> int:
    """Have a running cluster apply what was read; prints what it says and answers its exit status."""
    argv = ["apply", "-f", "-", "--field-manager", MANAGER, *flags]
    text = "\n".join(json.dumps(body, ensure_ascii=False) for body in _bodies(cluster, file))
    return ask_with_text(cluster.state.console_socket, argv, text.encode())


def _bodies(cluster: RunningCluster, file: ClusterFile) -> list[dict[str, Any]]:
    """What is to be sent: the Cluster document first, as the cluster itself has to read it."""
    bodies = [_marked(manifest.body) for manifest in file.manifests]
    if file.cluster is None:
        return bodies
    own = _absolute(file.cluster.body, file.cluster.file)
    named = {**own, "metadata": {**(own.get("metadata") or {}), "name": cluster.record.name}}
    return [named, *bodies]


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
