"""The way in for everybody: HTTP, console, embedding and actors all write through a `Client`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Literal

from kube_actors.api.patches import clone
from kube_actors.api.selectors import FieldSelector, LabelSelector
from kube_actors.api.strictness import prune
from kube_actors.errors import ApiError, bad_request
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import as_version
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.writes import ownership, prepare
from kube_actors.writes.applied_part import applied_part
from kube_actors.writes.aside import AT_ONCE, Work
from kube_actors.writes.deletion import DeleteOptions
from kube_actors.writes.identity import Identity
from kube_actors.writes.intake import place, recognize
from kube_actors.writes.patching import PatchKind, patched
from kube_actors.writes.request import Operation, Request
from kube_actors.writes.session import check_identity, check_version
from kube_actors.writes.subresource_session import SubresourceSession

Outcome = Literal["created", "configured", "unchanged"]
NAME_TRIES = 8


@frozen
class Applied:
    """What an apply did: the object as it is now, and whether it was created, changed or left alone."""

    revision: Revision
    outcome: Outcome
    warnings: tuple[str, ...] = ()


@frozen(eq=False)
class Client(SubresourceSession):
    """Reads and writes in the name of one identity.

    Every write raises ApiError as Kubernetes answers: 404 for what is not there, 409 when somebody else was faster or
    owns the field, 422 with all causes for an invalid object. `dry_run` does everything but store.
    `on_warning` is called with each warning of a request.
    """

    def with_identity(
        self, identity: Identity, on_warning: Callable[[str], None] | None = None, work: Work = AT_ONCE
    ) -> Client:
        """The same way in, in another name."""
        return Client(self.pipeline, identity, on_warning or self.on_warning, work)

    def get(self, key: Key) -> Revision | None:
        """The newest revision, or None."""
        return self.store.get(key)

    async def durable(self, revision: Revision) -> None:
        """Return when the journal covers this revision: only then may the outside world hear of it."""
        await self.store.durable(revision.resource_version)

    async def create(
        self, body: Body, *, namespace: str | None = None, dry_run: bool = False, in_place: bool = False
    ) -> Revision:
        """Store a new object. With `generateName` a taken name is tried again with another suffix.

        `in_place`: the body is given away, and may be changed and kept; it must have its name then: there is one try.
        """
        tries = 0
        while True:
            tries += 1
            sent, own, warnings = await self.work.run(recognize, self.pipeline.registry, body, in_place)
            resource = self.pipeline.registry.storage_of(sent)
            own = as_version(own, resource)
            key = place(resource, own, namespace)
            request = self.request(Operation.CREATE, resource, key, own, dry_run=dry_run, warnings=warnings)
            request.sent = sent
            try:
                return self.told(request, await self.pipeline.create(request, self.author(sent, "")))
            except ApiError as error:
                if error.reason != "AlreadyExists" or key.name or tries == NAME_TRIES:
                    raise

    async def update(self, body: Body, *, subresource: str = "", dry_run: bool = False) -> Revision:
        """Replace an object (or its status). A resourceVersion in the body must be the current one, a uid the same."""
        sent, own, warnings = await self.work.run(recognize, self.pipeline.registry, body)
        resource = self.pipeline.registry.storage_of(sent)
        own = as_version(own, resource)
        key = place(resource, own, None)
        self.check_subresource(resource, subresource)
        named = own["metadata"].get("resourceVersion")

        async def attempt() -> Revision:
            live = self.live(key)
            new = await self.work.run(clone, own)
            request = self.request(Operation.UPDATE, resource, key, new, subresource, dry_run, warnings)
            request.old, request.sent = live.body(), sent
            check_identity(request, live)
            return self.told(request, await self.pipeline.update(request, live, self.author(sent, subresource)))

        return await self.retrying(attempt, once=bool(named))

    async def mutate(
        self, key: Key, change: Callable[[Body], None], *, subresource: str = "", uid: str | None = None
    ) -> Revision:
        """Read, change in place, write; again when somebody else was faster. Without a change nothing is written.

        With `uid` an object of the same name but another uid counts as not there (404).
        """

        def edit(body: Body) -> Body:
            change(body)
            return body

        return await self.edit(key, edit, subresource, uid=uid)

    async def patch(
        self, key: Key, patch: Any, kind: PatchKind, *, subresource: str = "", dry_run: bool = False
    ) -> Revision:
        """Patch an object, its status or (`subresource="scale"`) its scale."""
        if subresource == "scale":
            return await self.patch_scale(key, patch, kind, dry_run=dry_run)
        schema = self.resource(key).schema
        return await self.edit(key, lambda body: patched(body, patch, kind, schema), subresource, dry_run=dry_run)

    async def apply(
        self,
        body: Body,
        *,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        namespace: str | None = None,
    ) -> Applied:
        """Server-side apply under the identity's field manager; 409 with a cause per field that another one owns."""
        sent, own, warnings = await self.work.run(recognize, self.pipeline.registry, body)
        resource = self.pipeline.registry.storage_of(sent)
        key = place(resource, own, namespace)
        if not key.name:
            raise bad_request("metadata.name is required to apply an object")
        self.check_subresource(resource, subresource)
        versions = self.pipeline.versions(resource)
        ownership.check_configuration(own, versions)
        hooks = hooks_for(resource.id)
        part = functools.partial(applied_part, subresource=subresource, resource=resource, hooks=hooks)
        whole, own = own, part(own)
        collected = list(warnings)

        async def attempt() -> Applied:
            live = self.live(key) if subresource else self.store.get(key)
            before = live.body() if live is not None else {}
            record = functools.partial(ownership.record_apply, part=part, force=force)
            new = await self.work.run(record, before, clone(own), self.author(sent, subresource), versions)
            new = as_version(new, resource)
            if live is None:  # what is owned by nobody is given all the same
                new.update({name: clone(value) for name, value in whole.items() if name not in new})
            prune(resource.schema, new)  # empty maps of the configuration are owned, but not kept
            operation = Operation.CREATE if live is None else Operation.UPDATE
            request = self.request(operation, resource, key, new, subresource, dry_run, collected, heard=True)
            request.sent, request.applied = sent, True
            revision = await self._store_applied(request, live, before)
            outcome: Outcome = "created" if live is None else "unchanged" if revision is live else "configured"
            return Applied(self.told(request, revision), outcome, tuple(request.warnings))

        return await self.retrying(attempt, once=bool(own["metadata"].get("resourceVersion")))

    async def delete(
        self,
        key: Key,
        *,
        uid: str | None = None,
        resource_version: str | int | None = None,
        grace_seconds: int | None = None,
        propagation: str | None = None,
        dry_run: bool = False,
    ) -> Revision | None:
        """Delete; None when the object has gone at once, else the revision that waits for grace or finalizers."""
        version = None if resource_version is None else str(resource_version)
        options = DeleteOptions(uid, version, grace_seconds, propagation)
        options.check()
        resource = self.resource(key)

        async def attempt() -> Revision | None:
            live = self.live(key)
            request = self.request(Operation.DELETE, resource, key, live.body(), dry_run=dry_run)
            request.old = live.body()
            revision = await self.pipeline.delete(request, live, options)
            self.told(request, live)
            return revision

        return await self.retrying(attempt, once=bool(version))

    async def delete_collection(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        selector: LabelSelector | None = None,
        fields: FieldSelector | None = None,
        grace_seconds: int | None = None,
        propagation: str | None = None,
        dry_run: bool = False,
    ) -> list[Revision]:
        """Delete every object that both selectors match; answers the revisions as they were before."""
        found = self.store.list(resource, namespace, selector)
        chosen = [each for each in found if fields is None or fields.matches(each.body())]
        await self.delete_all(chosen, grace_seconds=grace_seconds, propagation=propagation, dry_run=dry_run)
        return chosen

    async def delete_all(
        self,
        chosen: Iterable[Revision],
        *,
        grace_seconds: int | None = None,
        propagation: str | None = None,
        dry_run: bool = False,
    ) -> None:
        """Delete these objects; those that have gone or been replaced meanwhile are passed over."""
        for revision in chosen:
            try:
                await self.delete(
                    revision.key,
                    uid=revision.uid,
                    grace_seconds=grace_seconds,
                    propagation=propagation,
                    dry_run=dry_run,
                )
            except ApiError as error:
                if error.reason not in ("NotFound", "Conflict"):
                    raise

    async def _store_applied(self, request: Request, live: Revision | None, before: Body) -> Revision:
        if live is None:
            if uid := request.new["metadata"].get("uid"):
                why = f"the provided object specified uid {uid}, and no existing object was found"
                raise request.conflict(f"uid mismatch: {why}")
            await self.work.run(prepare.prepare_create, request, self.pipeline.clock.now(), self.pipeline.random)
            await self.work.run(prepare.complete_create, request)
            return await self.pipeline.create_prepared(request)
        request.old = before
        check_version(request, live)
        return await self.pipeline.update(request, live, None)
