"""A patch of any kind, applied to an object. Pure."""

from __future__ import annotations

from typing import Any, Literal

from kube_actors.api.patches import json_patch, merge_patch
from kube_actors.api.schema import Schema
from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body

PatchKind = Literal["json", "merge", "strategic"]


def patched(body: Body, patch: Any, kind: PatchKind, schema: Schema) -> Body:
    """The object after the patch; 400 when no object of the same kind is left."""
    match kind:
        case "json":
            new = json_patch(body, patch)
        case "merge":
            new = merge_patch(body, patch)
        case "strategic":
            from kube_actors.api.strategic_merge import strategic_merge_patch  # no start needs it

            new = strategic_merge_patch(body, patch, schema)
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise bad_request("the patch leaves no object with metadata")
    for name in ("apiVersion", "kind"):
        if new.get(name) != body[name]:
            raise bad_request(f"a patch must not change {name}")
    return new
