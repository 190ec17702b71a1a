"""The second stage: plugins that may change a request or refuse it.

A plugin is synchronous unless it has to ask somebody outside the process; only then is anything awaited, and what comes
back is checked against the schema again.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar, Protocol, TypeVar

import attrs

from kube_actors.records import frozen
from kube_actors.writes.request import Request

Resources = frozenset[str] | None
"""The resources whose writes a plugin is asked about; None: all."""


class Plugin(Protocol):
    """One plugin. `admit` changes `request.new` in place or raises ApiError; async ones return an awaitable."""

    resources: ClassVar[Resources]

    def matches(self, request: Request) -> bool:
        """Whether this request for one of its resources concerns the plugin; it must be cheap."""

    def admit(self, request: Request) -> Awaitable[None] | None:
        """Look at the request, change it, or refuse it."""


class Allocator(Protocol):
    """Hands out what must be unique (addresses, ports) in the very step that commits: never awaits."""

    resources: ClassVar[Resources]

    def matches(self, request: Request) -> bool:
        """Whether this request for one of its resources takes something from the allocator."""

    def allocate(self, request: Request) -> None:
        """Write the values into `request.new`; ApiError when what is asked for is taken or nothing is left."""


P = TypeVar("P", Plugin, Allocator)


@frozen
class Admission:
    """The plugins of a cluster, in order: all that change, then all that only judge, then the allocators."""

    mutating: tuple[Plugin, ...] = ()
    validating: tuple[Plugin, ...] = ()
    allocating: tuple[Allocator, ...] = ()
    _by_resource: dict[str, Admission] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def of(self, resource: str) -> Admission:
        """The plugins that are to be asked about writes of this resource."""
        found = self._by_resource.get(resource)
        if found is None:
            mutating, validating = _asked(self.mutating, resource), _asked(self.validating, resource)
            found = Admission(mutating, validating, _asked(self.allocating, resource))
            self._by_resource[resource] = found
        return found

    async def mutate(self, request: Request) -> bool:
        """Let the mutating plugins work; True when one of them had to be waited for."""
        return await _run(self.of(request.resource.id).mutating, request)

    async def judge(self, request: Request) -> None:
        """Let the validating plugins refuse."""
        await _run(self.of(request.resource.id).validating, request)

    def allocate(self, request: Request) -> None:
        """Hand out addresses and ports."""
        for allocator in self.of(request.resource.id).allocating:
            if allocator.matches(request):
                allocator.allocate(request)


def _asked(plugins: tuple[P, ...], resource: str) -> tuple[P, ...]:
    return tuple(plugin for plugin in plugins if plugin.resources is None or resource in plugin.resources)


async def _run(plugins: tuple[Plugin, ...], request: Request) -> bool:
    waited = False
    for plugin in plugins:
        if plugin.matches(request):
            outcome = plugin.admit(request)
            if outcome is not None:
                waited = True
                await outcome
    return waited
