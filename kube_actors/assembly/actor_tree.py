"""The tree of a cluster's actors: all that makes it become what its objects say.

Whoever imports this reads the code of every controller, of the nodes and of the pods, a fifth of what a start takes: it
is imported when the API, if there is one, is served already.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.deployment import deployments
from kube_actors.actors.disruption_budget import disruption_budgets
from kube_actors.actors.events import EventsActor
from kube_actors.actors.flow_schemas import FlowSchemas
from kube_actors.actors.garbage_collector import GarbageCollector
from kube_actors.actors.kept_objects import KeptObjects
from kube_actors.actors.mirrored_endpoints import mirrored_endpoints
from kube_actors.actors.namespace import namespaces
from kube_actors.actors.namespace_object import root_certificates, service_accounts
from kube_actors.actors.network import NetworkActor
from kube_actors.actors.node_lifecycle import NodeLifecycle
from kube_actors.actors.nodes import NodesActor
from kube_actors.actors.pod_garbage_collector import PodGarbageCollector
from kube_actors.actors.replica_set import replica_sets, replication_controllers
from kube_actors.actors.resource_quota import resource_quotas
from kube_actors.actors.role_aggregation import RoleAggregation
from kube_actors.actors.scheduler.actor import SchedulerActor
from kube_actors.actors.scheduler.policy import framework_of
from kube_actors.actors.service import services
from kube_actors.actors.service_ranges import ServiceAddressKeeper, ServiceRanges
from kube_actors.actors.storage_protection import ClaimProtection, VolumeProtection
from kube_actors.api.registry import Registry
from kube_actors.assembly.defaults import kept_keys, restore_defaults
from kube_actors.assembly.network import ClusterNetwork
from kube_actors.assembly.nodes import NodeFactory
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import KubeActorsError
from kube_actors.kernel import Ref
from kube_actors.messages.common import Describe
from kube_actors.messages.nodes import NodesMessage
from kube_actors.plan.scheduling import Framework
from kube_actors.records import frozen
from kube_actors.verbs.session import Session

ANSWER_WITHIN = 120.0
REGISTER_WITHIN = 2.0
"""Seconds of cluster time."""

Frameworks = Sequence[tuple[str, Framework]]


def frameworks_of(config: ClusterConfig) -> Frameworks:
    """The framework of each scheduler by its name. InputError for a plugin that cannot be loaded."""
    return [(scheduler.name, framework_of(scheduler)) for scheduler in config.schedulers]


@frozen(eq=False)
class ActorTree:
    """The actors that somebody has to know: `controllers` end first when a cluster is drained, `nodes` has the Node
    actors."""

    controllers: tuple[Ref[Any], ...]
    nodes: Ref[NodesMessage]


async def start_actors(
    session: Session,
    network: ClusterNetwork,
    factory: NodeFactory,
    frameworks: Frameworks,
    root_ca: Callable[[], str],
) -> ActorTree:
    """Start all of them, those first that others tell things, and the schedulers when the nodes are there: a pod that
    found none would sit out the back-off of a second. `root_ca` gives the certificate that pods trust."""
    system, plane = session.system, session.plane
    registry, restore = Registry.built_in(), partial(restore_defaults, session.client)
    system.spawn("events", lambda: EventsActor(plane), mailbox=4096)
    system.spawn(
        "network",
        lambda: NetworkActor(plane, network.data_plane, network.records, lambda: factory.addresses.values()),
        mailbox=4096,
    )
    controllers: list[Ref[Any]] = [
        system.spawn("replicasets", lambda: replica_sets(plane)),
        system.spawn("replicationcontrollers", lambda: replication_controllers(plane)),
        system.spawn("deployments", lambda: deployments(plane)),
        system.spawn("services", lambda: services(plane)),
        system.spawn("service-ranges", lambda: ServiceRanges(plane, network.ranges.service_cidr)),
        system.spawn("service-addresses", lambda: ServiceAddressKeeper(plane)),
        system.spawn("mirrored-endpoints", lambda: mirrored_endpoints(plane)),
        system.spawn("namespaces", lambda: namespaces(plane)),
        system.spawn("default-objects", lambda: KeptObjects(plane, kept_keys(), restore)),
        system.spawn("resource-quotas", lambda: resource_quotas(plane)),
        system.spawn("disruption-budgets", lambda: disruption_budgets(plane)),
        system.spawn("serviceaccounts", lambda: service_accounts(plane)),
        system.spawn("root-certificates", lambda: root_certificates(plane, root_ca)),
        system.spawn("role-aggregation", lambda: RoleAggregation(plane)),
        system.spawn("flow-schemas", lambda: FlowSchemas(plane)),
        system.spawn("pod-garbage-collector", lambda: PodGarbageCollector(plane)),
        system.spawn("claim-protection", lambda: ClaimProtection(plane)),
        system.spawn("volume-protection", lambda: VolumeProtection(plane)),
        system.spawn("garbage-collector", lambda: GarbageCollector(plane, registry)),
        system.spawn("node-lifecycle", lambda: NodeLifecycle(plane)),
    ]
    makers = (factory.users, factory.make, factory.dismantle)
    nodes = system.spawn("nodes", lambda: NodesActor(plane, factory.config.nodes, *makers))
    await _nodes_registered(session, factory, nodes)
    for name, framework in frameworks:
        controllers.append(system.spawn(f"scheduler/{name}", _scheduler(plane, name, framework)))
    return ActorTree(tuple(controllers), nodes)


async def _nodes_registered(session: Session, factory: NodeFactory, nodes: Ref[NodesMessage]) -> None:
    """Wait a little for the nodes. One that does not come up (an engine that is not there) is not waited for."""
    # In cluster time: how slow the machine is must not decide what a virtual cluster does.
    with session.plane.clock.move_on_after(REGISTER_WITHIN), contextlib.suppress(KubeActorsError):
        # An actor answers once it has started, and a node has started when it is registered.
        await nodes.ask(Describe(), deadline=ANSWER_WITHIN)
        for node in factory.config.nodes:
            actor = session.system.find(f"/nodes/{node.name}")
            if actor is not None:
                await actor.ask(Describe(), deadline=ANSWER_WITHIN)


def _scheduler(plane: ControlPlane, name: str, framework: Framework) -> Callable[[], SchedulerActor]:
    return lambda: SchedulerActor(plane, name, framework)
