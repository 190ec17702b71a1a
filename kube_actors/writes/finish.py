"""The third stage, pure: is what would be stored valid?"""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import as_version
from kube_actors.kinds.warnings import warnings_of
from kube_actors.writes import metadata
from kube_actors.writes.prepare import STATUS_WRITES, content_changed
from kube_actors.writes.request import Operation, Request

MISSING = "Required value"
EMPTY = "must not be empty"


def finish(request: Request) -> None:
    """Raise 422 with every cause; parts that did not change are not looked at. What is valid may deserve a warning."""
    found = [*metadata.validate(request), *request.causes]
    if request.operation is Operation.CREATE:
        found += request.hooks.validate(request.new, None)
    elif request.old is not None:
        found += _changes(request, request.old)
    found += _of_version(request)
    if found:
        raise request.invalid(_once(found))
    if request.heard and not request.subresource:
        for warning in warnings_of(request.resource.id, request.new, request.old):
            request.warn(warning)


def _changes(request: Request, old: Body) -> list[Cause]:
    """What is wrong with a change, by the rules for the part of the object that it goes through."""
    if request.subresource in STATUS_WRITES:
        status_rules = request.hooks.validate_subresource.get(request.subresource)
        return [] if status_rules is None else status_rules(request.new, old)
    if request.subresource == "binding" or not (content_changed(request.new, old) or _annotated(request.new, old)):
        return []
    rules = request.hooks.validate_subresource.get(request.subresource, request.hooks.validate)
    return rules(request.new, old)


def _annotated(new: Body, old: Body) -> bool:
    """Whether annotations changed: some of them mean something to their kind."""
    return bool(new["metadata"].get("annotations") != old["metadata"].get("annotations"))


def _of_version(request: Request) -> list[Cause]:
    """What the version that the client wrote in asks for by itself."""
    sent = request.sent
    if sent is None or sent is request.resource or request.subresource:
        return []
    hooks = hooks_for(sent.id)
    if hooks is request.hooks:
        return []
    old = request.old
    return hooks.validate(as_version(request.new, sent), None if old is None else as_version(old, sent))


def _once(found: list[Cause]) -> list[Cause]:
    """Without what schema and kind both complain about: a kind that says more of a missing field is heard alone, and
    so is one that says of a list what the schema says of its items."""
    seen: dict[tuple[str, str], Cause] = {}
    for cause in found:
        seen.setdefault((cause.field, cause.message), cause)
    missing = {cause.field for cause in found if cause.message == MISSING}
    explained = {field for field in missing if any(_explains(cause, field) for cause in found)}
    return [
        cause
        for (field, message), cause in seen.items()
        if (field not in explained if message == MISSING else field not in missing - explained)
        and not (field.endswith("]") and (field.rpartition("[")[0], message) in seen)
    ]


def _explains(cause: Cause, field: str) -> bool:
    """Whether the cause says why the field is needed, or what is needed in it."""
    if cause.field == field:
        return cause.message.startswith(f"{MISSING}:") or cause.message.endswith(EMPTY)
    return cause.field.startswith(f"{field}.")
