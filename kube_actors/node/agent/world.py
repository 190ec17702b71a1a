"""What every part of the agent shares: settings, loop, records, and children the keeper reaps for us."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count

from . import syscalls
from .cgroups import Hierarchies
from .keeper import Exit
from .loop import Loop
from .probe import Probe, remove_tree
from .records import Records
from .settings import Settings

OnExit = Callable[[Exit], None]


class World:
    """Handed to the parts by the agent's composition."""

    def __init__(self, settings: Settings, probe: Probe, records: Records, cgroups: Hierarchies) -> None:
        self.settings = settings
        self.probe = probe
        self.tier = probe.tier
        self.records = records
        self.cgroups = cgroups
        self.loop = Loop()
        self.trash = Trash(self)
        self._children: dict[int, OnExit] = {}
        records.on_exit = self._exited

    def watch(self, pid: int, on_exit: OnExit) -> None:
        """Call back when the keeper has reaped this child."""
        self._children[pid] = on_exit

    def _exited(self, pid: int, how: Exit) -> None:
        callback = self._children.pop(pid, None)
        if callback is not None:
            callback(how)

    def work(self, job: Callable[[], None], on_done: Callable[[], None]) -> None:
        """Run something slow in a forked child."""
        pid, pidfd = syscalls.clone_sibling(0)
        if pid == 0:
            try:
                job()
            except BaseException as error:
                print(f"agent: {error!r}", file=sys.stderr)
            finally:
                os._exit(0)
        os.close(pidfd)
        self.watch(pid, lambda _: on_done())


class Trash:
    """Directories to remove: renamed away at once, deleted by one forked child at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = count()
        self._waiting: list[str] = []
        self._busy = False
        self._when_empty: list[Callable[[], None]] = []

    def discard(self, path: str) -> None:
        """Take a directory out of the way and delete it soon. What cannot be moved stays, and nobody waits for it."""
        in_memory = path.startswith(self._world.settings.memory + "/")
        base = self._world.settings.memory if in_memory else self._world.settings.directory
        trash = os.path.join(base, "trash")
        target = os.path.join(trash, f"{os.getpid()}-{next(self._names)}")
        try:
            os.makedirs(trash, exist_ok=True)
            os.rename(path, target)
        except FileNotFoundError:
            return
        except OSError as error:
            print(f"agent: cannot remove {path}: {error}", file=sys.stderr)
            return
        self._waiting.append(target)
        self._work()

    def when_empty(self, callback: Callable[[], None]) -> None:
        """Call back when nothing waits for deletion."""
        if self._busy:
            self._when_empty.append(callback)
        else:
            callback()

    def _work(self) -> None:
        if self._busy or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        self._busy = True

        def delete() -> None:
            for path in batch:
                remove_tree(path)

        self._world.work(delete, self._done)

    def _done(self) -> None:
        self._busy = False
        self._work()
        if not self._busy:
            callbacks, self._when_empty = self._when_empty, []
            for callback in callbacks:
                callback()
