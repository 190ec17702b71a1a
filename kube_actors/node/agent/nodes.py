"""Nodes: each has a namespace with its InternalIP, the "host" of hostNetwork and hostPort."""

from __future__ import annotations

from .failures import Failure
from .network import ClusterNetwork, Namespaces
from .services_of_nodes import ServiceTables
from .settings import Value
from .world import World


class Node:
    """A node of the cluster on this machine; no namespaces in tier C."""

    def __init__(self, name: str, address: str, namespaces: Namespaces | None) -> None:
        self.name, self.address, self.namespaces = name, address, namespaces


class Nodes:
    """The nodes that runtimes have registered."""

    def __init__(self, world: World, network: ClusterNetwork | None, services: ServiceTables | None) -> None:
        self._world, self._network, self._services = world, network, services
        self.by_name: dict[str, Node] = {}

    def get(self, name: str) -> Node:
        """A registered node. Raises Failure."""
        try:
            return self.by_name[name]
        except KeyError:
            raise Failure("NodeUnknown", f"node {name} is not registered with the agent") from None

    def register(self, name: str, address: str) -> Node:
        """Make a node, or find it again."""
        node = self.by_name.get(name)
        if node is not None:
            if node.address != address:
                raise Failure("NodeUnknown", f"node {name} has address {node.address}, not {address}")
            return node
        made = self._network.create(address, name) if self._network is not None else None
        node = self._know(Node(name, address, made))
        value = {"name": name, "address": address, "link": made.link if made else 0}
        self._world.records.put(f"node:{name}", value, made.fds if made else [])
        return node

    def restore(self, value: Value, fds: list[int]) -> None:
        """Take a node over from an earlier agent."""
        namespaces = Namespaces(fds[0], fds[1], fds[2], value["link"]) if fds else None
        self._know(Node(value["name"], value["address"], namespaces))

    def _know(self, node: Node) -> Node:
        if self._services is not None and node.namespaces is not None:
            self._services.add_node(node.address, node.namespaces)
        self.by_name[node.name] = node
        return node

    def remove(self, name: str) -> None:
        """Take a node without pods away; gone already is fine."""
        node = self.by_name.pop(name, None)
        if node is not None:
            if self._services is not None and node.namespaces is not None:
                self._services.remove_node(node.address)
            if self._network is not None and node.namespaces is not None:
                self._network.remove(node.namespaces, node.address)
            self._world.records.drop(f"node:{name}")
