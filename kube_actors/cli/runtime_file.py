"""`runtime.json` in a cluster's state: who runs it and where it answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from kube_actors.cli.processes import ProcessIdentity
from kube_actors.errors import InputError, Problem
from kube_actors.records import frozen


@frozen
class RuntimeRecord:
    """A running cluster as it describes itself. `started` is epoch seconds; `listeners` are (service, URL) pairs; `api`
    is the URL of the Kubernetes API, empty when it is not served."""

    name: str
    process: ProcessIdentity
    console: str
    version: str
    started: float
    listeners: tuple[tuple[str, str], ...] = ()
    tier: str = ""
    shutdown_seconds: float = 10.0
    api: str = ""

    def dump(self) -> dict[str, Any]:
        """As JSON holds it."""
        listeners = [{"service": service, "url": url} for service, url in self.listeners]
        return {**attrs.asdict(self, recurse=False), "process": attrs.asdict(self.process), "listeners": listeners}

    @classmethod
    def load(cls, body: Mapping[str, Any]) -> RuntimeRecord:
        """Read what `dump` made. Raises KeyError or TypeError for anything else."""
        listeners = tuple((each["service"], each["url"]) for each in body["listeners"])
        return cls(**{**body, "process": ProcessIdentity(**body["process"]), "listeners": listeners})


def write_record(path: Path, record: RuntimeRecord) -> None:
    """Replace the file at once, readable by its owner only. InputError when it cannot be written (a full disk, say)."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w") as file:
            json.dump(record.dump(), file, indent=2)
        temporary.replace(path)
    except OSError as error:
        message = f"the state directory cannot be used: {error.strerror}"
        raise InputError([Problem(message, file=str(path), hint="choose another with --state-dir")]) from error


def read_record(path: Path) -> RuntimeRecord | None:
    """The record, None when there is none that can be read."""
    try:
        return RuntimeRecord.load(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running(path: Path) -> RuntimeRecord | None:
    """The record of a runtime that is alive."""
    record = read_record(path)
    return record if record is not None and record.process.is_alive() else None
