"""What the cluster's DNS answers by itself, and what it does not know. Pure but for the order of addresses."""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from kube_actors.network.dns_records import RecordIndex
from kube_actors.network.dns_wire import Answer, Query, Rcode, Record, Type, labels_of, wire_name

TTL = 5
"""Seconds, also of negative answers: a client sees a changed Service within this."""
_DASHED = re.compile(rb"\d{1,3}(-\d{1,3}){3}")


class Authority:
    """Answers for the cluster's domain and for the addresses of its pods and Services.

    Addresses come in another order each time, so that clients that take the first are spread.
    """

    def __init__(self, index: RecordIndex, dns_address: str, ranges: Sequence[IPv4Network], rng: random.Random) -> None:
        self._index = index
        self._ranges = tuple(ranges)
        self._rng = rng
        self._zone = wire_name(index.domain)
        self._server = wire_name(f"ns.dns.{index.domain}")
        self._pods = (b"pod", *labels_of(self._zone))
        self._fixed: dict[bytes, dict[int, tuple[bytes, ...]]] = {
            self._zone: {Type.NS: (self._server,)},
            self._server: {Type.A: (socket.inet_aton(dns_address),)},
            wire_name(f"dns.{index.domain}"): {},
            wire_name(f"svc.{index.domain}"): {},
            wire_name(f"pod.{index.domain}"): {},
            wire_name(f"dns-version.{index.domain}"): {Type.TXT: (b"\x051.1.0",)},
        }

    def answer(self, query: Query) -> Answer | None:
        """None when somebody else has to be asked. An alias is answered as such; its target is the caller's matter."""
        ours = query.name.endswith(self._zone) and self._zone_starts(query.name)
        if not ours and not self._is_our_address(query.name):
            return None
        data = self._find(query.name)
        if data is None:
            return Answer(Rcode.NXDOMAIN, authority=(self._soa(),))
        records = self._records(query, data)
        if not records:
            return Answer(authority=(self._soa(),))
        return Answer(answers=records, additional=self._addresses_of(records))

    def _find(self, name: bytes) -> dict[int, tuple[bytes, ...]] | None:
        found = self._index.lookup(name)
        fixed = self._fixed.get(name)
        if found is not None or fixed is not None:
            return {**(found or {}), **(fixed or {})}
        return self._pod_name(name)

    def _records(self, query: Query, data: dict[int, tuple[bytes, ...]]) -> tuple[Record, ...]:
        if query.type == Type.SOA and query.name == self._zone:
            return (self._soa(),)
        wanted = {query.type, Type.CNAME} if query.type != Type.ANY else set(data)
        records = [Record(query.name, type_, TTL, one) for type_ in sorted(wanted) for one in data.get(type_, ())]
        if len(records) > 1:
            self._rng.shuffle(records)
        return tuple(records)

    def _addresses_of(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """The addresses of SRV targets, which saves the client a question each."""
        targets = dict.fromkeys(record.data[6:] for record in records if record.type == Type.SRV)
        return tuple(
            Record(target, Type.A, TTL, address)
            for target in targets
            for address in (self._index.lookup(target) or {}).get(Type.A, ())
        )

    def _zone_starts(self, name: bytes) -> bool:
        """Whether the zone is whole labels of the name, not the tail of one."""
        at, start = 0, len(name) - len(self._zone)
        while at < start:
            at += name[at] + 1
        return at == start

    def _pod_name(self, name: bytes) -> dict[int, tuple[bytes, ...]] | None:
        """`10-244-0-7.default.pod.cluster.local` is that address, as long as it is one of ours."""
        labels = labels_of(name)
        if labels[2:] != self._pods or not _DASHED.fullmatch(labels[0]):
            return None
        address = _address(labels[0].split(b"-"))
        return {Type.A: (address.packed,)} if address is not None and self._covers(address) else None

    def _is_our_address(self, name: bytes) -> bool:
        labels = labels_of(name)
        if len(labels) != 6 or labels[4:] != (b"in-addr", b"arpa"):
            return False
        address = _address(labels[3::-1])
        return address is not None and (self._covers(address) or self._index.lookup(name) is not None)

    def _covers(self, address: IPv4Address) -> bool:
        return any(address in network for network in self._ranges)

    def _soa(self) -> Record:
        numbers = struct.pack("!5I", self._index.changes + 1, 7200, 1800, 86400, TTL)
        mailbox = wire_name(f"hostmaster.{self._index.domain}")
        return Record(self._zone, Type.SOA, TTL, self._server + mailbox + numbers)


def _address(octets: Sequence[bytes]) -> IPv4Address | None:
    try:
        return IPv4Address(b".".join(octets).decode())
    except ValueError:
        return None
