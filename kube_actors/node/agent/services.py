"""The service table: connections to a service address go to one of its endpoints, by nf_tables in the cluster
namespace.

One rule looks a (address, protocol, port, slot) up in a map; the slot is random, as kube-proxy picks (or hashes the
client's address, with affinity). Every service fills all slots, so picking an endpoint is one lookup whatever their
number; of more than SLOTS endpoints the first SLOTS are used. A service without endpoints has no entry: its packet
reaches the cluster namespace itself, which refuses at once.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import nftables
from .conntrack import forget_udp
from .nftables import REGISTER, Element, Transaction

SLOTS = 64
PROTOCOLS = {"TCP": 6, "UDP": 17}
_SERVICES_PER_TRANSACTION = 16  # about 100 KiB, what an unprivileged socket sends at once

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
    def map_name(self) -> str:
        return "by_client" if self.affinity else "by_chance"


def program_base() -> None:
    """Create the table, its maps and the rules that consult them; a table left there is replaced."""
    key = (payload_of_destination(), nftables.transport_protocol(REGISTER + 1), nftables.payload(REGISTER + 2, 2, 2, 2))
    slot, found = REGISTER + 3, REGISTER + 8
    chance = nftables.random_number(slot, SLOTS)
    client = (nftables.payload(found, 1, 12, 4), nftables.hashed(slot, found, 4, SLOTS))
    nat = nftables.destination_nat(found, found + 1)
    with Transaction() as change:
        change.table().delete_table().table()
        change.new_set("by_chance", 16, 8).new_set("by_client", 16, 8).new_set("hairpin", 8)
        for chain, hook in (("prerouting", 0), ("output", 3)):
            change.nat_chain(chain, hook, -100)
            change.rule(chain, *key, chance, nftables.lookup("by_chance", REGISTER, found), nat)
            change.rule(chain, *key, *client, nftables.lookup("by_client", REGISTER, found), nat)
        change.nat_chain("postrouting", 4, 100)
        source = nftables.payload(REGISTER, 1, 12, 4)
        target = nftables.payload(REGISTER + 1, 1, 16, 4)
        change.rule("postrouting", source, target, nftables.lookup("hairpin", REGISTER), nftables.masquerade())
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
        for start in range(0, len(changes), _SERVICES_PER_TRANSACTION):
            part = changes[start : start + _SERVICES_PER_TRANSACTION]
            self._program(part)
            self._forget_flows(part)
            for port, new in part:
                if new is None:
                    self._programmed.pop(port, None)
                else:
                    self._programmed[port] = new

    def _program(self, part: list[tuple[ServicePort, Backends | None]]) -> None:
        change = self._transaction
        hairpins = dict(self._hairpins)
        for port, new in part:
            old = self._programmed.get(port)
            if old and old.endpoints:
                change.delete_elements(old.map_name, _keys(port))
            if new and new.endpoints:
                change.add_elements(new.map_name, _elements(port, new))
            _count(hairpins, old, -1)
            _count(hairpins, new, +1)
        change.delete_elements("hairpin", (_twice(a) for a in self._hairpins if a not in hairpins))
        change.add_elements("hairpin", ((_twice(a), None) for a in hairpins if a not in self._hairpins))
        change.commit()
        self._hairpins = hairpins

    def _forget_flows(self, part: Iterable[tuple[ServicePort, Backends | None]]) -> None:
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


def _count(hairpins: dict[str, int], backends: Backends | None, by: int) -> None:
    for address in {endpoint[0] for endpoint in backends.endpoints} if backends else ():
        hairpins[address] = hairpins.get(address, 0) + by
        if not hairpins[address]:
            del hairpins[address]


def _twice(address: str) -> bytes:
    return socket.inet_aton(address) * 2


def _keys(port: ServicePort) -> list[bytes]:
    head = socket.inet_aton(port.address) + bytes([PROTOCOLS[port.protocol], 0, 0, 0]) + struct.pack(">H2x", port.port)
    return [head + struct.pack("=I", slot) for slot in range(SLOTS)]


def _elements(port: ServicePort, backends: Backends) -> list[Element]:
    chosen = by_client(backends.endpoints) if backends.affinity else evenly(backends.endpoints)
    targets = (socket.inet_aton(address) + struct.pack(">H2x", number) for address, number in chosen)
    return list(zip(_keys(port), targets, strict=True))


def evenly(endpoints: tuple[Endpoint, ...]) -> list[Endpoint]:
    """One endpoint per slot, each as often as the next (give or take one)."""
    return [endpoints[slot % len(endpoints)] for slot in range(SLOTS)]


def by_client(endpoints: tuple[Endpoint, ...]) -> list[Endpoint]:
    """One endpoint per slot by rendezvous hashing: losing an endpoint moves only the clients it had."""

    def weight(slot: int, endpoint: Endpoint) -> bytes:
        return hashlib.blake2b(f"{endpoint}{slot}".encode(), digest_size=8).digest()

    return [max(endpoints, key=lambda endpoint: weight(slot, endpoint)) for slot in range(SLOTS)]
