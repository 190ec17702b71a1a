"""How much work a request is: a list as many seats as it has to hold of objects, a write by those who watch.

The rules are kube-apiserver's. What is read "at a revision" it reads from etcd, and counts in full; everything else
comes from a cache that holds one piece of the answer at a time.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Final

import trio

from kube_actors.server.call import Call, selected_name
from kube_actors.server.fairness.watchers import Watchers
from kube_actors.server.fairness.work import ONE_SEAT, WATCHES_PER_SEAT, Work, work_of_write
from kube_actors.server.http import HttpRequest
from kube_actors.store import Store

BYTES_PER_SEAT: Final = 100_000
HELD_OF_A_LIST: Final = 1_000_000
"""Bytes of a list that are held at once, at most, where it need not be read at a revision."""
REMEMBERED: Final = 60.0
"""Machine seconds that the size of a resource's objects is taken for what it was."""
_SAMPLE: Final = 256
_WRITES: Final = frozenset({"create", "update", "patch", "delete"})
_MOST_DIGITS: Final = 19


class Estimates:
    """Estimates the work of requests by what is in the store and who watches it."""

    def __init__(self, store: Store) -> None:
        self.watchers = Watchers()
        self._store = store
        self._sizes: dict[str, tuple[float, float]] = {}  # resource -> until when it counts, bytes of an object

    def work_of(self, call: Call, widest_list: int, widest_write: int) -> Work:
        """The work of a call at a level that gives a list or a write no more than so many seats."""
        verb = call.info.verb
        if verb in _WRITES:
            if self.watchers.total < WATCHES_PER_SEAT:
                return ONE_SEAT
            return work_of_write(self.watchers.interested(call.info), widest_write)
        if verb == "list" or (verb == "watch" and call.request.flag("sendInitialEvents")):
            return ONE_SEAT if widest_list == 1 else self._of_list(call, widest_list)
        return ONE_SEAT

    def _of_list(self, call: Call, widest: int) -> Work:
        resource = call.api.registry.by_path(call.info.group, call.info.version, call.info.resource)
        if resource is None:
            return ONE_SEAT
        stored = self._store.count(resource.storage_id)
        size = self._size(resource.storage_id) if stored else 0.0
        if stored * size <= BYTES_PER_SEAT:
            return ONE_SEAT  # as most are
        return _seats(max(1, math.ceil(min(widest, _held(call, stored, size) / BYTES_PER_SEAT))))

    def _size(self, resource: str) -> float:
        """Bytes of an object of this resource, on average, measured once a minute."""
        until, size = self._sizes.get(resource, (0.0, 0.0))
        if trio.current_time() >= until or not size:
            found = self._store.list(resource)
            sample = [len(each.raw) for each in itertools.islice(found, 0, None, len(found) // _SAMPLE + 1)]
            size = sum(sample) / len(sample) if sample else 0.0
            self._sizes[resource] = trio.current_time() + REMEMBERED, size
        return size


_seats = functools.lru_cache(maxsize=128)(Work)


def _held(call: Call, stored: int, size: float) -> float:
    """Bytes held for a list of a resource with so many objects of this size; infinite for one that is refused later."""
    info, request = call.info, call.request
    limit = request.parameter("limit") or "0"
    digits = limit.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        return math.inf
    pages = int(limit) > 0 and request.parameter("resourceVersion") != "0"  # of any age: all at once, in any case
    objects = min(stored, int(limit)) if pages else stored
    at_a_revision = info.verb == "list" and _reads_at_a_revision(request, int(limit))
    if info.name or selected_name(info.verb, request):
        objects = 1
    elif at_a_revision and (request.parameter("fieldSelector") or request.parameter("labelSelector")):
        objects = max(objects, stored // 2)
    return objects * size if at_a_revision else min(objects * size, HELD_OF_A_LIST)


def _reads_at_a_revision(request: HttpRequest, limit: int) -> bool:
    """Whether exactly one revision will do: that of the first page, or one that was asked for."""
    if request.parameter("continue"):
        return True
    match, version = request.parameter("resourceVersionMatch"), request.parameter("resourceVersion")
    return match == "Exact" or (not match and limit > 0 and version not in ("", "0"))
