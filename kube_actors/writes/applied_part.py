"""The part of an applied configuration that the path it is applied to can set. Pure.

What a path resets is no manager's: applying a whole Deployment to `status` owns its status only, and conflicts with
nobody about the rest.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.registry import Resource
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.writes.prepare import STATUS_WRITES, unowned_parts

_IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion")


def applied_part(applied: Body, subresource: str, resource: Resource, hooks: Hooks) -> Body:
    """The configuration without what this path leaves alone."""
    if not subresource:
        unowned = unowned_parts(resource, hooks)
        return {name: value for name, value in applied.items() if name not in unowned} if unowned else applied
    if subresource in STATUS_WRITES:
        return _framed(applied, "status", applied.get("status"), hooks.status_metadata)
    spec = applied.get("spec")
    if isinstance(spec, dict) and subresource == "ephemeralcontainers":
        from kube_actors.kinds.pod_subresources import EPHEMERAL  # with the rules of pods, which no start needs

        return _framed(applied, "spec", {EPHEMERAL: spec[EPHEMERAL]} if EPHEMERAL in spec else None)
    if isinstance(spec, dict) and subresource == "resize":
        return _framed(applied, "spec", _resources(spec))
    return applied


def _framed(applied: Body, name: str, part: Any, metadata_fields: tuple[str, ...] = ()) -> Body:
    """apiVersion, kind, what names the object, and one part of it."""
    kept = (*_IDENTITY, *metadata_fields)
    metadata = {key: value for key, value in applied["metadata"].items() if key in kept}
    body = {"apiVersion": applied["apiVersion"], "kind": applied["kind"], "metadata": metadata}
    return body if part is None else {**body, name: part}


def _resources(spec: Body) -> Body:
    """What the pod has as a whole, and of every container its name and what can be resized."""
    from kube_actors.kinds.pod_subresources import RESIZABLE

    whole = {"resources": spec["resources"]} if "resources" in spec else {}
    kinds = [kind for kind in ("containers", "initContainers") if isinstance(spec.get(kind), list)]
    return whole | {
        kind: [
            {name: value for name, value in container.items() if name in ("name", *RESIZABLE)}
            for container in spec[kind]
            if isinstance(container, dict)
        ]
        for kind in kinds
    }
