"""The composition root: the nested nurseries of a running cluster, and nothing else.

From outside to inside: journal, actor system, agent, network, nodes, controllers. Leaving takes them down in the other
order, so that nothing is left without what it stands on.
"""

from __future__ import annotations

import contextlib
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import trio

from kube_actors.access.roles.rbac import RbacAuthorizer
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
from kube_actors.api.views import VIEWS
from kube_actors.assembly.defaults import create_defaults, kept_keys, restore_defaults
from kube_actors.assembly.network import BoundListener, ClusterNetwork, bind_listeners, running_network
from kube_actors.assembly.nodes import NodeFactory, node_factory
from kube_actors.assembly.pod_logs import collect_logs
from kube_actors.assembly.ranges import hold_ranges
from kube_actors.assembly.readdressing import move_to_ranges
from kube_actors.assembly.reconfiguring import check_reconfiguration
from kube_actors.assembly.storage import open_journal, open_store, run_seed, way_in
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import ApiError, KubeActorsError
from kube_actors.kernel import ActorSystem, ClusterClock, Failure, RealClock, Ref, random_for
from kube_actors.log import Log
from kube_actors.messages.common import Describe
from kube_actors.messages.node import NodeMessage, ShutDown
from kube_actors.messages.nodes import NodesMessage, SetNodes
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.node.runtime.agent_link import AgentLink, open_agent
from kube_actors.node.runtime.base import RuntimeFailure, RuntimeGone
from kube_actors.plan.scheduling import Framework
from kube_actors.records import define
from kube_actors.state import StateDirectory
from kube_actors.store import Store
from kube_actors.store.journal import Journal
from kube_actors.verbs.session import Session
from kube_actors.writes import Identity

if TYPE_CHECKING:
    from kube_actors.assembly.api_server import ApiServer

ADMIN = Identity("kubernetes-admin", ("system:masters", "system:authenticated"), "kubectl")
FAILURES_KEPT = 100
RECONFIGURE_DEADLINE = 120.0
SHUTDOWN_SLACK = 10.0
API_DRAIN = 0.5
REGISTER_WITHIN = 2.0
UNAVAILABLE = 503

log = Log(__name__)


@define
class Cluster:
    """A running cluster. `failures` are the latest failures of actors; `session` is the administrator's."""

    config: ClusterConfig
    state: StateDirectory
    system: ActorSystem
    plane: ControlPlane
    session: Session
    network: ClusterNetwork
    link: AgentLink | None
    journal: Journal
    failures: deque[Failure]
    controllers: tuple[Ref[Any], ...] = ()
    nodes: Ref[NodesMessage] | None = None
    factory: NodeFactory | None = None
    api: ApiServer | None = None

    @property
    def listeners(self) -> tuple[BoundListener, ...]:
        """Ports of the machine that lead to Services."""
        return self.network.listeners

    @property
    def tier(self) -> str:
        """How pods are kept apart: A, B or C; empty when no node runs real processes."""
        return self.link.tier if self.link is not None else ""

    async def reconfigure(self, config: ClusterConfig, *, dry_run: bool = False) -> bool:
        """Apply a Cluster document: nodes come, go and change; answers whether anything does.

        InputError names what needs a restart; then nothing has changed, nor does it with `dry_run`.
        """
        check_reconfiguration(self.config, config)
        config = attrs.evolve(config, seed=self.config.seed)
        if dry_run or config == self.config:
            return config != self.config
        assert self.nodes is not None, "a cluster is given out when it is complete"
        assert self.factory is not None, "a cluster is given out when it is complete"
        self.factory.reconfigure(config)
        self.config = config
        await self.nodes.ask(SetNodes(config.nodes), deadline=RECONFIGURE_DEADLINE)
        return True

    async def drain(self, grace_seconds: float) -> None:
        """End every pod in order (endpoints withdrawn, preStop, SIGTERM, grace); the objects stay for the next start.

        The controllers go first: nobody replaces what ends now. Clients of the API, which is no longer ready, can watch
        their pods end: `end_serving` comes after this.
        """
        if self.api is not None:
            self.api.checks.draining = True
        for controller in self.controllers:
            await self.system.stop(controller)
        async with trio.open_nursery() as nursery:
            for node in self.plane.directory.nodes.values():
                nursery.start_soon(self._drain_node, node, grace_seconds)

    async def end_serving(self) -> None:
        """Take no more clients, and bring what is under way to its end: requests are answered, watches end whole."""
        if self.api is not None:
            self.api.checks.draining = True
            await self.api.drain(API_DRAIN)

    async def _drain_node(self, node: Ref[NodeMessage], grace_seconds: float) -> None:
        try:
            await node.ask(ShutDown(grace_seconds), deadline=grace_seconds + SHUTDOWN_SLACK)
        except KubeActorsError as error:  # its runtime's own end takes what is left
            log.warning("a node did not end its pods in time", node=node.path, error=repr(error))

    async def failed(self) -> BaseException:
        """Wait for what the cluster cannot live without to fail: the journal."""
        return await self.journal.failed()


@asynccontextmanager
async def open_cluster(
    config: ClusterConfig,
    *,
    state: StateDirectory,
    clock: ClusterClock | None = None,
    serve: bool = False,
    interpreter: AgentInterpreter | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> AsyncIterator[Cluster]:
    """Run a cluster for as long as the block; with `serve` its API is there for kubectl and other clients.

    `interpreter` is a process that waits to become the cluster's agent, if it needs one. `meanwhile` is called while
    that starts.

    Raises InputError and StateError before anything is started.
    """
    frameworks = [(scheduler.name, framework_of(scheduler)) for scheduler in config.schedulers]
    clock = clock or RealClock()
    body_error: Exception | None = None
    state.create()
    async with AsyncExitStack() as stack:
        listeners = bind_listeners(config)
        for _, sock in listeners:
            stack.callback(sock.close)
        api = None
        if serve:  # a cluster without its API does without the 60 ms that importing it costs
            from kube_actors.assembly.api_server import PreparedApi

            api = stack.enter_context(PreparedApi.bound(config, state))
        journal = open_journal(state, clock)
        stack.callback(state.leave)
        store = open_store(journal)
        stack.callback(store.close)
        cluster_id = state.cluster_id(config.name)
        held = stack.enter_context(hold_ranges(config, state, cluster_id))
        background = await stack.enter_async_context(trio.open_nursery())
        stack.callback(background.cancel_scope.cancel)
        background.start_soon(store.run, name="journal")
        link = None
        if config.needs_agent:
            agent, keep = Path(state.agent), config.on_runtime_exit
            opening = open_agent(
                agent,
                cluster_id=cluster_id,
                ranges=held.routed,
                on_exit=keep,
                tier=config.tier,
                held=held.descriptors,
                interpreter=interpreter,
                meanwhile=partial(_read_ahead, store, meanwhile),
            )
            link = await stack.enter_async_context(opening)
        ranges = held.of_tier(link.tier if link is not None else "")
        failures: deque[Failure] = deque(maxlen=FAILURES_KEPT)
        seed = run_seed(config, store)
        system = ActorSystem(clock=clock, seed=seed, on_failure=partial(_failed, failures, journal))
        move_to_ranges(store, ranges, random_for(seed, "cluster ranges"))
        rbac = RbacAuthorizer(store)
        client_for = way_in(store, config, clock, random_for(seed, "cluster writes"), ranges.service_cidr, rbac)
        plane = ControlPlane(store, client_for, clock, config)
        factory: list[NodeFactory] = []
        stack.push_async_callback(_close_runtimes, factory, config)
        running = running_network(config, listeners, link, ranges, random_for(seed, "cluster network"))
        network = await stack.enter_async_context(running)
        await stack.enter_async_context(system.running())
        admin = client_for(ADMIN)
        await create_defaults(admin)
        session = Session(plane, system, admin, Registry.built_in(), logs=str(state.logs), started=clock.now())
        cluster = Cluster(config, state, system, plane, session, network, link, journal, failures)
        cluster.session = attrs.evolve(session, reconfigure=cluster.reconfigure)
        factory.append(node_factory(plane, config, state, network, link, background))
        cluster.factory = factory[0]
        root_ca: Callable[[], str] = str  # no certificate
        if api is not None:
            access = await stack.enter_async_context(api.access(plane, rbac, ranges, link))
            factory[0].tokens = access.tokens
            access.start_actors(plane, system)
            root_ca = access.root_pem
        _start_actors(cluster, factory[0], frameworks, root_ca)
        background.start_soon(collect_logs, plane, state.logs, name="pod logs")
        await _nodes_registered(cluster)
        if api is not None:
            cluster.api = await stack.enter_async_context(api.serving(cluster.session, access))
        try:
            yield cluster
        except Exception as error:  # raised again below, outside the nurseries, so that it is not wrapped
            body_error = error
    if body_error is not None:
        raise body_error


def _read_ahead(store: Store, also: Callable[[], None]) -> None:
    """While the agent's process is waited for: import what signs the pods' tokens, and have the code made by which
    objects are read that are there from before."""
    also()
    import kube_actors.access.jws  # noqa: F401

    for resource in VIEWS:
        for revision in store.list(resource)[:1]:
            _ = revision.view


async def _close_runtimes(factories: list[NodeFactory], config: ClusterConfig) -> None:
    """What still runs ends here, or is left to be adopted."""
    keep = config.on_runtime_exit == "keep"
    with trio.CancelScope(shield=True):
        for factory in factories:
            for name, runtime in factory.runtimes.items():
                try:
                    await runtime.aclose(keep=keep)
                except (RuntimeGone, RuntimeFailure) as error:
                    log.warning("a runtime did not end well", node=name, error=str(error))


def _start_actors(
    cluster: Cluster, factory: NodeFactory, frameworks: list[tuple[str, Framework]], root_ca: Callable[[], str]
) -> None:
    """The whole tree, those first that others tell things."""
    system, plane, network = cluster.system, cluster.plane, cluster.network
    registry, restore = Registry.built_in(), partial(restore_defaults, cluster.session.client)
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
    for name, framework in frameworks:
        controllers.append(system.spawn(f"scheduler/{name}", _scheduler(plane, name, framework)))
    makers = (factory.users, factory.make, factory.dismantle)
    cluster.nodes = system.spawn("nodes", lambda: NodesActor(plane, cluster.config.nodes, *makers))
    cluster.controllers = tuple(controllers)


async def _nodes_registered(cluster: Cluster) -> None:
    """Wait a little for the nodes: a pod that comes before them would sit out the scheduler's back-off of a second.

    A node that does not come up (an engine that is not there) is not waited for.
    """
    assert cluster.nodes is not None, "the actors are there"
    # In cluster time: how slow the machine is must not decide what a virtual cluster does.
    with cluster.plane.clock.move_on_after(REGISTER_WITHIN), contextlib.suppress(KubeActorsError):
        # An actor answers once it has started, and a node has started when it is registered.
        await cluster.nodes.ask(Describe(), deadline=RECONFIGURE_DEADLINE)
        for node in cluster.config.nodes:
            actor = cluster.system.find(f"/nodes/{node.name}")
            if actor is not None:
                await actor.ask(Describe(), deadline=RECONFIGURE_DEADLINE)


def _scheduler(plane: ControlPlane, name: str, framework: Framework) -> Callable[[], SchedulerActor]:
    return lambda: SchedulerActor(plane, name, framework)


def _failed(failures: deque[Failure], journal: Journal, failure: Failure) -> None:
    failures.append(failure)
    if journal.failure is not None and isinstance(failure.error, ApiError) and failure.error.code == UNAVAILABLE:
        return  # every actor that writes fails now; whoever waits for the journal tells of its failure, once
    log.error(
        "an actor failed",
        actor=failure.path,
        error=repr(failure.error),
        restart_in=failure.delay,
        traceback="".join(traceback.format_exception(failure.error)),
    )
