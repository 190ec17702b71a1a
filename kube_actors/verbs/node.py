"""`node stop | partition | start`: faults on purpose; `cordon`, `uncordon`: whether new pods may come."""

from __future__ import annotations

from typing import Any, Literal

import trio

from kube_actors.errors import ApiError, KubeActorsError, not_found
from kube_actors.kernel import Ref
from kube_actors.messages.common import Describe
from kube_actors.messages.node import NodeMessage, PartitionNode, StartNode, StopNode
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.session import Session

FAULT_DEADLINE = 60.0
"""Machine seconds a node may take to die or to come back with all its pods."""
REACH_DEADLINE = 5.0
"""Machine seconds a node may take to say that it is there."""
_LOOK_SECONDS = 0.05
CONNECTED = "connected"
NodeFault = Literal["stop", "partition", "start"]


def node_key(name: str) -> Key:
    """The key of a node."""
    return Key("nodes", "", name)


def existing_node(session: Session, name: str) -> Revision:
    """The node's object. ApiError 404."""
    revision = session.plane.store.get(node_key(name))
    if revision is None:
        raise not_found("nodes", name)
    return revision


async def fault_node(session: Session, name: str, fault: NodeFault) -> None:
    """Let a node fail: `stop` ends its pods and its heartbeats at once, `partition` only cuts it off; `start` heals."""
    existing_node(session, name)
    node = session.plane.directory.nodes.get(name)
    if node is None:
        raise VerbError(f"node {name} is not run by this cluster")
    asks = {"stop": StopNode, "partition": PartitionNode, "start": StartNode}
    await node.ask(asks[fault](), deadline=FAULT_DEADLINE)


@frozen
class Cordoned:
    """A node after `cordon` or `uncordon`; `changed` is False when it was so already."""

    revision: Revision
    changed: bool


async def cordon(session: Session, name: str, *, unschedulable: bool = True, dry_run: bool = False) -> Cordoned:
    """Keep new pods from a node, or let them come again. ApiError 404."""
    before = existing_node(session, name)
    if before.projection.facts.unschedulable == unschedulable:
        return Cordoned(before, changed=False)

    patch: dict[str, Any] = {"spec": {"unschedulable": True if unschedulable else None}}
    revision = await session.client.patch(node_key(name), patch, "merge", dry_run=dry_run)
    await session.settled()
    return Cordoned(revision, changed=True)


async def node_actor(session: Session, name: str) -> Ref[NodeMessage]:
    """Who answers for a node. One whose object is there already may just be about to start: the API is served before
    the nodes are. ApiError 500 when nobody answers in time."""
    nodes = session.plane.directory.nodes
    with trio.move_on_after(REACH_DEADLINE):
        # Nobody is told of new entries, and there is one only at the start.
        while name not in nodes and session.plane.store.get(node_key(name)) is not None:  # noqa: ASYNC110
            await trio.sleep(_LOOK_SECONDS)
    if name not in nodes:
        raise unreachable(name, "no such node answers")
    return nodes[name]


async def check_reachable(session: Session, name: str) -> None:
    """ApiError 500 in Kubernetes' words when the node cannot be asked for logs or commands: stopped, or cut off."""
    node = await node_actor(session, name)
    try:
        facts = dict((await node.ask(Describe(), deadline=REACH_DEADLINE)).facts)
    except KubeActorsError as error:
        raise unreachable(name, str(error)) from error
    if facts.get("link") != CONNECTED:
        raise unreachable(name, "no route to host")


def unreachable(node: str, why: str) -> ApiError:
    """The node does not answer."""
    return ApiError("InternalError", 500, f"error dialing backend: dial {node}: {why}")
