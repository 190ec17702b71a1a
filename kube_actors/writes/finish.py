"""The third stage, pure: is what would be stored valid?"""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.writes import metadata
from kube_actors.writes.prepare import content_changed
from kube_actors.writes.request import Operation, Request


def finish(request: Request) -> None:
    """Raise 422 with every cause; parts that did not change are not looked at."""
    found = [*request.causes, *metadata.validate(request)]
    if request.operation is Operation.CREATE:
        found += request.hooks.validate(request.new, None)
    elif (
        request.subresource not in ("status", "binding")
        and request.old is not None
        and content_changed(request.new, request.old)
    ):
        found += request.hooks.validate(request.new, request.old)
    if found:
        raise request.invalid(_once(found))


def _once(found: list[Cause]) -> list[Cause]:
    """Without what schema and kind both complain about."""
    seen: dict[tuple[str, str], Cause] = {}
    for cause in found:
        seen.setdefault((cause.field, cause.message), cause)
    required = {cause.field for cause in found if cause.message == "Required value"}
    return [cause for (field, message), cause in seen.items() if field not in required or message == "Required value"]
