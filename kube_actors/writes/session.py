"""What every write of a client needs: its requests, the live object, another try when somebody else was faster."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kube_actors.api.registry import Resource
from kube_actors.api.times import rfc3339
from kube_actors.errors import bad_request, method_not_allowed
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store
from kube_actors.writes.aside import AT_ONCE, Work
from kube_actors.writes.identity import Identity
from kube_actors.writes.ownership import Author
from kube_actors.writes.pipeline import Overtaken, Pipeline
from kube_actors.writes.request import MODIFIED, Operation, Request, missing

RETRIES = 5
T = TypeVar("T")


def _ignore(_warning: str) -> None:
    """Nobody wants to hear warnings."""


@frozen(eq=False)
class Session:
    """One identity's connection to the pipeline. `on_warning` is called with each warning of a request.

    `work` does what takes long with large objects.
    """

    pipeline: Pipeline
    identity: Identity
    on_warning: Callable[[str], None] = _ignore
    work: Work = AT_ONCE

    @property
    def store(self) -> Store:
        """Where the objects are; read freely, write only through a client."""
        return self.pipeline.store

    async def edit(
        self,
        key: Key,
        edit: Callable[[Body], Body],
        subresource: str,
        *,
        uid: str | None = None,
        dry_run: bool = False,
        in_place: bool = True,
        sent: Resource | None = None,
    ) -> Revision:
        """Write what `edit` makes of the current body; one that is not `in_place` leaves the body it is given alone.

        `sent` is the resource in the version that the client speaks, if it is not the one that is stored.
        """
        resource = self.resource(key)
        self.check_subresource(resource, subresource)

        async def attempt() -> Revision:
            live = self.live(key, uid)
            old = live.body()
            new = await self.work.run(edit, live.body() if in_place else old)
            if new == old:
                return live
            request = self.request(Operation.UPDATE, resource, key, new, subresource, dry_run)
            request.old, request.sent = old, sent
            check_version(request, live)
            author = self.author(sent or resource, subresource)
            return self.told(request, await self.pipeline.update(request, live, author))

        return await self.retrying(attempt, once=False)

    async def retrying(self, attempt: Callable[[], Awaitable[T]], *, once: bool) -> T:
        """Run an attempt again when somebody else was faster, unless the client named the version it means."""
        for _ in range(0 if once else RETRIES):
            try:
                return await attempt()
            except Overtaken:
                continue
        return await attempt()

    def request(
        self,
        operation: Operation,
        resource: Resource,
        key: Key,
        new: Body,
        subresource: str = "",
        dry_run: bool = False,
        warnings: list[str] | None = None,
        *,
        heard: bool = False,
    ) -> Request:
        """A request of this identity. Its warnings are `heard` even where `on_warning` was not given."""
        return Request(
            operation,
            resource,
            hooks_for(resource.id),
            key,
            self.identity,
            new,
            subresource=subresource,
            dry_run=dry_run,
            warnings=list(warnings or ()),
            work=self.work,
            heard=heard or self.on_warning is not _ignore,
        )

    def told(self, request: Request, revision: Revision) -> Revision:
        """Pass the warnings on; answers the revision."""
        for warning in request.warnings:
            self.on_warning(warning)
        return revision

    def author(self, resource: Resource, subresource: str) -> Author:
        """Who is to own what the request changes, in the version of this resource."""
        time = _second(int(self.pipeline.clock.now()))
        return Author(self.identity.field_manager, resource.api_version, subresource, time)

    def resource(self, key: Key) -> Resource:
        """The registry's row of a key."""
        return self.pipeline.registry.by_id(key.resource)

    def check_subresource(self, resource: Resource, subresource: str) -> None:
        """405 when the resource has no such part."""
        if subresource and resource.subresource(subresource) is None:
            raise method_not_allowed(f'{resource.plural} have no subresource "{subresource}"')

    def live(self, key: Key, uid: str | None = None) -> Revision:
        """The stored object; 404 when there is none, or another one (`uid`)."""
        live = self.store.get(key)
        if live is None or (uid is not None and live.uid != uid):
            raise missing(key)
        return live


@functools.lru_cache(maxsize=4)
def _second(epoch: int) -> str:
    """RFC 3339; many writes share one second."""
    return rfc3339(epoch)


def check_identity(request: Request, live: Revision) -> None:
    """409 when the body names another uid or resourceVersion than the stored object has."""
    metadata = request.new["metadata"]
    uid = metadata.get("uid")
    if uid and uid != live.uid:
        raise request.conflict(f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.uid}")
    check_version(request, live)


def check_version(request: Request, live: Revision) -> None:
    """409 when the body names another resourceVersion than the stored object has, 400 for what is no version at all.

    Kubernetes answers that as 500; a client that takes a conflict for it would try again for ever.
    """
    version = request.new["metadata"].get("resourceVersion")
    if not version or version in ("0", str(live.resource_version)):  # 0 is no revision: any will do
        return
    if not (version.isascii() and version.isdigit()):
        raise bad_request(f'invalid resource version: strconv.ParseUint: parsing "{version}": invalid syntax')
    raise request.conflict(MODIFIED)
