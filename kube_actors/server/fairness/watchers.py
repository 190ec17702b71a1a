"""How many watches are to be told of a change, as far as its path says. Pure."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from kube_actors.server.call import Call, selected_fields, selected_name
from kube_actors.server.request_info import RequestInfo

_NODE: Final = "spec.nodeName"


class Watchers:
    """The watches that are under way, counted by what they are about: a resource, a namespace or one object.

    Those of one node's pods are not counted: of all of them a change concerns one at most.
    """

    def __init__(self) -> None:
        self.total = 0
        self._counts: Counter[tuple[str, str, str, str]] = Counter()

    @contextlib.contextmanager
    def counted(self, call: Call) -> Iterator[None]:
        """Count this watch for as long as the block."""
        info, request = call.info, call.request
        name = info.name or selected_name(info.verb, request)
        place = (info.group, info.resource, info.namespace, name)
        if info.resource == "pods" and dict(selected_fields(info.verb, request)).get(_NODE):
            yield
            return
        self._add(place, 1)
        try:
            yield
        finally:
            self._add(place, -1)

    def interested(self, info: RequestInfo) -> int:
        """How many follow what this write changes. What it creates has no name yet."""
        group, resource, namespace, name = info.group, info.resource, info.namespace, info.name
        if resource == "serviceaccounts" and info.subresource == "token":
            return 0  # nothing is changed
        counts = self._counts
        found = counts[group, resource, "", ""]
        if namespace:
            found += counts[group, resource, namespace, ""]
        if name:
            found += counts[group, resource, namespace, name]
        return found

    def _add(self, place: tuple[str, str, str, str], number: int) -> None:
        self.total += number
        self._counts[place] += number
        if not self._counts[place]:
            del self._counts[place]
