"""Where a cluster keeps its files: the journal, logs, sockets. Private to its owner whatever the umask."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import stat
from pathlib import Path

from kube_actors.errors import InputError, Problem
from kube_actors.records import frozen

SOCKET_PATH_LIMIT = 107
"""Bytes a unix socket's path may have (sun_path without its final zero, unix(7))."""


def default_state_home() -> Path:
    """`$XDG_STATE_HOME/kube-actors`, by default `~/.local/state/kube-actors` (XDG Base Directory Specification).

    Relative paths in the environment do not count. InputError for a user who has no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else home_directory() / ".local" / "state"
    return base / "kube-actors"


def home_directory() -> Path:
    """The user's home: `$HOME`, or what the system knows. InputError for a user who has none."""
    home = os.environ.get("HOME", "")
    if home.startswith("/"):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        problem = Problem("there is no place for the state: HOME is not set", hint="choose one with --state-dir")
        raise InputError([problem]) from None


def private_directory(path: Path) -> None:
    """Make a directory only its owner can enter. InputError when it cannot be made, written, or is somebody else's."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(20, "Not a directory", str(path))
        if found.st_uid != os.geteuid():
            raise PermissionError(1, f"belongs to user {found.st_uid}", str(path))
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
        probe = path / ".writable"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        hint = "choose another with --state-dir"
        message = f"the state directory cannot be used: {error.strerror}"
        raise InputError([Problem(message, file=str(path), hint=hint)]) from error


@frozen
class StateDirectory:
    """The files of one cluster below `root`. With `ephemeral` all of it goes when the cluster ends."""

    root: Path
    ephemeral: bool = False

    @property
    def journal(self) -> Path:
        """The SQLite journal."""
        return self.root / "journal.sqlite"

    @property
    def logs(self) -> Path:
        """Logs of pods."""
        return self.root / "logs"

    @property
    def agent(self) -> Path:
        """What the keeper and agent keep, their socket included if its path is short enough."""
        return self.root / "agent"

    @property
    def pki(self) -> Path:
        """The authority's keys and certificates."""
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        """What kubectl is pointed at."""
        return self.root / "kubeconfig"

    @property
    def api_port(self) -> Path:
        """The port the API was served at, so that the next start takes it again."""
        return self.root / "api-port"

    @property
    def runtime_file(self) -> Path:
        """JSON: who runs this cluster and where it answers."""
        return self.root / "runtime.json"

    @property
    def sockets(self) -> Path:
        """Where sockets are: below `root`, or in a short private directory when that path would be too long."""
        inside = self.root / "run"
        if len(os.fsencode(inside / "console.sock")) <= SOCKET_PATH_LIMIT:
            return inside
        base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
        digest = hashlib.blake2b(os.fsencode(self.root.absolute()), digest_size=6).hexdigest()
        return Path(base) / f"kube-actors-{os.geteuid()}-{digest}"

    @property
    def console_socket(self) -> Path:
        """Where the console listens."""
        return self.sockets / "console.sock"

    @property
    def api_socket(self) -> Path:
        """Where the API listens for its owner, without TLS."""
        return self.sockets / "api.sock"

    def create(self) -> None:
        """Make every directory, private. InputError when that cannot be done."""
        for directory in (self.root, self.logs, self.agent, self.sockets):
            private_directory(directory)

    def leave(self) -> None:
        """The cluster has ended: a directory for sockets that is not below `root` goes, once nothing is in it."""
        if self.sockets.parent != self.root:
            with contextlib.suppress(OSError):
                self.sockets.rmdir()

    def cluster_id(self, name: str) -> str:
        """What tells a cluster from others on the machine: its name and where its state is. Fit to be a file's name."""
        place = hashlib.blake2b(os.fsencode(self.root.absolute()), digest_size=6).hexdigest()
        return f"{name}-{place}"
