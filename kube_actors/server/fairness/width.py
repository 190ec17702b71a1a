"""How many seats a request takes: a long list as many as it has hundreds of objects."""

from __future__ import annotations

import re
import sys
from typing import Final

from kube_actors.server.call import Call, selected_name

OBJECTS_PER_SEAT: Final = 100
_NUMBER: Final = re.compile("[1-9][0-9]{0,8}")


def seats_of(call: Call, widest: int) -> int:
    """Seats, `widest` at most. A watch that begins with everything there is counts as a list."""
    info, request = call.info, call.request
    lists = info.verb == "list" or (info.verb == "watch" and request.flag("sendInitialEvents"))
    if not lists or widest == 1 or selected_name(info.verb, request):
        return 1
    resource = call.api.registry.by_path(info.group, info.version, info.resource)
    if resource is None:
        return 1
    objects = min(call.api.store.count(resource.storage_id), _page(request.parameter("limit")))
    return max(1, min(widest, -(-objects // OBJECTS_PER_SEAT)))


def _page(limit: str) -> int:
    """How many objects a page has at most; what is no number that a page could have is for others to refuse."""
    whole = _NUMBER.fullmatch(limit)
    return int(limit) if whole else sys.maxsize
