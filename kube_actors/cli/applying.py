"""Applying the files of a person: in the cluster this process runs, or through the console of another.

Both use one field manager of their own, so that what a person changes by other means stays theirs, and what is gone
from the files can be told from what was never in them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from kube_actors.cli.places import RunningCluster
from kube_actors.cli.views import say
from kube_actors.config.files import ClusterFile
from kube_actors.config.validation import Findings
from kube_actors.store import Key
from kube_actors.text import one_line
from kube_actors.verbs import apply as verb
from kube_actors.verbs.session import Session

MANAGER: Final = "kube-actors-cluster-file"

log = structlog.get_logger(__name__)


async def apply_findings(session: Session, findings: Findings, *, prune: bool) -> list[Key]:
    """Apply what was read and judged, saying what became of each object; answers their keys.

    Objects that were in the files the last time and are gone from them are reported, and deleted with `prune`.
    InputError when the API refuses an object after all; then nothing was applied.
    """
    own = session.written_by(MANAGER)
    applied = await verb.apply(own, [each.manifest for each in findings.objects])
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


def _name(key: Key) -> str:
    """`deployments.apps/web`, with its namespace unless that is default."""
    namespace = f" -n {key.namespace}" if key.namespace not in ("", "default") else ""
    return f"{key.resource}/{key.name}{namespace}"


def apply_through_console(cluster: RunningCluster, file: ClusterFile, flags: Sequence[str]) -> int:
    """Have a running cluster apply what was read; prints what it says and answers its exit status."""
    from io import BytesIO

    from kube_actors.console.client import run_once

    argv = ["apply", "-f", "-", "--field-manager", MANAGER, *flags]
    text = "\n".join(json.dumps(body, ensure_ascii=False) for body in _bodies(file))
    return run_once(cluster.state.console_socket, argv, BytesIO(text.encode()), sys.stdout.buffer, sys.stderr.buffer)


def _bodies(file: ClusterFile) -> list[dict[str, Any]]:
    """What is to be sent: the Cluster document first, as the cluster itself has to read it."""
    bodies = [manifest.body for manifest in file.manifests]
    return [_absolute(file.cluster.body, file.cluster.file), *bodies] if file.cluster is not None else bodies


def _absolute(body: dict[str, Any], file: str | None) -> dict[str, Any]:
    """The Cluster document with paths that mean the same wherever it is read."""
    directory = Path.cwd() if file is None or not os.path.exists(file) else Path(file).absolute().parent
    spec = body.get("spec") or {}
    images = {
        name: {**entry, "rootfs": str(directory / entry["rootfs"])}
        if isinstance(entry, dict) and entry.get("rootfs")
        else str(directory / entry)
        if isinstance(entry, str) and entry != "host"
        else entry
        for name, entry in (spec.get("images") or {}).items()
    }
    return {**body, "spec": {**spec, "images": images}} if images else body
