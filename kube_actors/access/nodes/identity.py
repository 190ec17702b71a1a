"""Which node a user is: kubelets are `system:node:NAME` of the group `system:nodes`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

NODES: Final = "system:nodes"
NODE_PREFIX: Final = "system:node:"


def node_of(user: str, groups: Collection[str]) -> str | None:
    """The node's name (empty for a kubelet of no node); None for everybody else."""
    if NODES not in groups or not user.startswith(NODE_PREFIX):
        return None
    return user.removeprefix(NODE_PREFIX)
