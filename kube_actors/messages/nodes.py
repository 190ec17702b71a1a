"""What the supervisor of all nodes is told."""

from __future__ import annotations

from kube_actors.config.types import NodeConfig
from kube_actors.kernel import Ask
from kube_actors.messages.common import Describe
from kube_actors.records import frozen


@frozen(eq=False)
class SetNodes(Ask[None]):
    """Composition root → nodes: these are the nodes now. New ones start, missing ones go, changed ones change."""

    nodes: tuple[NodeConfig, ...]


NodesMessage = SetNodes | Describe
