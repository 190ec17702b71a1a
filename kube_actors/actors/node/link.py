"""Whether a node reaches the control plane: shared by a Node actor and its pods, changed only by the node."""

from __future__ import annotations

from kube_actors.records import define


@define
class NodeLink:
    """Cut, a node neither hears of changes nor writes: no heartbeats, no pod status; its pods run on."""

    connected: bool = True

    @property
    def state(self) -> str:
        """One word for people."""
        return "connected" if self.connected else "cut off"

    def cut(self) -> None:
        """From now on nothing passes."""
        self.connected = False

    def restore(self) -> None:
        """Everything passes again."""
        self.connected = True
