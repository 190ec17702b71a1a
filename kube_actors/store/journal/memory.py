"""A journal for clusters that end with their process."""

from __future__ import annotations

import sys

import trio

from kube_actors.store.journal.base import Journal, Loaded
from kube_actors.store.revision import Commit


class MemoryJournal(Journal):
    """Keeps nothing: a commit is as safe as it will ever be at once."""

    limit = sys.maxsize

    def load(self) -> Loaded:
        """Nothing."""
        return Loaded()

    def append(self, commit: Commit) -> None:
        """The commit is durable when this returns."""
        self._on_durable(commit.resource_version)

    def skip(self, commit: Commit) -> None:
        """The same as `append`."""
        self._on_durable(commit.resource_version)

    async def run(self) -> None:
        """Has nothing to do."""
        await trio.sleep_forever()

    def close(self) -> None:
        """Refuses further writes."""
        self.limit = -1
