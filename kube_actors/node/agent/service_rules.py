"""The rules that consult the service table, in the network namespace this process is in.

A service without affinity is a lookup of (address, protocol, port, random slot). With affinity the kernel remembers
where it sent a client: (client, address, protocol, port) → endpoint, for as many seconds since the client's last
connection as the service says. What is remembered counts only while the endpoint is still one of the service's.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import nftables
from .nftables import REGISTER, Transaction

SIZES = (64, 1024)
"""Slots of a small and of a large service; of more endpoints than that, the first 1,024 are used."""
_CLIENTS_REMEMBERED = 65536
_CHAINS = (("prerouting", 0), ("output", 3))
_CLIENTS = "clients"
_CLIENT, _SERVICE, _SLOT, _KNOWN, _CHOSEN = REGISTER, REGISTER + 1, REGISTER + 4, REGISTER + 4, REGISTER + 6
_LOOPBACK = b"\x7f"


def by_chance(size: int) -> str:
    """The map of services without affinity."""
    return f"by_chance_{size}"


def by_client(seconds: int, size: int) -> str:
    """The map of services with affinity, for clients that are not remembered."""
    return f"by_client_{seconds}_{size}"


def serving(seconds: int) -> str:
    """The set of (service port, endpoint) that clients may be remembered for."""
    return f"serving_{seconds}"


def program_base(*, loopback: bool = False) -> None:
    """Create the table, its maps and the rules that consult them; a table left there is replaced.

    With `loopback` connections that began on the loopback interface can leave it.
    """
    with Transaction() as change:
        change.table().delete_table().table()
        change.new_set("hairpin", 8)
        for size in SIZES:
            change.new_set(by_chance(size), 16, 8)
        change.chain(_CLIENTS)
        for chain, hook in _CHAINS:
            change.nat_chain(chain, hook, -100)
            for size in SIZES:
                slot = nftables.random_number(_SLOT, size)
                found = nftables.lookup(by_chance(size), _SERVICE, _CHOSEN)
                change.rule(chain, *_service(), slot, found, nftables.destination_nat(_CHOSEN, _CHOSEN + 1))
            change.rule(chain, nftables.jump(_CLIENTS))
        change.nat_chain("postrouting", 4, 100)
        sender, target = nftables.payload(REGISTER, 1, 12, 4), nftables.payload(REGISTER + 1, 1, 16, 4)
        change.rule("postrouting", sender, target, nftables.lookup("hairpin", REGISTER), nftables.masquerade())
        if loopback:
            inside = (nftables.payload(REGISTER, 1, 12, 1), nftables.compare(REGISTER, _LOOPBACK))
            outside = (nftables.payload(REGISTER, 1, 16, 1), nftables.compare(REGISTER, _LOOPBACK, equal=False))
            change.rule("postrouting", *inside, *outside, nftables.masquerade())
        change.commit()


def add_affinity(change: Transaction, seconds: int) -> None:
    """The sets for services whose clients are remembered for so long."""
    change.new_set(_remembered(seconds), 16, 8, forgets_at=_CLIENTS_REMEMBERED).new_set(serving(seconds), 20)
    for size in SIZES:
        change.new_set(by_client(seconds, size), 16, 8)


def remove_affinity(change: Transaction, seconds: int) -> None:
    """Take those sets away, when `consult_affinities` has left them out."""
    for name in (_remembered(seconds), serving(seconds), *(by_client(seconds, size) for size in SIZES)):
        change.delete_set(name)


def consult_affinities(change: Transaction, every: Iterable[int]) -> None:
    """Make the rules for services with affinity anew, for these durations and no others."""
    change.empty_chain(_CLIENTS)
    for seconds in every:
        _consult_affinity(change, seconds)


def _consult_affinity(change: Transaction, seconds: int) -> None:
    remembered = _remembered(seconds)
    who = (nftables.payload(_CLIENT, 1, 12, 4), *_service())
    known = nftables.lookup(remembered, _CLIENT, _KNOWN)
    still = nftables.lookup(serving(seconds), _SERVICE)
    again = nftables.remember(remembered, _CLIENT, _KNOWN, seconds)
    change.rule(_CLIENTS, *who, known, still, again, nftables.destination_nat(_KNOWN, _KNOWN + 1))
    for size in SIZES:
        slot = nftables.random_number(_SLOT, size)
        found = nftables.lookup(by_client(seconds, size), _SERVICE, _CHOSEN)
        # What is remembered already leads to an endpoint that is gone; only what is forgotten is remembered anew.
        instead = nftables.forget(remembered, _CLIENT, _CHOSEN)
        anew = nftables.remember(remembered, _CLIENT, _CHOSEN, seconds)
        nat = nftables.destination_nat(_CHOSEN, _CHOSEN + 1)
        change.rule(_CLIENTS, *who, slot, found, instead, anew, nat)


def _remembered(seconds: int) -> str:
    """The map the kernel keeps of who was sent where."""
    return f"remembered_{seconds}"


def _service() -> tuple[bytes, ...]:
    """Load the address, protocol and port a packet goes to."""
    address, port = nftables.payload(_SERVICE, 1, 16, 4), nftables.payload(_SERVICE + 2, 2, 2, 2)
    return address, nftables.transport_protocol(_SERVICE + 1), port
