"""A stored object at one moment: canonical bytes, and what was read out of them once."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from kube_actors.api.codecs import json as canonical
from kube_actors.records import frozen
from kube_actors.store.projection import Projection

CommitKind = Literal["added", "modified", "deleted"]


class Key(NamedTuple):
    """Where an object is. `resource` is `Resource.id` (`deployments.apps`); `namespace` is "" when cluster scoped."""

    resource: str
    namespace: str
    name: str

    @property
    def plural(self) -> str:
        """`deployments` of `deployments.apps`."""
        return self.resource.partition(".")[0]

    @property
    def group(self) -> str:
        """`apps` of `deployments.apps`; "" in the core group."""
        return self.resource.partition(".")[2]


class Revision:
    """One object at one `resource_version`; never changes after it was committed.

    `raw` is the object as canonical JSON with its resourceVersion in it: what a GET sends and a watch repeats.
    Two revisions are the same only if they are the same Python object.
    """

    __slots__ = ("__weakref__", "_view", "key", "projection", "raw", "resource_version", "uid")

    key: Key
    uid: str
    resource_version: int
    raw: bytes
    projection: Projection

    def __init__(self, key: Key, uid: str, resource_version: int, raw: bytes, projection: Projection) -> None:
        self.key = key
        self.uid = uid
        self.resource_version = resource_version
        self.raw = raw
        self.projection = projection
        self._view: weakref.ref[Any] | None = None

    def body(self) -> dict[str, Any]:
        """A fresh dict for the caller to keep or change: parsing costs a tenth of copying, and nothing is shared."""
        body: dict[str, Any] = canonical.loads_trusted(self.raw)
        return body

    @property
    def view(self) -> Any:
        """The typed, read-only view (`PodView`, …), structured once for as long as somebody holds it."""
        from kube_actors.api.views import view_of

        view = None if self._view is None else self._view()
        if view is None:
            view = view_of(self.key.resource, self.body())
            self._view = weakref.ref(view)
        return view

    def __repr__(self) -> str:
        place = "/".join(part for part in self.key if part)
        return f"<Revision {self.resource_version} of {place}>"


@frozen
class Candidate:
    """What a writer offers to become the next revision; `projection` is that of `body`."""

    key: Key
    uid: str
    body: Mapping[str, Any]
    projection: Projection


@frozen(eq=False)
class Commit:
    """One step of the store: `revision` followed `previous` under its key.

    `previous` is None when the object is new. It is also None, and `kind` is not "added", for a step read back from
    the journal whose predecessor has been compacted away: then it is unknown.
    """

    kind: CommitKind
    revision: Revision
    previous: Revision | None

    @property
    def key(self) -> Key:
        """The object's key."""
        return self.revision.key

    @property
    def resource_version(self) -> int:
        """The number of this step, unique and rising in the whole store."""
        return self.revision.resource_version


def stamp(body: Mapping[str, Any], resource_version: int) -> bytes:
    """Canonical JSON of `body` with `metadata.resourceVersion` set; `body` itself stays as it is."""
    metadata = {**body.get("metadata", {}), "resourceVersion": str(resource_version)}
    return canonical.dumps_to_keep({**body, "metadata": metadata})


def restamped(revision: Revision, resource_version: int) -> Revision:
    """The same object under another number: what a watcher is told when an object left its selector at that number."""
    raw = stamp(revision.body(), resource_version)
    return Revision(revision.key, revision.uid, resource_version, raw, revision.projection)
