"""The stages in order, for one request against one state of the store: prepare, admit, finish, commit.

Nothing here repeats a request; `Client` does when somebody else wrote in between.
"""

from __future__ import annotations

import random
from typing import Final

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry, Resource
from kube_actors.errors import ApiError, already_exists
from kube_actors.kernel import ClusterClock
from kube_actors.kinds import project, project_status
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import ServedVersions
from kube_actors.records import frozen
from kube_actors.store import Candidate, Projection, Revision, Store
from kube_actors.writes import prepare
from kube_actors.writes.admission import Admission
from kube_actors.writes.aside import Aside
from kube_actors.writes.deletion import DeleteOptions, check_preconditions, is_released, mark_deleted
from kube_actors.writes.finish import finish
from kube_actors.writes.ownership import Author
from kube_actors.writes.request import MODIFIED, Request

_TOO_LARGE: Final = "etcdserver: request is too large"


class Overtaken(ApiError):
    """Somebody else wrote between reading and committing: the request may be tried again from the start."""

    def __init__(self, request: Request) -> None:
        error = request.conflict(MODIFIED)
        super().__init__(error.reason, error.code, error.message, kind=error.kind, group=error.group, name=error.name)


@frozen(eq=False)
class Pipeline:
    """Where all writes of a cluster go through. `random` gives uids and generated names, `clock` every timestamp.
    `aside` is where those of large objects are prepared."""

    store: Store
    registry: Registry
    clock: ClusterClock
    random: random.Random
    admission: Admission = attrs.field(factory=Admission)
    aside: Aside = attrs.field(factory=Aside)

    def versions(self, resource: Resource) -> ServedVersions:
        """All versions of the kind that is stored as this resource."""
        return ServedVersions(self.registry.served_as(resource))

    async def create(self, request: Request, author: Author) -> Revision:
        """Store a new object; 409 `AlreadyExists` when the name is taken."""
        await request.work.run(self._prepare_create, request, author)
        return await self.create_prepared(request)

    def _prepare_create(self, request: Request, author: Author) -> None:
        prepare.prepare_create(request, self.clock.now(), self.random)
        prepare.record_owner(request, author, self.versions(request.resource))
        prepare.complete_create(request)

    async def create_prepared(self, request: Request) -> Revision:
        """The stages after `prepare` for a new object."""
        await self._admit_and_finish(request)
        uid = request.new["metadata"]["uid"]
        if request.dry_run:
            if self.store.get(request.key) is not None:
                raise already_exists(request.key.plural, request.key.name, group=request.key.group)
            return self._unstored(request, uid, 0)
        return self._commit(request, uid, None, project(request.key.resource, request.new))

    async def update(self, request: Request, live: Revision, author: Author | None) -> Revision:
        """Replace an object; `live` itself when nothing changes. Without `author` the ownership is settled already."""
        old = request.old = request.old if request.old is not None else live.body()
        await request.work.run(self._prepare_update, request, old, author)
        return await self.update_prepared(request, live)

    def _prepare_update(self, request: Request, old: Body, author: Author | None) -> None:
        prepare.prepare_update(request, old)
        if author is not None:
            prepare.record_owner(request, author, self.versions(request.resource))

    async def update_prepared(self, request: Request, live: Revision) -> Revision:
        """The stages after `prepare` for an object that exists; the request's `old` must be set."""
        old = request.old if request.old is not None else live.body()
        await self._admit_and_finish(request)
        if prepare.unchanged(request.new, old):
            return live
        if request.dry_run:
            return self._unstored(request, live.uid, live.resource_version)
        if is_released(request.new):
            return self._remove(request, live)
        return self._commit(request, live.uid, live.resource_version, _projection(request, old, live))

    async def delete(self, request: Request, live: Revision, options: DeleteOptions) -> Revision | None:
        """Delete or mark as deleted. None: the object has gone; otherwise the revision that waits to go."""
        check_preconditions(request.resource, request.key.name, request.new["metadata"], options)
        await self.admission.mutate(request)
        await self.admission.judge(request)
        gone = mark_deleted(request, options, self.clock.now())
        if request.dry_run:
            return None if gone else self._unstored(request, live.uid, live.resource_version)
        if gone:
            self._remove(request, live)
            return None
        if request.new == request.old:
            return live
        return self._commit(request, live.uid, live.resource_version, project(request.key.resource, request.new))

    async def _admit_and_finish(self, request: Request) -> None:
        if await self.admission.mutate(request):
            prepare.read(request)
            request.hooks.default(request.new)
        await request.work.run(finish, request)
        await self.admission.judge(request)
        self.admission.allocate(request)

    def _commit(self, request: Request, uid: str, expected: int | None, projection: Projection) -> Revision:
        """Store it: without managedFields if they make it too large, as they can where an object has many keys."""
        candidate = Candidate(request.key, uid, request.new, projection)
        try:
            return self.store.commit(candidate, expected)
        except ApiError as error:
            if (
                error.message == _TOO_LARGE
                and not request.applied
                and request.new["metadata"].pop("managedFields", None)
            ):
                return self._commit(request, uid, expected, projection)
            if error.reason == "Conflict":
                raise Overtaken(request) from None
            raise

    def _remove(self, request: Request, live: Revision) -> Revision:
        try:
            return self.store.remove(request.key, live.resource_version, request.new)
        except ApiError as error:
            if error.reason == "Conflict":
                raise Overtaken(request) from None
            raise

    def _unstored(self, request: Request, uid: str, resource_version: int) -> Revision:
        """What a dry run answers: the object as it would have been stored."""
        projection = project(request.key.resource, request.new)
        return Revision(request.key, uid, resource_version, json.dumps(request.new), projection)


def _projection(request: Request, old: Body, live: Revision) -> Projection:
    """What the store keeps beside the new body; metadata that only changed hands is not read again."""
    metadata, before = request.new["metadata"], old["metadata"]
    projected = ("labels", "ownerReferences", "finalizers", "generation", "deletionTimestamp")
    if request.subresource == "status" and all(metadata.get(name) == before.get(name) for name in projected):
        return project_status(request.key.resource, request.new, live.projection)
    return project(request.key.resource, request.new)
