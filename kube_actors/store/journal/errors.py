"""Why saved state cannot be used, in words for the person who starts the program; and why it stopped working."""

from __future__ import annotations

from pathlib import Path

from kube_actors.errors import InputError, KubeActorsError, Problem


class StateError(InputError):
    """The saved state at `path` cannot be used; nothing was changed."""

    def __init__(self, path: Path, message: str, hint: str | None = None) -> None:
        self.path = path
        super().__init__([Problem(message, file=str(path), hint=hint)])


class StateInUse(StateError):
    """Another runtime works on this state; `holder_pid` is its process, None when it has not said yet."""

    def __init__(self, path: Path, holder_pid: int | None) -> None:
        self.holder_pid = holder_pid
        holder = "another process" if holder_pid is None else f"process {holder_pid}"
        super().__init__(path, f"this state is in use by {holder}", "stop it, or choose another state directory")


class StateTooNew(StateError):
    """A newer version of the program wrote this state in a form that this version does not know."""

    def __init__(self, path: Path, found: int, supported: int) -> None:
        self.found = found
        self.supported = supported
        message = f"this state has schema version {found}, and this program knows versions up to {supported}"
        super().__init__(path, message, "use the newer program that wrote it, or choose another state directory")


class StateCorrupt(StateError):
    """The file is damaged, or is not our state at all."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, f"this state cannot be read: {why}", "restore a copy, or reset the cluster's state")


class StateUnwritable(StateError):
    """The directory or the file cannot be written by this user."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, f"this state cannot be written: {why}", "choose another state directory")


class JournalFailed(KubeActorsError):
    """A write to the journal failed while running. What was acknowledged is safe; nothing more can be acknowledged."""
