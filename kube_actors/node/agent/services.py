"""The service table: connections to a service address go to one of its endpoints, by nf_tables in the cluster
namespace.

One rule looks a (address, protocol, port, slot) up in a map; the slot is random, as kube-proxy picks (or hashes the
client's address, with affinity). Every service fills all slots, so picking an endpoint is one lookup whatever their
number. A service of up to 64 endpoints is in a map of 64 slots, which changes in under a millisecond; a larger one is
in a map of 1,024, looked up when the first has nothing. A service without endpoints has no entry: its packet reaches
the cluster namespace itself, which refuses at once.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from . import nftables
from .conntrack import forget_udp
from .nftables import REGISTER, Element, Transaction

SIZES = (64, 1024)
"""Slots of a small and of a large service; of more endpoints than that, the first 1,024 are used."""
PROTOCOLS = {"TCP": 6, "UDP": 17}
_SLOTS_PER_TRANSACTION = 1024  # about 100 KiB with those taken away, what an unprivileged socket sends at once

Endpoint = tuple[str, int]


class ServicePort(NamedTuple):
    """What a client connects to."""

    address: str
    protocol: str
    port: int


class Backends(NamedTuple):
    """Where its connections go; with `affinity` the same client gets the same one."""

    endpoints: tuple[Endpoint, ...]
    affinity: bool = False

    @property
    def slots(self) -> int:
        # A hash spreads unevenly: with four slots for each, hardly an endpoint is left without one.
        wanted = len(self.endpoints) * (4 if self.affinity else 1)
        return next((size for size in SIZES if wanted <= size), SIZES[-1])

    @property
    def map_name(self) -> str:
        return f"{'by_client' if self.affinity else 'by_chance'}_{self.slots}"


Change = tuple[ServicePort, Backends | None]


def program_base() -> None:
    """Create the table, its maps and the rules that consult them; a table left there is replaced."""
    key = (payload_of_destination(), nftables.transport_protocol(REGISTER + 1), nftables.payload(REGISTER + 2, 2, 2, 2))
    slot, found = REGISTER + 3, REGISTER + 8
    source = nftables.payload(found, 1, 12, 4)
    nat = nftables.destination_nat(found, found + 1)
    with Transaction() as change:
        change.table().delete_table().table()
        change.new_set("hairpin", 8)
        for size in SIZES:
            change.new_set(f"by_chance_{size}", 16, 8).new_set(f"by_client_{size}", 16, 8)
        for chain, hook in (("prerouting", 0), ("output", 3)):
            change.nat_chain(chain, hook, -100)
            for size in SIZES:
                chance = (nftables.random_number(slot, size),)
                client = (source, nftables.hashed(slot, found, 4, size))
                change.rule(chain, *key, *chance, nftables.lookup(f"by_chance_{size}", REGISTER, found), nat)
                change.rule(chain, *key, *client, nftables.lookup(f"by_client_{size}", REGISTER, found), nat)
        change.nat_chain("postrouting", 4, 100)
        sender = nftables.payload(REGISTER, 1, 12, 4)
        target = nftables.payload(REGISTER + 1, 1, 16, 4)
        change.rule("postrouting", sender, target, nftables.lookup("hairpin", REGISTER), nftables.masquerade())
        change.commit()


def payload_of_destination() -> bytes:
    """Load the packet's destination address."""
    return nftables.payload(REGISTER, 1, 16, 4)


class ServiceTable:
    """What is programmed, and the changes from there. Calls return when the kernel has them."""

    def __init__(self, programmed: Mapping[ServicePort, Backends]) -> None:
        self._programmed: dict[ServicePort, Backends] = {}
        self._hairpins: dict[str, int] = {}
        self._transaction = Transaction()
        self.change(programmed)

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
        hairpins = dict(self._hairpins)
        for port, new in part:
            old = self._programmed.get(port)
            if old and old.endpoints:
                change.delete_elements(old.map_name, _keys(port, old.slots))
            if new and new.endpoints:
                change.add_elements(new.map_name, _elements(port, new))
            _count(hairpins, old, -1)
            _count(hairpins, new, +1)
        change.delete_elements("hairpin", (_twice(a) for a in self._hairpins if a not in hairpins))
        change.add_elements("hairpin", ((_twice(a), None) for a in hairpins if a not in self._hairpins))
        change.commit()
        self._hairpins = hairpins

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
            forget_udp(gone)


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


def _count(hairpins: dict[str, int], backends: Backends | None, by: int) -> None:
    for address in {endpoint[0] for endpoint in backends.endpoints} if backends else ():
        hairpins[address] = hairpins.get(address, 0) + by
        if not hairpins[address]:
            del hairpins[address]


def _twice(address: str) -> bytes:
    return socket.inet_aton(address) * 2


def _keys(port: ServicePort, slots: int) -> list[bytes]:
    head = socket.inet_aton(port.address) + bytes([PROTOCOLS[port.protocol], 0, 0, 0]) + struct.pack(">H2x", port.port)
    return [head + struct.pack("=I", slot) for slot in range(slots)]


def _elements(port: ServicePort, backends: Backends) -> list[Element]:
    choose = by_client if backends.affinity else evenly
    chosen = choose(backends.endpoints, backends.slots)
    targets = (socket.inet_aton(address) + struct.pack(">H2x", number) for address, number in chosen)
    return list(zip(_keys(port, backends.slots), targets, strict=True))


def evenly(endpoints: tuple[Endpoint, ...], slots: int) -> list[Endpoint]:
    """One endpoint per slot, each as often as the next (give or take one)."""
    return [endpoints[slot % len(endpoints)] for slot in range(slots)]


def by_client(endpoints: tuple[Endpoint, ...], slots: int) -> list[Endpoint]:
    """One endpoint per slot by rendezvous hashing: losing an endpoint moves only the clients it had."""

    rows = [_weights(endpoint, slots) for endpoint in endpoints]
    return [endpoints[max(range(len(rows)), key=column.__getitem__)] for column in zip(*rows, strict=True)]


def _weights(endpoint: Endpoint, slots: int) -> tuple[int, ...]:
    """How much an endpoint wants each slot."""
    digest = hashlib.shake_128(f"{endpoint[0]}:{endpoint[1]}".encode()).digest(8 * slots)
    return struct.unpack(f">{slots}Q", digest)
