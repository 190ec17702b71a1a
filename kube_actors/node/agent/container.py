"""One container as the agent knows it: its processes, files and end, and what is remembered and told of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable

from .cgroups import Group
from .keeper import Exit
from .logs import LogFile, LogPump
from .settings import Value, boot_id

Key = tuple[str, str, int]
_LARGEST_MESSAGE = 4096  # bytes of the termination message, as in Kubernetes


class Container:
    """One attempt at one container. `pid` is our child (a subreaper's, where there is one); `program` the program's."""

    def __init__(self, spec: Value, directory: str, group: Group) -> None:
        self.spec = spec
        self.key: Key = (spec["id"][0], spec["id"][1], spec["id"][2])
        self.directory = directory
        self.group = group
        self.pid = self.program = 0
        self.pidfd = -1
        self.subreaper = False
        self.started_at = 0.0
        self.runtime_id = ""
        self.user: Value | None = None
        self.ended: Exit | None = None
        self.exit: Value | None = None
        self.seen = False
        self.starting = True
        self.pumps: list[LogPump] = []
        self.stdin = -1
        self.log: LogFile | None = None
        self.when_ended: list[Callable[[], None]] = []

    @property
    def record_key(self) -> str:
        return "container:" + "/".join(map(str, self.key))

    @property
    def running(self) -> bool:
        return self.ended is None

    @property
    def message_path(self) -> str:
        return os.path.join(self.directory, "termination-log")

    def describe(self) -> Value:
        """What a runtime needs to adopt it."""
        return {
            "id": list(self.key), "runtime_id": self.runtime_id, "pid": self.program, "started_at": self.started_at,
            "image": self.spec["image"]["name"], "exit": self.exit, "seen": self.seen, "user": self.user,
        }  # fmt: skip

    def remembered(self) -> Value:
        """What a later agent needs to take it over."""
        return {
            "spec": self.spec, "directory": self.directory, "groups": self.group.paths, "pid": self.pid,
            "program": self.program, "subreaper": self.subreaper, "started_at": self.started_at,
            "runtime_id": self.runtime_id, "exit": self.exit, "seen": self.seen, "user": self.user,
        }  # fmt: skip

    def name_start(self, cluster_id: str) -> None:
        """Name this start apart from every other: cluster, pod, container, attempt, boot and start time."""
        parts = (cluster_id, *self.key, boot_id(), self.started_at)
        self.runtime_id = "process://" + hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()

    def make_directories(self) -> None:
        """The writable layer, and the file of the termination message."""
        for name in ("upper", "work", "root"):
            os.makedirs(os.path.join(self.directory, name), mode=0o755)
        fd = os.open(self.message_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        os.fchmod(fd, 0o666)
        os.close(fd)

    def open_log(self) -> LogFile:
        """Its log, opened when it is first asked for."""
        if self.log is None:
            self.log = LogFile(self.spec["log_path"], self.spec["log_max_size"], self.spec["log_max_files"])
        return self.log

    def conclude(self, ended: Exit) -> None:
        """Put the end in the words of the runtime contract."""
        code = os.waitstatus_to_exitcode(ended.status)
        self.exit = {
            "exit_code": code if code >= 0 else 128 - code,
            "oom_killed": code != 0 and self.group.oom_kills() > 0,
            "finished_at": ended.time,
            "message": _read_message(self.message_path),
        }


def _read_message(path: str) -> str:
    """The last bytes of a termination message, as Kubernetes takes them."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _LARGEST_MESSAGE))
        return file.read(_LARGEST_MESSAGE).decode(errors="replace")
    return ""
