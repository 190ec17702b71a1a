"""`describe`: an object in full, with what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from kube_actors.api.registry import Resource
from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import KubeActorsError
from kube_actors.messages.node import FindSandbox
from kube_actors.node.runtime.base import RuntimeFailure, RuntimeGone
from kube_actors.store import Key, Revision
from kube_actors.verbs.events import events_about
from kube_actors.verbs.printing.describe import description
from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.session import Session

FIND_DEADLINE = 5.0
"""Machine seconds a node may take to say which processes a pod has."""
_SERVICE_NAME = "kubernetes.io/service-name"


async def describe(session: Session, resource: Resource, revision: Revision, *, events: bool = True) -> str:
    """The text about one object; with `events`, its Events at the end."""
    facts = await facts_about(session, revision)
    if events:
        facts = attrs.evolve(facts, events=[each.body() for each in await events_about(session, revision)])
    await session.settled()
    return description(resource.id, facts)


async def facts_about(session: Session, revision: Revision) -> Facts:
    """Everything of the object's surroundings that its description tells, but the Events."""
    store, key = session.plane.store, revision.key
    facts = Facts(revision.body(), session.now)
    match key.resource:
        case "pods":
            return attrs.evolve(facts, pids=await process_ids(session, revision))
        case "nodes":
            lease = store.get(Key("leases.coordination.k8s.io", "kube-node-lease", key.name))
            pods = await _bodies(store.on_node(key.name))
            return attrs.evolve(facts, pods=pods, lease=lease.body() if lease is not None else None)
        case "deployments.apps":
            return attrs.evolve(facts, replica_sets=await _bodies(_controlled(session, revision, "replicasets.apps")))
        case "replicasets.apps":
            return attrs.evolve(facts, pods=await _bodies(_controlled(session, revision, "pods")))
        case "services":
            selector = LabelSelector.from_labels({_SERVICE_NAME: key.name})
            slices = store.list("endpointslices.discovery.k8s.io", key.namespace, selector)
            return attrs.evolve(facts, slices=await _bodies(slices))
    return facts


async def process_ids(session: Session, pod: Revision) -> dict[str, int]:
    """The process id on the machine of each running container of a pod; without those that have none (simulated)."""
    node = session.plane.directory.nodes.get(pod.projection.facts.node)
    if node is None:
        return {}
    try:
        found = await node.ask(FindSandbox(pod.uid), deadline=FIND_DEADLINE)
    except (KubeActorsError, RuntimeFailure, RuntimeGone):
        return {}  # a description is wanted most when something is wrong: then it comes without process ids
    containers = () if found is None else found.containers
    return {each.id.name: each.pid for each in containers if each.exit is None and each.pid}


def _controlled(session: Session, owner: Revision, resource: str) -> list[Revision]:
    """The objects of a resource that `owner` controls."""
    owned = session.plane.store.owned_by(owner.uid)
    return [
        each
        for each in owned
        if each.key.resource == resource
        and any(one.uid == owner.uid and one.controller for one in each.projection.owners)
    ]


async def _bodies(revisions: Sequence[Revision]) -> list[Body]:
    bodies: list[Body] = []
    for revision in revisions:
        bodies.append(revision.body())
        if len(bodies) % 256 == 0:
            await trio.lowlevel.checkpoint()
    return bodies
