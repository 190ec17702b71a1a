"""One write on its way through the stages."""

from __future__ import annotations

import enum
from typing import Any

import attrs

from kube_actors.api.registry import Resource
from kube_actors.errors import ApiError, Cause, conflict, invalid, not_found
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.records import define
from kube_actors.store import Key
from kube_actors.writes.aside import AT_ONCE, Work
from kube_actors.writes.identity import Identity

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"

MOST_WARNINGS = 100


class Operation(enum.Enum):
    """What a request does, in the words admission plugins know."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@define
class Request:
    """A write between being asked for and being committed.

    `key.name` is "" until a generated name is chosen. `old` is the stored object (None on create) and is never changed;
    `new` is what shall be stored and is worked on in place. `subresource` is "" for the object itself. `warnings` are
    told to the client, each once; unless they are `heard`, nobody looks for what only deserves one. `causes` are what
    `prepare` found wrong; `finish` refuses them with its own. `sent` is the version of the kind that the client wrote
    in, if it said so. `applied`: it is a server-side apply, which without its managers would mean nothing. `work` does
    what takes long with a large object.
    """

    operation: Operation
    resource: Resource
    hooks: Hooks
    key: Key
    identity: Identity
    new: Body
    old: Body | None = None
    subresource: str = ""
    dry_run: bool = False
    warnings: list[str] = attrs.field(factory=list)
    causes: list[Cause] = attrs.field(factory=list)
    sent: Resource | None = None
    applied: bool = False
    work: Work = AT_ONCE
    heard: bool = True

    def warn(self, text: str) -> None:
        """Tell the client, once, and not more than anybody reads."""
        if len(self.warnings) < MOST_WARNINGS and text not in self.warnings:
            self.warnings.append(text)

    def invalid(self, causes: list[Cause]) -> ApiError:
        """422 with all causes."""
        return invalid(self.resource.kind, self.key.name, causes, group=self.resource.group)

    def conflict(self, why: str) -> ApiError:
        """409."""
        return conflict(self.key.plural, self.key.name, why, group=self.key.group)


def missing(key: Key) -> ApiError:
    """404 for a key."""
    return not_found(key.plural, key.name, group=key.group)


def metadata_of(body: Body) -> dict[str, Any]:
    """The object's metadata, made when it has none."""
    metadata: dict[str, Any] = body.setdefault("metadata", {})
    return metadata
