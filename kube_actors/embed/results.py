"""What the verbs answer."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from kube_actors.records import frozen

Object: TypeAlias = dict[str, Any]
"""An object of the API with Kubernetes' own names, as in YAML. The caller's own: changing it changes nothing else."""


@frozen
class Applied:
    """What `apply` did with one object. `name` is `deployment.apps/web`; `object` is how it is now.

    `warnings` are sentences: fields nothing heeds, old API versions, fields taken over from others.
    """

    name: str
    outcome: Literal["created", "configured", "unchanged"]
    object: Object
    warnings: tuple[str, ...] = ()


@frozen
class WatchEvent:
    """One change: ADDED, MODIFIED or DELETED, and the object after it (when DELETED: as it was last)."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@frozen
class ExecResult:
    """What a command printed, and how it ended: `exit_code` is 128 + n when signal n ended it."""

    exit_code: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Standard output as text; bytes that are not UTF-8 are written out (`\\xff`)."""
        return self.stdout_bytes.decode(errors="backslashreplace")

    @property
    def stderr(self) -> str:
        """Standard error as text."""
        return self.stderr_bytes.decode(errors="backslashreplace")


@frozen
class RolloutRevision:
    """A kept revision of a Deployment: its number, why it was made ("" when nobody said), and its pod template."""

    revision: int
    change_cause: str
    template: Object
