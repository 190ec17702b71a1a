"""Writes that change an object through one of its subresources: binding, scale, a namespace's finalize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.api.registry import Resource
from kube_actors.api.times import rfc3339
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.writes import subresources
from kube_actors.writes.patching import PatchKind, patched
from kube_actors.writes.request import Operation
from kube_actors.writes.session import Session, check_identity


@frozen(eq=False)
class SubresourceSession(Session):
    """A session that can bind, scale and finalize."""

    async def finalize(self, key: Key, finalizer: str, *, uid: str | None = None) -> Revision:
        """Take a finalizer away (of a namespace also from `spec.finalizers`); the last one lets a deleted object go."""

        def change(body: Body) -> Body:
            metadata = body["metadata"]
            metadata["finalizers"] = [each for each in metadata.get("finalizers") or [] if each != finalizer]
            if not metadata["finalizers"]:
                del metadata["finalizers"]
            return body

        live = self.live(key, uid)
        if key.resource == "namespaces" and finalizer in live.body().get("spec", {}).get("finalizers", []):
            return await self.edit(key, lambda body: subresources.finalized(body, finalizer), "finalize", uid=uid)
        return await self.edit(key, change, "", uid=uid)

    async def bind(
        self,
        key: Key,
        node: str,
        *,
        uid: str | None = None,
        sent: Body | None = None,
        dry_run: bool = False,
    ) -> Revision:
        """Bind a pod to a node; 409 when it is bound already or being deleted. `sent` is the metadata of a Binding."""

        async def attempt() -> Revision:
            live = self.live(key)
            resource = self.resource(key)
            request = self.request(Operation.UPDATE, resource, key, live.body(), "binding", dry_run)
            request.old = live.body()
            subresources.bind(request, node, rfc3339(self.pipeline.clock.now()), uid=uid, sent=sent or {})
            return await self.pipeline.update_prepared(request, live)

        return await self.retrying(attempt, once=False)

    def scale(self, key: Key) -> Body:
        """The `autoscaling/v1 Scale` of a Deployment, ReplicaSet or the like."""
        return subresources.scale_of(self._scalable(key), self.live(key).body())

    async def update_scale(self, key: Key, scale: Body, *, dry_run: bool = False) -> Revision:
        """Set the replicas as the `Scale` says; a resourceVersion in it must be the current one."""
        resource = self._scalable(key)
        sent = scale.get("metadata") or {}

        async def attempt() -> Revision:
            live = self.live(key)
            request = self.request(Operation.UPDATE, resource, key, live.body(), "scale", dry_run)
            request.new["metadata"].update({name: sent[name] for name in ("resourceVersion", "uid") if sent.get(name)})
            request.old = live.body()
            subresources.set_replicas(request, scale)
            check_identity(request, live)
            return self.told(request, await self.pipeline.update(request, live, self.author(resource, "scale")))

        return await self.retrying(attempt, once=bool(sent.get("resourceVersion")))

    async def patch_scale(
        self,
        key: Key,
        patch: Any,
        kind: PatchKind,
        *,
        dry_run: bool = False,
        check: Callable[[Body, Body], None] | None = None,
    ) -> Revision:
        """Patch the `Scale` that stands for the object; `check(before, after)` may refuse what becomes of it."""
        schema = self.pipeline.registry.type_schema("autoscaling.v1.Scale")

        async def attempt() -> Revision:
            before = self.scale(key)
            scale = patched(before, patch, kind, schema)
            if check is not None:
                check(before, scale)
            return await self.update_scale(key, scale, dry_run=dry_run)

        return await self.retrying(attempt, once=False)

    def _scalable(self, key: Key) -> Resource:
        resource = self.resource(key)
        self.check_subresource(resource, "scale")
        return resource
