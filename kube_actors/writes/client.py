"""The way in for everybody: HTTP, console, embedding and actors all write through a `Client`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import attrs

from kube_actors.api.patches import clone, json_patch, merge_patch
from kube_actors.api.registry import Resource
from kube_actors.api.selectors import FieldSelector, LabelSelector
from kube_actors.api.strategic_merge import strategic_merge_patch
from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError, bad_request, method_not_allowed
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import Body
from kube_actors.store import Key, Revision, Store
from kube_actors.writes import ownership, prepare, subresources
from kube_actors.writes.deletion import DeleteOptions
from kube_actors.writes.identity import Identity
from kube_actors.writes.intake import place, take_in
from kube_actors.writes.ownership import Author
from kube_actors.writes.pipeline import Overtaken, Pipeline
from kube_actors.writes.request import MODIFIED, Operation, Request, missing

PatchKind = Literal["json", "merge", "strategic"]
Outcome = Literal["created", "configured", "unchanged"]
RETRIES = 5
NAME_RETRIES = 8
T = TypeVar("T")


@attrs.frozen
class Applied:
    """What an apply did: the object as it is now, and whether it was created, changed or left alone."""

    revision: Revision
    outcome: Outcome
    warnings: tuple[str, ...] = ()


def _ignore(_warning: str) -> None:
    """Nobody wants to hear warnings."""


@attrs.frozen(eq=False)
class Client:
    """Reads and writes in the name of one identity.

    Every write raises ApiError as Kubernetes answers: 404 for what is not there, 409 when somebody else was faster or
    owns the field, 422 with all causes for an invalid object. `dry_run` does everything but store.
    `on_warning` is called with each warning of a request.
    """

    pipeline: Pipeline
    identity: Identity
    on_warning: Callable[[str], None] = _ignore

    @property
    def store(self) -> Store:
        """Where the objects are; read freely, write only through this client."""
        return self.pipeline.store

    def with_identity(self, identity: Identity, on_warning: Callable[[str], None] | None = None) -> Client:
        """The same way in, in another name."""
        return Client(self.pipeline, identity, on_warning or self.on_warning)

    def get(self, key: Key) -> Revision | None:
        """The newest revision, or None."""
        return self.store.get(key)

    async def durable(self, revision: Revision) -> None:
        """Return when the journal covers this revision: only then may the outside world hear of it."""
        await self.store.durable(revision.resource_version)

    async def create(self, body: Body, *, namespace: str | None = None, dry_run: bool = False) -> Revision:
        """Store a new object. With `generateName` a taken name is tried again with another suffix."""
        resource, own, warnings = take_in(self.pipeline.registry, body)
        key = place(resource, own, namespace)
        tries = NAME_RETRIES if not key.name and own["metadata"].get("generateName") else 1
        while True:
            tries -= 1
            request = self._request(Operation.CREATE, resource, key, clone(own), dry_run=dry_run, warnings=warnings)
            try:
                return self._told(request, await self.pipeline.create(request, self._author(resource, "")))
            except ApiError as error:
                if error.reason != "AlreadyExists" or not tries:
                    raise

    async def update(self, body: Body, *, subresource: str = "", dry_run: bool = False) -> Revision:
        """Replace an object (or its status). A resourceVersion in the body must be the current one, a uid the same."""
        resource, own, warnings = take_in(self.pipeline.registry, body)
        key = place(resource, own, None)
        self._check_subresource(resource, subresource)
        named = own["metadata"].get("resourceVersion")

        async def attempt() -> Revision:
            live = self._live(key)
            request = self._request(Operation.UPDATE, resource, key, clone(own), subresource, dry_run, warnings)
            request.old = live.body()
            _check_identity(request, live)
            return self._told(request, await self.pipeline.update(request, live, self._author(resource, subresource)))

        return await self._retrying(attempt, once=bool(named))

    async def mutate(
        self, key: Key, change: Callable[[Body], None], *, subresource: str = "", uid: str | None = None
    ) -> Revision:
        """Read, change in place, write; again when somebody else was faster. Without a change nothing is written.

        With `uid` an object of the same name but another uid counts as not there (404).
        """

        def edit(body: Body) -> Body:
            change(body)
            return body

        return await self._edit(key, edit, subresource, uid=uid)

    async def patch(
        self, key: Key, patch: Any, kind: PatchKind, *, subresource: str = "", dry_run: bool = False
    ) -> Revision:
        """Patch an object, its status or (`subresource="scale"`) its scale."""
        if subresource == "scale":
            return await self._patch_scale(key, patch, kind, dry_run)
        return await self._edit(key, lambda body: self._patched(key, body, patch, kind), subresource, dry_run=dry_run)

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
        resource, own, warnings = take_in(self.pipeline.registry, body)
        key = place(resource, own, namespace)
        if not key.name:
            raise bad_request("metadata.name is required to apply an object")
        self._check_subresource(resource, subresource)
        collected = list(warnings)

        async def attempt() -> Applied:
            live = self.store.get(key)
            before = live.body() if live is not None else {}
            author = self._author(resource, subresource)
            new = ownership.record_apply(before, own, author, resource.schema, force=force)
            operation = Operation.CREATE if live is None else Operation.UPDATE
            request = self._request(operation, resource, key, new, subresource, dry_run, collected)
            revision = await self._store_applied(request, live, before)
            outcome: Outcome = "created" if live is None else "unchanged" if revision is live else "configured"
            return Applied(self._told(request, revision), outcome, tuple(request.warnings))

        return await self._retrying(attempt, once=bool(own["metadata"].get("resourceVersion")))

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
        resource = self._resource(key)

        async def attempt() -> Revision | None:
            live = self._live(key)
            request = self._request(Operation.DELETE, resource, key, live.body(), dry_run=dry_run)
            request.old = live.body()
            revision = await self.pipeline.delete(request, live, options)
            self._told(request, live)
            return revision

        return await self._retrying(attempt, once=bool(version))

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
        """Delete every object that both selectors match; the revisions as they were. Objects gone meanwhile are fine."""
        found = self.store.list(resource, namespace, selector)
        chosen = [each for each in found if fields is None or fields.matches(each.body())]
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
        return chosen

    async def finalize(self, key: Key, finalizer: str, *, uid: str | None = None) -> Revision:
        """Take a finalizer away (of a namespace also from `spec.finalizers`); the last one lets a deleted object go."""

        def change(body: Body) -> Body:
            metadata = body["metadata"]
            metadata["finalizers"] = [each for each in metadata.get("finalizers") or [] if each != finalizer]
            if not metadata["finalizers"]:
                del metadata["finalizers"]
            return body

        live = self._live(key, uid)
        if key.resource == "namespaces" and finalizer in live.body().get("spec", {}).get("finalizers", []):
            return await self._edit(key, lambda body: subresources.finalized(body, finalizer), "finalize", uid=uid)
        return await self._edit(key, change, "", uid=uid)

    async def bind(self, key: Key, node: str, *, uid: str | None = None, annotations: Body | None = None) -> Revision:
        """Bind a pod to a node; 409 when it is bound already or being deleted."""

        async def attempt() -> Revision:
            live = self._live(key)
            resource = self._resource(key)
            request = self._request(Operation.UPDATE, resource, key, live.body(), "binding")
            request.old = live.body()
            subresources.bind(request, node, rfc3339(self.pipeline.clock.now()), uid=uid, annotations=annotations)
            return await self.pipeline.update(request, live, None)

        return await self._retrying(attempt, once=False)

    def scale(self, key: Key) -> Body:
        """The `autoscaling/v1 Scale` of a Deployment, ReplicaSet or the like."""
        return subresources.scale_of(self._scalable(key), self._live(key).body())

    async def update_scale(self, key: Key, scale: Body, *, dry_run: bool = False) -> Revision:
        """Set the replicas as the `Scale` says; a resourceVersion in it must be the current one."""
        resource = self._scalable(key)
        sent = scale.get("metadata") or {}

        async def attempt() -> Revision:
            live = self._live(key)
            request = self._request(Operation.UPDATE, resource, key, live.body(), "scale", dry_run)
            request.new["metadata"].update({name: sent[name] for name in ("resourceVersion", "uid") if sent.get(name)})
            request.old = live.body()
            _check_identity(request, live)
            subresources.set_replicas(request, scale)
            return self._told(request, await self.pipeline.update(request, live, self._author(resource, "scale")))

        return await self._retrying(attempt, once=bool(sent.get("resourceVersion")))

    async def _patch_scale(self, key: Key, patch: Any, kind: PatchKind, dry_run: bool) -> Revision:
        before = self.scale(key)
        schema = self.pipeline.registry.type_schema("autoscaling.v1.Scale")
        match kind:
            case "json":
                after = json_patch(before, patch)
            case "merge":
                after = merge_patch(before, patch)
            case "strategic":
                after = strategic_merge_patch(before, patch, schema)
        return await self.update_scale(key, after, dry_run=dry_run)

    async def _edit(
        self,
        key: Key,
        edit: Callable[[Body], Body],
        subresource: str,
        *,
        uid: str | None = None,
        dry_run: bool = False,
    ) -> Revision:
        """Write what `edit` makes of the current body."""
        resource = self._resource(key)
        self._check_subresource(resource, subresource)

        async def attempt() -> Revision:
            live = self._live(key, uid)
            old = live.body()
            new = edit(live.body())
            if new == old:
                return live
            request = self._request(Operation.UPDATE, resource, key, new, subresource, dry_run)
            request.old = old
            _check_identity(request, live)
            return self._told(request, await self.pipeline.update(request, live, self._author(resource, subresource)))

        return await self._retrying(attempt, once=False)

    def _patched(self, key: Key, body: Body, patch: Any, kind: PatchKind) -> Body:
        match kind:
            case "json":
                new = json_patch(body, patch)
            case "merge":
                new = merge_patch(body, patch)
            case "strategic":
                new = strategic_merge_patch(body, patch, self._resource(key).schema)
        if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
            raise bad_request("the patch leaves no object with metadata")
        for name in ("apiVersion", "kind"):
            if new.get(name) != body[name]:
                raise bad_request(f"a patch must not change {name}")
        return new

    async def _store_applied(self, request: Request, live: Revision | None, before: Body) -> Revision:
        if live is None:
            if request.new["metadata"].get("uid"):
                raise request.conflict("uid mismatch: the object to be applied does not exist")
            prepare.prepare_create(request, self.pipeline.clock.now(), self.pipeline.random)
            return await self.pipeline.create_prepared(request)
        request.old = before
        _check_identity(request, live)
        return await self.pipeline.update(request, live, None)

    async def _retrying(self, attempt: Callable[[], Awaitable[T]], *, once: bool) -> T:
        """Run an attempt again when somebody else was faster, unless the client named the version it means."""
        for _ in range(0 if once else RETRIES):
            try:
                return await attempt()
            except Overtaken:
                continue
        return await attempt()

    def _request(
        self,
        operation: Operation,
        resource: Resource,
        key: Key,
        new: Body,
        subresource: str = "",
        dry_run: bool = False,
        warnings: list[str] | None = None,
    ) -> Request:
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
        )

    def _told(self, request: Request, revision: Revision) -> Revision:
        for warning in request.warnings:
            self.on_warning(warning)
        return revision

    def _author(self, resource: Resource, subresource: str) -> Author:
        time = rfc3339(self.pipeline.clock.now())
        return Author(self.identity.field_manager, resource.api_version, subresource, time)

    def _resource(self, key: Key) -> Resource:
        return self.pipeline.registry.by_id(key.resource)

    def _scalable(self, key: Key) -> Resource:
        resource = self._resource(key)
        self._check_subresource(resource, "scale")
        return resource

    def _check_subresource(self, resource: Resource, subresource: str) -> None:
        if subresource and resource.subresource(subresource) is None:
            raise method_not_allowed(f'{resource.plural} have no subresource "{subresource}"')

    def _live(self, key: Key, uid: str | None = None) -> Revision:
        live = self.store.get(key)
        if live is None or (uid is not None and live.uid != uid):
            raise missing(key)
        return live


def _check_identity(request: Request, live: Revision) -> None:
    """409 when the body names another uid or resourceVersion than the stored object has."""
    metadata = request.new["metadata"]
    uid = metadata.get("uid")
    if uid and uid != live.uid:
        raise request.conflict(f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.uid}")
    version = metadata.get("resourceVersion")
    if version and version != str(live.resource_version):
        raise request.conflict(MODIFIED)
