"""Pools that hand out the addresses of pods and nodes, and node slices: each free again only after the rest has had
its turn."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from kube_actors.errors import KubeActorsError


class PoolExhausted(KubeActorsError):
    """Nothing is free; the message is Kubernetes' (`range is full`)."""


class OutsidePool(KubeActorsError):
    """A node's slice is wider than the range it is to come from."""


class NumberPool:
    """Integers `first`..`last`, without those that are `reserved`."""

    def __init__(self, first: int, last: int, *, reserved: Iterable[int] = ()) -> None:
        self.first = first
        self.last = last
        self._reserved = frozenset(number for number in reserved if first <= number <= last)
        self._used: set[int] = set()
        self._cursor = first - 1

    def __contains__(self, number: int) -> bool:
        return number in self._used

    @property
    def free(self) -> int:
        """How many are left."""
        return self.last - self.first + 1 - len(self._reserved) - len(self._used)

    def allocate(self) -> int:
        """The lowest free number after the one given out last, starting over at the end."""
        if self.free <= 0:
            raise PoolExhausted("range is full")
        around = chain(range(self._cursor + 1, self.last + 1), range(self.first, self._cursor + 1))
        number = next(n for n in around if n not in self._used and n not in self._reserved)
        self._cursor = number
        self._used.add(number)
        return number

    def release(self, number: int) -> None:
        """Give it back; what is free already may be given back again."""
        self._used.discard(number)

    def restore(self, numbers: Iterable[int]) -> None:
        """Take what exists already (numbers outside the range are ignored) and go on behind the highest of it."""
        self._used.update(n for n in numbers if self.first <= n <= self.last and n not in self._reserved)
        self._cursor = max((self._cursor, *self._used))


class AddressPool:
    """The usable addresses of a network, without its first and last; addresses go in and out as text.

    Not in the pool: `reserved` ones (a gateway, the cluster's DNS) are never given out.
    """

    def __init__(self, cidr: IPv4Network, *, reserved: Iterable[str] = ()) -> None:
        self.cidr = cidr
        first, last = int(cidr.network_address), int(cidr.broadcast_address)
        taken = (int(IPv4Address(address)) for address in reserved)
        self._numbers = NumberPool(first + 1, last - 1, reserved=taken)

    def __contains__(self, address: str) -> bool:
        return int(IPv4Address(address)) in self._numbers

    @property
    def free(self) -> int:
        """How many addresses are left."""
        return self._numbers.free

    def allocate(self) -> str:
        """The lowest free address after the one given out last. PoolExhausted when there is none."""
        return str(IPv4Address(self._numbers.allocate()))

    def release(self, address: str) -> None:
        """Give it back; it comes round again only after the others."""
        self._numbers.release(int(IPv4Address(address)))

    def restore(self, addresses: Iterable[str]) -> None:
        """Take the addresses that exist already, after a restart."""
        self._numbers.restore(int(IPv4Address(address)) for address in addresses)


def slice_prefix(pod_cidr: IPv4Network, nodes: int) -> int:
    """Prefix length of a node's podCIDR: /24 as Kubernetes, longer when that many nodes need it.

    10.244.0.0/16 has 256 slices of /24; for 1,000 nodes it takes 2^10 slices, so /26 with 62 addresses each.
    """
    return max(24, pod_cidr.prefixlen, pod_cidr.prefixlen + max(nodes - 1, 0).bit_length())


class NodeSlices:
    """The podCIDRs of nodes: equal slices of the cluster's pod range."""

    def __init__(self, pod_cidr: IPv4Network, prefix: int = 24) -> None:
        if not pod_cidr.prefixlen <= prefix <= 30:
            raise OutsidePool(f"a node's slice of {pod_cidr} is between /{pod_cidr.prefixlen} and /30, not /{prefix}")
        self.pod_cidr = pod_cidr
        self.prefix = prefix
        self._numbers = NumberPool(0, 2 ** (prefix - pod_cidr.prefixlen) - 1)

    def allocate(self) -> IPv4Network:
        """A free slice. PoolExhausted when every slice belongs to a node."""
        number = self._numbers.allocate()
        return IPv4Network((int(self.pod_cidr.network_address) + (number << (32 - self.prefix)), self.prefix))

    def release(self, slice_: IPv4Network) -> None:
        """The node is gone."""
        self._numbers.release(self._number(slice_))

    def restore(self, slices: Iterable[IPv4Network]) -> None:
        """Take the slices that nodes have already; those of another range or size are ignored."""
        mine = [s for s in slices if s.prefixlen == self.prefix and s.subnet_of(self.pod_cidr)]
        self._numbers.restore(self._number(slice_) for slice_ in mine)

    def _number(self, slice_: IPv4Network) -> int:
        return (int(slice_.network_address) - int(self.pod_cidr.network_address)) >> (32 - self.prefix)
