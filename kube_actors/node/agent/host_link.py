"""The link between the cluster's network and the machine's own, as root: pods, services and nodes are reachable from
the machine at their own addresses.

The veth's far end lives in the cluster namespace, so link and routes vanish with it even when nobody is left to remove
them.
"""

from __future__ import annotations

import hashlib
import os
import socket

from . import syscalls
from .netlink import SCOPE_LINK, Routes, link_exists
from .network import MTU
from .settings import Settings, first_address

_INDEX = 1000  # of the cluster's end


def interface_name(cluster_id: str) -> str:
    """The machine's end: 15 characters at most."""
    return "ka-" + hashlib.blake2b(cluster_id.encode(), digest_size=6).hexdigest()


class HostLink:
    """Made from within the cluster namespace; `machine` is a descriptor of the machine's."""

    def __init__(self, settings: Settings, machine: int, home: int) -> None:
        self._settings, self._machine, self._home = settings, machine, home
        self._name = interface_name(settings.cluster_id)

    def create(self) -> None:
        """Join the two; what a dead cluster of the same name left is taken away first.

        The machine appears in the cluster as the first address of the node range.
        """
        settings = self._settings
        gateway, machine = first_address(settings.pod_cidr), first_address(settings.node_cidr)
        self.remove()
        syscalls.setns(self._machine, syscalls.NEWNET)
        try:
            with Routes() as routes:
                index = _free_index()
                routes.veth(self._name, index, "machine", self._home, mtu=MTU, peer_index=_INDEX)
                routes.address(index, machine).route(gateway, index=index, scope=SCOPE_LINK, source=machine)
                for cidr in (settings.pod_cidr, settings.service_cidr, settings.node_cidr):
                    routes.route(cidr, via=gateway, index=index, source=machine)
                _commit(routes, settings)
        finally:
            syscalls.setns(self._home, syscalls.NEWNET)
        with Routes() as routes:
            routes.link_up(_INDEX).commit()
            routes.route(machine, index=_INDEX, scope=SCOPE_LINK, source=gateway).commit()

    def remove(self) -> None:
        """Take link and routes away; gone already is fine."""
        syscalls.setns(self._machine, syscalls.NEWNET)
        try:
            if link_exists(self._name):
                with Routes() as routes:
                    routes.delete_link(self._name).commit()
        finally:
            syscalls.setns(self._home, syscalls.NEWNET)


def _commit(routes: Routes, settings: Settings) -> None:
    try:
        routes.commit()
    except FileExistsError as error:
        ranges = f"{settings.pod_cidr}, {settings.service_cidr} or {settings.node_cidr}"
        message = f"the machine has a route to {ranges} already, perhaps of another cluster; choose other ranges"
        raise FileExistsError(message) from error


def _free_index() -> int:
    """An interface number the machine does not use, high enough to stay out of the way."""
    used = {number for number, _ in socket.if_nameindex()}
    return next(number for number in range(100_000 + os.getpid() % 100_000, 1 << 30) if number not in used)
