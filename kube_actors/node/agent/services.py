"""The service table: connections to a service address go to one of its endpoints, by nf_tables in the cluster
namespace.

One rule (`service_rules`) looks a (address, protocol, port, slot) up in a map; the slot is random, as kube-proxy picks.
Every service fills all slots, so picking an endpoint is one lookup whatever their number. A service of up to 64
endpoints is in a map of 64 slots, which changes in under a millisecond; a larger one is in a map of 1,024, looked up
when the first has nothing. A service without endpoints has no entry: its packet reaches the cluster namespace itself,
which refuses at once.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, TypeVar

from .conntrack import forget_udp
from .nftables import Element, Transaction
from .service_rules import (
    SIZES,
    add_affinity,
    by_chance,
    by_client,
    consult_affinities,
    program_base,
    remove_affinity,
    serving,
)

PROTOCOLS = {"TCP": 6, "UDP": 17}
DEFAULT_AFFINITY = 10800
_SLOTS_PER_TRANSACTION = 1024  # about 100 KiB with those taken away, what an unprivileged socket sends at once

Endpoint = tuple[str, int]
T = TypeVar("T")


class ServicePort(NamedTuple):
    """What a client connects to."""

    address: str
    protocol: str
    port: int


class Backends(NamedTuple):
    """Where its connections go; with `affinity` the same client gets the same one again within so many seconds."""

    endpoints: tuple[Endpoint, ...]
    affinity: int | None = None

    @property
    def slots(self) -> int:
        return next((size for size in SIZES if len(self.endpoints) <= size), SIZES[-1])

    @property
    def map_name(self) -> str:
        return by_chance(self.slots) if self.affinity is None else by_client(self.affinity, self.slots)


Change = tuple[ServicePort, Backends | None]


class ServiceTable:
    """What is programmed, and the changes from there. Calls return when the kernel has them.

    `within` enters the network namespace the table is in; without it, it is the one this process is in.
    """

    def __init__(
        self,
        programmed: Mapping[ServicePort, Backends],
        *,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
        loopback: bool = False,
    ) -> None:
        self._programmed: dict[ServicePort, Backends] = {}
        self._hairpins: dict[str, int] = {}
        self._affinities: dict[int, int] = {}
        self._within = within
        with within():
            program_base(loopback=loopback)
            self._transaction = Transaction()
        self.change(programmed)

    @property
    def programmed(self) -> Mapping[ServicePort, Backends]:
        """What it holds."""
        return self._programmed

    def close(self) -> None:
        """Make no more changes; what is programmed goes with its namespace."""
        self._transaction.close()

    def change(self, wanted: Mapping[ServicePort, Backends | None]) -> None:
        """Set (or with None remove) service ports; those that are as wanted already cost nothing."""
        changes = [(port, new) for port, new in wanted.items() if self._programmed.get(port) != new]
        for part in _in_parts(changes):
            self._program(part)
            self._forget_flows(part)
            for port, new in part:
                if new is None:
                    self._programmed.pop(port, None)
                else:
                    self._programmed[port] = new

    def _program(self, part: list[Change]) -> None:
        change = self._transaction
        hairpins, affinities = dict(self._hairpins), dict(self._affinities)
        for port, new in part:
            for backends, by in ((self._programmed.get(port), -1), (new, +1)):
                _count(hairpins, {endpoint[0] for endpoint in backends.endpoints} if backends else (), by)
                _count(affinities, (backends.affinity,) if backends and backends.affinity is not None else (), by)
        for seconds in affinities.keys() - self._affinities.keys():
            add_affinity(change, seconds)
        for port, new in part:
            old = self._programmed.get(port)
            if old and old.endpoints:
                change.delete_elements(old.map_name, _keys(port, old.slots))
                if old.affinity is not None:
                    change.delete_elements(serving(old.affinity), _serving(port, old))
            if new and new.endpoints:
                change.add_elements(new.map_name, _elements(port, new))
                if new.affinity is not None:
                    change.add_elements(serving(new.affinity), ((key, None) for key in _serving(port, new)))
        if affinities.keys() != self._affinities.keys():
            consult_affinities(change, sorted(affinities))
        for seconds in self._affinities.keys() - affinities.keys():
            remove_affinity(change, seconds)
        change.delete_elements("hairpin", (_twice(a) for a in self._hairpins if a not in hairpins))
        change.add_elements("hairpin", ((_twice(a), None) for a in hairpins if a not in self._hairpins))
        change.commit()
        self._hairpins, self._affinities = hairpins, affinities

    def _forget_flows(self, part: Iterable[Change]) -> None:
        """UDP has no end of connection: flows to an endpoint that is gone would be sent there for ever."""
        gone: dict[tuple[str, int], frozenset[Endpoint]] = {}
        for port, new in part:
            old = self._programmed.get(port)
            if port.protocol == "UDP":
                lost = frozenset(old.endpoints if old else ()) - frozenset(new.endpoints if new else ())
                if lost or (new and new.endpoints and not (old and old.endpoints)):
                    gone[port.address, port.port] = lost
        if gone:
            with self._within():
                forget_udp(gone)


def affinity_seconds(said: int | bool | None) -> int | None:
    """For how long clients are remembered; earlier runtimes and agents only say whether."""
    return (DEFAULT_AFFINITY if said else None) if isinstance(said, bool) else said


def _in_parts(changes: list[Change]) -> Iterator[list[Change]]:
    """As many services at once as fit into one transaction."""
    part: list[Change] = []
    slots = 0
    for port, new in changes:
        size = new.slots if new is not None else SIZES[0]
        if part and slots + size > _SLOTS_PER_TRANSACTION:
            yield part
            part, slots = [], 0
        part.append((port, new))
        slots += size
    if part:
        yield part


def _count(uses: dict[T, int], what: Iterable[T], by: int) -> None:
    """Count more or fewer uses of something; what has none left is gone."""
    for one in what:
        uses[one] = uses.get(one, 0) + by
        if not uses[one]:
            del uses[one]


def _twice(address: str) -> bytes:
    return socket.inet_aton(address) * 2


def _head(port: ServicePort) -> bytes:
    return socket.inet_aton(port.address) + bytes([PROTOCOLS[port.protocol], 0, 0, 0]) + struct.pack(">H2x", port.port)


def _target(endpoint: Endpoint) -> bytes:
    return socket.inet_aton(endpoint[0]) + struct.pack(">H2x", endpoint[1])


def _keys(port: ServicePort, slots: int) -> list[bytes]:
    head = _head(port)
    return [head + struct.pack("=I", slot) for slot in range(slots)]


def _serving(port: ServicePort, backends: Backends) -> list[bytes]:
    head = _head(port)
    return [head + _target(endpoint) for endpoint in dict.fromkeys(backends.endpoints)]


def _elements(port: ServicePort, backends: Backends) -> list[Element]:
    chosen = evenly(backends.endpoints, backends.slots)
    return list(zip(_keys(port, backends.slots), map(_target, chosen), strict=True))


def evenly(endpoints: tuple[Endpoint, ...], slots: int) -> list[Endpoint]:
    """One endpoint per slot, each as often as the next (give or take one)."""
    return [endpoints[slot % len(endpoints)] for slot in range(slots)]
