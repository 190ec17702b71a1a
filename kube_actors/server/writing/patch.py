"""PATCH: JSON patch, merge patch, strategic merge patch; server-side apply is in `apply`."""

from __future__ import annotations

from functools import reduce
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.patches import clone
from kube_actors.api.restoring import as_go_prints, misfit
from kube_actors.api.schema import WRONG_TYPE, Schema, parse_path
from kube_actors.api.strictness import prune, strict_problems, unknown_fields
from kube_actors.errors import ApiError, Cause, bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import as_version
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import form_of
from kube_actors.server.writing.answers import written
from kube_actors.server.writing.apply import APPLY, apply
from kube_actors.server.writing.media_types import Decoded, decode_json, media_type, unsupported_media_type
from kube_actors.server.writing.options import Validation, read_options
from kube_actors.server.writing.places import check_object_path, settle
from kube_actors.writes.patching import PatchKind, patched, unreadable

KINDS: Final[dict[str, PatchKind]] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
READABLE: Final = (*KINDS, APPLY)
# The members an operation of a JSON patch can have.
_MEMBERS: Final = frozenset({"op", "path", "from", "value"})


async def patch(call: Call) -> Response:
    """200 with the object as stored, 201 for one that an apply created."""
    check_object_path(call)
    kind = patch_kind(call)
    form_of(call)
    if kind is None:
        return await apply(call)
    options = read_options(call, "PatchOptions")
    decoded = await call.work.run(read_patch, call, options.validation)
    row, storage = call.row, call.api.registry.storage_of(call.row)

    def change(stored: Body) -> Body:
        before = as_version(stored, row)
        new = patched(before, clone(decoded.value), kind, row.schema)
        settle(call, new)
        judge_fields(call, row.schema, Patched(new, before, decoded, kind), options.validation)
        return as_version(new, storage)

    before = call.api.store.get(call.key)
    revision = await call.client.edit(call.key, change, call.info.subresource, dry_run=options.dry_run, sent=row)
    return await written(call, revision, before=before)


def patch_kind(call: Call) -> PatchKind | None:
    """What kind of patch the body is (None for a server-side apply); ApiError 415 for any other media type."""
    type_ = media_type(call.request)
    if type_ == APPLY:
        return None
    if type_ not in KINDS:
        raise unsupported_media_type(READABLE)
    return KINDS[type_]


def read_patch(call: Call, validation: Validation) -> Decoded:
    """The patch itself; ApiError 400 when it is no JSON. Operations with members nobody knows are told as warnings."""
    try:
        decoded = decode_json(call.request.body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from None
    wanted = list if patch_kind(call) == "json" else dict
    if not isinstance(decoded.value, wanted):
        raise bad_request(f"error decoding patch: json: cannot unmarshal the patch into Go value of type {_GO[wanted]}")
    return decoded


_GO: Final[dict[type, str]] = {list: "[]handlers.jsonPatchOp", dict: "map[string]interface {}"}


@frozen
class Patched:
    """What a patch of this kind made of an object, the object before it, and the patch."""

    new: Body
    before: Body
    patch: Decoded
    kind: PatchKind


def judge_fields(call: Call, schema: Schema, outcome: Patched, validation: Validation) -> None:
    """Take unknown fields out of the patched object; refuse (422) or tell them and what the patch gives twice.

    Values of another type than their field's are refused in any case.
    """
    sent = outcome.patch
    problems = _repeated(sent) + unknown_fields(sorted(prune(schema, outcome.new)))
    wrong = [cause for cause in schema.validate(outcome.new, outcome.before) if cause.reason == WRONG_TYPE]
    if wrong:
        raise refused(call, outcome, _why(schema, outcome, wrong[0]))
    if problems and validation == "Strict":
        raise refused(call, outcome, f"strict decoding error: {', '.join(problems)}")
    if validation == "Warn":
        for problem in problems:
            call.warn(problem)


def _repeated(decoded: Decoded) -> list[str]:
    """What the text of the patch gives twice, and members of operations that do not exist."""
    twice = strict_problems(None, decoded.json) if decoded.json is not None else []
    if not isinstance(decoded.value, list):
        return twice
    found = []
    for index, operation in enumerate(decoded.value):
        strangers = sorted(operation.keys() - _MEMBERS) if isinstance(operation, dict) else ()
        found += [f'json patch unknown field "[{index}].{name}"' for name in strangers]
    return found + [f"json patch {each}" for each in twice]


def _why(schema: Schema, outcome: Patched, wrong: Cause) -> str:
    """A wrong value in the words of the decoder, or of the converter that a strategic merge patch goes through."""
    path = parse_path(wrong.field)
    node = schema.node(path) if outcome.kind == "strategic" else None
    return (None if node is None else misfit(node, reduce(_inside, path, outcome.new))) or wrong.message


def _inside(value: Any, segment: str | int) -> Any:
    return value[str(segment)] if isinstance(value, dict) else value[segment]


def refused(call: Call, outcome: Patched, why: str) -> ApiError:
    """422 for a patch whose outcome cannot be read: it shows a strategic merge patch, or what another made of all."""
    sent, before, kind = outcome.patch.value, outcome.before, outcome.kind
    if kind == "strategic":
        return unreadable(as_go_prints(sent), call.row.kind, why)
    # What was made of it has been searched for unknown fields meanwhile, and has lost them.
    whole = patched(before, clone(sent), kind, call.row.schema)
    return unreadable(json.dumps(whole).decode(), call.row.kind, why)
