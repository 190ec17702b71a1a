"""How many seats a request takes: a long list as many as it has hundreds of objects."""

from __future__ import annotations

from typing import Final

from kube_actors.server.call import Call, selected_name

OBJECTS_PER_SEAT: Final = 100


def seats_of(call: Call, widest: int) -> int:
    """Seats, `widest` at most. A watch that begins with everything there is counts as a list."""
    info, request = call.info, call.request
    lists = info.verb == "list" or (info.verb == "watch" and request.flag("sendInitialEvents"))
    if not lists or widest == 1 or selected_name(info.verb, request):
        return 1
    resource = call.api.registry.by_path(info.group, info.version, info.resource)
    if resource is None:
        return 1
    objects, limit = call.api.store.count(resource.storage_id), request.parameter("limit")
    if limit.isascii() and limit.isdigit() and int(limit):
        objects = min(objects, int(limit))
    return max(1, min(widest, -(-objects // OBJECTS_PER_SEAT)))
