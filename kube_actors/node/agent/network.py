"""The cluster's network: a namespace that routes between pods, nodes and (as root) the machine.

Every pod and every node has a namespace of its own with one /32, joined by a veth to the cluster namespace, which
routes each address to its veth. Bridges are avoided: replies of translated connections would bypass the translation
there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from . import syscalls
from .netlink import LOCAL, SCOPE_HOST, SCOPE_LINK, UNREACHABLE, Routes
from .settings import Settings, first_address

MTU = 1500
_FIRST_INDEX = 2000


class Namespaces(NamedTuple):
    """Descriptors of the namespaces of a pod or node, and the number of its veth."""

    net: int
    ipc: int
    uts: int
    link: int

    @property
    def fds(self) -> list[int]:
        return [self.net, self.ipc, self.uts]

    def join(self) -> None:
        """Take this process into them."""
        syscalls.setns(self.net, syscalls.NEWNET)
        syscalls.setns(self.ipc, syscalls.NEWIPC)
        syscalls.setns(self.uts, syscalls.NEWUTS)

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


def current_namespaces(link: int = 0) -> Namespaces:
    """Descriptors of the namespaces this process is in."""
    net, ipc, uts = (os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("net", "ipc", "uts"))
    return Namespaces(net, ipc, uts, link)


class ClusterNetwork:
    """Makes and removes the namespaces of pods and nodes, from within the cluster's own."""

    def __init__(self, settings: Settings, *, next_link: int = 1) -> None:
        self.gateway = first_address(settings.pod_cidr)
        self.home = current_namespaces()
        self._settings = settings
        self._routes = Routes()
        self._next_link = next_link

    def set_up(self) -> None:
        """Loopback, forwarding, and what becomes of packets to addresses nobody has.

        Service addresses are *local*: output translation sees them, and one without endpoints is refused at once.
        """
        settings = self._settings
        _write("/proc/sys/net/ipv4/ip_forward", "1")
        routes = self._routes.link_up(1).address(1, self.gateway)
        for cidr in (settings.pod_cidr, settings.node_cidr):
            routes.route(cidr, kind=UNREACHABLE)
        routes.route(settings.service_cidr, index=1, kind=LOCAL, scope=SCOPE_HOST, source=self.gateway)
        routes.commit()

    def create(self, address: str, hostname: str, sysctls: dict[str, str] | None = None) -> Namespaces:
        """A namespace with that address, loopback up, and a way to everything else in the cluster."""
        made = self._new_namespaces(hostname, sysctls or {})
        namespaces, inside = made
        try:
            link = self._plug_in(namespaces.net, address)
            inside.link_up(1).address(2, address).link_up(2)
            inside.route(self.gateway, index=2, scope=SCOPE_LINK).route("0.0.0.0/0", via=self.gateway).commit()
        except BaseException:
            namespaces.close()
            raise
        finally:
            inside.close()
        return namespaces._replace(link=link)

    def create_shared(self, node: Namespaces, hostname: str | None, *, host_ipc: bool) -> Namespaces:
        """A pod of the node's network, with an IPC and host name of its own unless it shares those too."""
        wanted = (0 if host_ipc else syscalls.NEWIPC) | (0 if hostname is None else syscalls.NEWUTS)
        with self.within(node):
            syscalls.unshare(wanted)
            if hostname is not None:
                syscalls.sethostname(hostname)
            return current_namespaces()

    @contextmanager
    def within(self, namespaces: Namespaces) -> Iterator[None]:
        """For as long as the block this process is there."""
        namespaces.join()
        try:
            yield
        finally:
            self.home.join()

    def remove(self, namespaces: Namespaces, address: str) -> None:
        """Take an address out of use. The veth goes with the namespace, in the kernel's own time."""
        if namespaces.link:
            try:
                self._routes.delete_route(address).commit()
            except OSError as error:
                if error.errno != errno.ESRCH:
                    raise
        namespaces.close()

    def _new_namespaces(self, hostname: str, sysctls: dict[str, str]) -> tuple[Namespaces, Routes]:
        syscalls.unshare(syscalls.NEWNET | syscalls.NEWIPC | syscalls.NEWUTS)
        try:
            syscalls.sethostname(hostname)
            for name, value in sysctls.items():
                _write("/proc/sys/" + name.replace(".", "/"), value)
            return current_namespaces(), Routes()
        finally:
            self.home.join()

    def _plug_in(self, namespace: int, address: str) -> int:
        """A veth between here and there and the route to it; its number. A number still in use is passed over."""
        while True:
            link, index = self._next_link, _FIRST_INDEX + self._next_link
            self._next_link += 1
            try:
                self._routes.veth(f"pod{link}", index, "eth0", namespace, mtu=MTU).commit()
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.EBUSY):
                    continue
                raise
            self._routes.route(address, index=index, scope=SCOPE_LINK, source=self.gateway).commit()
            return link


def _write(path: str, value: str) -> None:
    with open(path, "w") as file:
        file.write(value)
