"""Which IPv4 networks this machine already uses, read from /proc: what a cluster's own ranges must stay clear of."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network
from pathlib import Path

from kube_actors.network.resolv_conf import ipv4_nameservers
from kube_actors.records import frozen

LOOPBACK = IPv4Network("127.0.0.0/8")
_LEAF = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)$")
_ROUTE = re.compile(r"/(\d+) \S+ (UNICAST|LOCAL|BLACKHOLE|UNREACHABLE|PROHIBIT)\b")


@frozen
class NetworkInUse:
    """A network something holds already; `holder` completes the sentence "10.0.0.0/8 is held by …"."""

    network: IPv4Network
    holder: str


def parse_routes(text: str) -> Iterator[tuple[IPv4Network, str]]:
    """Networks and interface names of `/proc/net/route` (addresses there are little-endian hexadecimal)."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        address, mask = (socket.inet_ntoa(struct.pack("<I", int(fields[at], 16))) for at in (1, 7))
        yield IPv4Network(f"{address}/{mask}", strict=False), fields[0]


def parse_fib(text: str) -> Iterator[tuple[IPv4Network, str]]:
    """Every route of every routing table in `/proc/net/fib_trie`, with its type (`UNICAST`, `LOCAL`, …).

    A leaf is one line with the address followed by one line per prefix length that ends there.
    """
    address = ""
    for line in text.splitlines():
        if leaf := _LEAF.search(line):
            address = leaf.group(1)
        elif address and (route := _ROUTE.search(line)):
            yield IPv4Network(f"{address}/{route.group(1)}", strict=False), route.group(2)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def machine_addresses(proc_net: Path = Path("/proc/net")) -> tuple[str, ...]:
    """The addresses this machine has now, in order, without loopback."""
    found = parse_fib(_read(proc_net / "fib_trie"))
    own = {network for network, kind in found if kind == "LOCAL" and network.prefixlen == 32}
    return tuple(str(network.network_address) for network in sorted(own) if not network.overlaps(LOOPBACK))


def networks_in_use(
    own_interfaces: Collection[str] = (),
    *,
    proc_net: Path = Path("/proc/net"),
    resolv_conf: Path = Path("/etc/resolv.conf"),
) -> tuple[NetworkInUse, ...]:
    """Routes, addresses and nameservers of this machine, except the default route and loopback.

    What belongs to `own_interfaces` is left out: a cluster that is started again finds its own links still standing.
    A nameserver counts because a pod range laid over it would cut the machine's name resolution.
    """
    interfaces = dict(parse_routes(_read(proc_net / "route")))
    own = [network for network, interface in interfaces.items() if interface in own_interfaces]
    found: dict[IPv4Network, str] = {}
    for network, interface in interfaces.items():
        found.setdefault(network, f"a route by {interface}")
    for network, kind in parse_fib(_read(proc_net / "fib_trie")):
        found.setdefault(network, "an address of this machine" if kind == "LOCAL" else "a route of this machine")
    for address in ipv4_nameservers(_read(resolv_conf)):
        found.setdefault(IPv4Network(address), f"a nameserver in {resolv_conf}")
    return tuple(
        NetworkInUse(network, holder)
        for network, holder in found.items()
        if network.prefixlen and not network.overlaps(LOOPBACK) and not any(network.subnet_of(mine) for mine in own)
    )
