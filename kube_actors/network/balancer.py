"""Which endpoint the next connection of a service port goes to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from kube_actors.network.services import Endpoint

_CLIENTS_REMEMBERED = 10_000


class Balancer:
    """Round robin from a random start, with `sessionAffinity: ClientIP` when `affinity_seconds` is set.

    Times are seconds of any clock that does not go backwards. An affinity lasts as long since its last use, as long as
    its endpoint is there.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next = 0
        self._favourites: dict[str, tuple[Endpoint, float]] = {}
        self.endpoints: tuple[Endpoint, ...] = ()
        self.affinity_seconds: float | None = None

    def set_endpoints(self, endpoints: Sequence[Endpoint], affinity_seconds: float | None = None) -> None:
        """What new connections may go to from now on."""
        if tuple(endpoints) != self.endpoints:
            self.endpoints = tuple(endpoints)
            self._next = self._rng.randrange(len(endpoints)) if endpoints else 0
        self.affinity_seconds = affinity_seconds
        if affinity_seconds is None:
            self._favourites.clear()

    def candidates(self, client: str, now: float) -> Iterator[Endpoint]:
        """Endpoints to try for a client's connection, in order, each once; those withdrawn meanwhile are left out.

        Endpoints that appear while the caller is trying come last.
        """
        tried: set[Endpoint] = set()
        favourite = self._favourite(client, now)
        if favourite is not None:
            tried.add(favourite)
            yield favourite
        while (choice := self._choose(tried)) is not None:
            tried.add(choice)
            yield choice

    def connected(self, client: str, endpoint: Endpoint, now: float) -> None:
        """The connection stands: the client's next ones go the same way, when affinity is on."""
        if self.affinity_seconds is None:
            return
        self._favourites.pop(client, None)
        self._favourites[client] = (endpoint, now + self.affinity_seconds)
        if len(self._favourites) > _CLIENTS_REMEMBERED:
            del self._favourites[next(iter(self._favourites))]

    def _favourite(self, client: str, now: float) -> Endpoint | None:
        found = self._favourites.get(client)
        if found is None:
            return None
        endpoint, until = found
        return endpoint if until > now and endpoint in self.endpoints else None

    def _choose(self, tried: set[Endpoint]) -> Endpoint | None:
        count = len(self.endpoints)
        for step in range(count):
            at = (self._next + step) % count
            if self.endpoints[at] not in tried:
                self._next = at + 1
                return self.endpoints[at]
        return None
