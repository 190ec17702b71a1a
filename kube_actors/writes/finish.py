"""The third stage, pure: is what would be stored valid?"""

from __future__ import annotations

from kube_actors.api.schema import REQUIRED
from kube_actors.errors import Cause
from kube_actors.kinds import hooks_for
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import as_version
from kube_actors.kinds.warnings import warnings_of
from kube_actors.writes import metadata
from kube_actors.writes.prepare import STATUS_WRITES, content_changed
from kube_actors.writes.request import Operation, Request


def finish(request: Request) -> None:
    """Raise 422 with every cause; parts that did not change are not looked at. What is valid may deserve a warning."""
    found: list[Cause] = metadata.validate(request)
    judged: list[Cause] = []
    if request.operation is Operation.CREATE:
        judged += request.hooks.validate(request.new, None)
    elif request.old is not None:
        judged += _changes(request, request.old)
    judged += _of_version(request)
    if found or judged or request.causes:
        found += _unjudged(request.causes, [*found, *judged])
        if told := _once(found + judged):
            raise request.invalid(told)
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


def _unjudged(causes: list[Cause], judged: list[Cause]) -> list[Cause]:
    """What the schema alone complains about: of a field that other rules have judged, they know better.

    What is missing is for the rules of the kind to say: to Kubernetes a text that is not there is an empty one, and
    some may be (`audience`).
    """
    fields = {cause.field for cause in judged}
    return [cause for cause in causes if cause.field not in fields and cause.reason != REQUIRED]


def _once(found: list[Cause]) -> list[Cause]:
    """Each cause once; one that stands for a whole list is not told of its items again."""
    seen: dict[tuple[str, str], Cause] = {}
    for cause in found:
        seen.setdefault((cause.field, cause.message), cause)
    return [
        cause
        for (field, message), cause in seen.items()
        if not (field.endswith("]") and (field.rpartition("[")[0], message) in seen)
    ]
