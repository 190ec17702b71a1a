"""A line for every write: who did what to what, when, and what came of it. Never what was written.

The lines are JSON, in a file only the cluster's owner can read. When it has grown to its size it becomes `audit.log.1`,
what was that becomes `audit.log.2`, and so on.
"""

from __future__ import annotations

import functools
import itertools
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.log import Log
from kube_actors.server.call import Call
from kube_actors.server.http import Response, Upgrade

FILE: Final = "audit.log"
SIZE: Final = 16 << 20
"""Bytes of a file until the next one is begun."""
KEPT: Final = 3
"""Older files that are kept."""
_WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_CONNECTS: Final = frozenset({"attach", "exec", "portforward"})
_QUESTIONS: Final = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
"""Groups in which creating means asking."""
_SWITCHED: Final = 101

log = Log(__name__)


class AuditLog:
    """Appends to `audit.log` in a directory. A line that cannot be written is said in the log once, and missed."""

    def __init__(self, directory: Path, *, size: int = SIZE) -> None:
        self._path = directory / FILE
        self._size = size
        self._fd = -1
        self._written = 0
        self._failing = False

    def record(self, call: Call, response: Response, seconds: float) -> None:
        """Write down what a call came to, if it was one that changes something. `seconds`: how long it took."""
        info = call.info
        if (info.verb in _WRITES and info.group not in _QUESTIONS) or info.subresource in _CONNECTS:
            self._append(json.dumps_line(line_of(call, response, seconds)))

    def close(self) -> None:
        """Write no more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, line: bytes) -> None:
        try:
            if self._fd < 0:
                self._open()
            if self._written and self._written + len(line) > self._size:
                self._begin_next()
            self._written += os.write(self._fd, line)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("the audit log cannot be written", file=str(self._path), error=str(error))
            self._failing = True

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._written = os.fstat(self._fd).st_size

    def _begin_next(self) -> None:
        self.close()
        names = [self._path, *(self._path.with_name(f"{FILE}.{number}") for number in range(1, KEPT + 1))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            if newer.exists():
                newer.replace(older)
        self._open()


def _now() -> str:
    """`2026-01-02T03:04:05.678+00:00`."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1_000_000:03d}+00:00"


@functools.lru_cache(maxsize=2)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def line_of(call: Call, response: Response, seconds: float) -> dict[str, Any]:
    """The facts of a call, in the words of Kubernetes' audit events where it has them."""
    info, user, request = call.info, call.impersonator or call.user, call.request
    headers = request.headers
    line: dict[str, Any] = {
        "time": _now(),
        "auditID": headers.get("audit-id", ""),
        "user": user.name,
        "groups": user.groups,
        "sourceIP": request.peer.address,
        "userAgent": headers.get("user-agent", "")[:256],
        "verb": info.verb,
        "apiVersion": info.api_version,
        "resource": info.resource,
        "subresource": info.subresource,
        "namespace": info.namespace,
        "name": info.name or call.created,
        "code": _SWITCHED if isinstance(response, Upgrade) else response.status,
        "milliseconds": int(seconds * 10_000 + 0.5) / 10,
    }
    if call.impersonator is not None:
        line["impersonatedUser"], line["impersonatedGroups"] = call.user.name, call.user.groups
    if request.parameter("dryRun"):
        line["dryRun"] = True
    return line
