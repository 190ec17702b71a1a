"""How the store survives its process.

`Journal` (base) is the port; `MemoryJournal` keeps nothing; `SqliteJournal` keeps objects and recent history in
one file, written by a process of its own (`committer`; its code and the SQL are in `store/state_file`). `lock` refuses
a second runtime, `errors` says why saved state cannot be used.
"""

from kube_actors.store.journal.base import Journal, Loaded, Record
from kube_actors.store.journal.errors import (
    JournalFailed,
    StateCorrupt,
    StateError,
    StateInUse,
    StateTooNew,
    StateUnwritable,
)
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.store.journal.sqlite import SqliteJournal

__all__ = [
    "Journal",
    "JournalFailed",
    "Loaded",
    "MemoryJournal",
    "Record",
    "SqliteJournal",
    "StateCorrupt",
    "StateError",
    "StateInUse",
    "StateTooNew",
    "StateUnwritable",
]
