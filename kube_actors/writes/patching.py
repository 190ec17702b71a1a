"""A patch of any kind, applied to an object. Pure."""

from __future__ import annotations

from typing import Any, Final, Literal

from kube_actors.api.codecs import json
from kube_actors.api.patches import json_patch, merge_patch
from kube_actors.api.schema import Schema
from kube_actors.errors import ApiError, bad_request, invalid
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

PatchKind = Literal["json", "merge", "strategic"]


def patched(body: Body, patch: Any, kind: PatchKind, schema: Schema) -> Body:
    """The object after the patch; 400 when no object is left, 422 when one of another type is."""
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
    _keep_type(new, body, kind)
    return new


def unreadable(shown: str, of: str, why: str) -> ApiError:
    """422 for a patch after which the object cannot be read; `shown` is not told when it is `of` the kind Secret."""
    return invalid("", "", [causes.invalid("patch", "" if of == "Secret" else shown, why)])


def _keep_type(new: Body, body: Body, kind: PatchKind) -> None:
    """A patch cannot make an object another type's, though it may say so: some clients send their own with a Scale.

    What a strategic merge patch says of it is not heeded, for Kubernetes fills a value of the object's own type from
    the outcome. The outcome of the others is read as text, whose type is looked up, unless it names none.
    """
    for name in ("apiVersion", "kind"):
        said = new.get(name)
        if not said or (kind == "strategic" and isinstance(said, str)):
            new[name] = body[name]
        elif said != body[name] and kind != "strategic":
            why = f'no kind "{new["kind"]}" is registered for version "{new["apiVersion"]}"'
            raise unreadable(json.dumps(new).decode(), body["kind"], f"{why} in scheme {_SCHEME}")


_SCHEME: Final = '"pkg/api/legacyscheme/scheme.go:30"'
