"""The service tables: the cluster's, and one in the namespace of each node.

What a node's own programs send to the node's own address never leaves its namespace: without a table there, node ports
and host ports would be reached from everywhere but their node. On its loopback address a node has only host ports.
"""

from __future__ import annotations

from collections.abc import Mapping

from .network import ClusterNetwork, Namespaces
from .services import Backends, ServicePort, ServiceTable

LOOPBACK = "127.0.0.1"
Wanted = Mapping[ServicePort, Backends | None]


class ServiceTables:
    """All tables of the cluster on this machine, kept in step. Nodes are known by their addresses; one has its table
    made when there is something to put into it."""

    def __init__(self, network: ClusterNetwork, programmed: Mapping[ServicePort, Backends]) -> None:
        self._network = network
        self._cluster = ServiceTable(programmed)
        self._namespaces: dict[str, Namespaces] = {}
        self._tables: dict[str, ServiceTable] = {}

    def add_node(self, address: str, namespaces: Namespaces) -> None:
        """A node is there; ports may lead to it already."""
        self._namespaces[address] = namespaces
        programmed = self._cluster.programmed.items()
        self._change_node(address, {port: to for port, to in programmed if port.address == address})

    def remove_node(self, address: str) -> None:
        """The node goes, and its namespace with it."""
        del self._namespaces[address]
        table = self._tables.pop(address, None)
        if table is not None:
            table.close()

    def change(self, wanted: Wanted) -> None:
        """Set (or with None remove) service ports, as `ServiceTable.change`."""
        self._cluster.change(wanted)
        for node in self._namespaces.keys() & {port.address for port in wanted}:
            self._change_node(node, {port: to for port, to in wanted.items() if port.address == node})

    def change_host_ports(self, node: str, wanted: Wanted) -> None:
        """Set or remove host ports of the node with that address, on its loopback address too."""
        self.change({port: to for port, to in wanted.items() if port.address != LOOPBACK})
        self._change_node(node, {port: to for port, to in wanted.items() if port.address == LOOPBACK})

    def _change_node(self, node: str, wanted: Wanted) -> None:
        if node not in self._tables:
            if all(to is None for to in wanted.values()):
                return
            namespaces = self._namespaces[node]
            with self._network.within(namespaces), open("/proc/sys/net/ipv4/conf/all/route_localnet", "w") as file:
                file.write("1")
            self._tables[node] = ServiceTable({}, within=lambda: self._network.within(namespaces), loopback=True)
        self._tables[node].change(wanted)
