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
    """All tables of the cluster on this machine, kept in step. Nodes are known by their addresses."""

    def __init__(self, network: ClusterNetwork, programmed: Mapping[ServicePort, Backends]) -> None:
        self._network = network
        self._cluster = ServiceTable(programmed)
        self._nodes: dict[str, ServiceTable] = {}

    def add_node(self, address: str, namespaces: Namespaces) -> None:
        """Make a node's table, with what leads to the node already."""
        own = {port: to for port, to in self._cluster.programmed.items() if port.address == address}
        table = ServiceTable(own, within=lambda: self._network.within(namespaces), loopback=True)
        with self._network.within(namespaces), open("/proc/sys/net/ipv4/conf/all/route_localnet", "w") as file:
            file.write("1")
        self._nodes[address] = table

    def remove_node(self, address: str) -> None:
        """The node goes, and its namespace with it."""
        table = self._nodes.pop(address, None)
        if table is not None:
            table.close()

    def change(self, wanted: Wanted) -> None:
        """Set (or with None remove) service ports, as `ServiceTable.change`."""
        self._cluster.change(wanted)
        for address, table in self._nodes.items():
            if own := {port: to for port, to in wanted.items() if port.address == address}:
                table.change(own)

    def change_host_ports(self, node: str, wanted: Wanted) -> None:
        """Set or remove host ports of the node with that address, on its loopback address too."""
        self.change({port: to for port, to in wanted.items() if port.address != LOOPBACK})
        self._nodes[node].change({port: to for port, to in wanted.items() if port.address == LOOPBACK})
