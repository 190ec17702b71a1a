"""`label` and `annotate`: short texts on objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.session import Session

Field = Literal["labels", "annotations"]


@frozen
class Marks:
    """What to set, and which keys to take away."""

    wanted: Mapping[str, str]
    removed: tuple[str, ...] = ()


def parse_marks(words: Sequence[str], field: Field) -> Marks:
    """Read `key=value` and `key-`. UsageError."""
    kind = field[:-1]
    wanted: dict[str, str] = {}
    removed = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            wanted[key] = value
        elif word.endswith("-"):
            removed.append(word[:-1])
        else:
            raise UsageError(f"unknown command {word!r}: a {kind} is set with key=value and removed with key-")
    if not wanted and not removed:
        raise UsageError(f"at least one {kind} update is required, as in key=value or key-")
    both = sorted(wanted.keys() & set(removed))
    if both:
        raise UsageError(f"can not both modify and remove a {kind} in the same command: {', '.join(both)}")
    return Marks(wanted, tuple(removed))


async def mark(
    session: Session, key: Key, field: Field, marks: Marks, *, overwrite: bool = False, dry_run: bool = False
) -> tuple[Revision, bool]:
    """Set and remove; answers the object and whether anything changed. VerbError for a value that would be lost."""
    before = session.client.live(key)
    current: Mapping[str, str] = before.body()["metadata"].get(field) or {}
    taken = sorted(name for name, value in marks.wanted.items() if name in current and current[name] != value)
    if taken and not overwrite:
        told = "; ".join(f"'{name}' already has a value ({current[name]}), and --overwrite is false" for name in taken)
        raise VerbError(told)
    changes: dict[str, Any] = {name: value for name, value in marks.wanted.items() if current.get(name) != value}
    changes.update({name: None for name in marks.removed if name in current})
    if not changes:
        return before, False
    revision = await session.client.patch(key, {"metadata": {field: changes}}, "merge", dry_run=dry_run)
    await session.settled()
    return revision, True
