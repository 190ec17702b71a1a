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
from kube_actors.config.files import ClusterFile
from kube_actors.config.validation import Findings
from kube_actors.store import Key
from kube_actors.verbs.session import Session

MANAGER: Final = "kube-actors-cluster-file"

log = structlog.get_logger(__name__)


async def apply_findings(session: Session, findings: Findings, *, prune: bool, interactive: bool) -> list[Key]:
    """Apply what was read and judged; answers the keys of the objects. Objects gone from the files are reported, and
    deleted with `prune`."""
    from kube_actors.verbs.apply import apply

    documents = [each.manifest.body for each in findings.objects]
    applied = await apply(session, documents, manager=MANAGER, prune=prune)
    for text in applied.warnings:
        log.warning(text)
    what = "deleted: gone from the files" if prune else "gone from the files (--prune deletes it)"
    for key in applied.gone:
        log.warning(what, object="/".join(filter(None, key)))
    return [each.key for each in findings.objects]


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
