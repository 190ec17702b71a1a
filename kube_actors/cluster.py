"""The composition root: the nested nurseries of a running cluster, and nothing else.

From outside to inside: journal, agent, network, actor system, the API, and then the actors: nodes, controllers. Leaving
takes them down in the other order, so that nothing is left without what it stands on.
"""

from __future__ import annotations

import contextlib
import socket
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.registry import Registry
from kube_actors.assembly.api_socket import bound_api_socket
from kube_actors.assembly.defaults import create_defaults
from kube_actors.assembly.loading import load_in_steps
from kube_actors.assembly.network import BoundListener, ClusterNetwork, bind_listeners, running_network
from kube_actors.assembly.ranges import HeldRanges, hold_ranges
from kube_actors.assembly.readdressing import move_to_ranges
from kube_actors.assembly.storage import open_journal, open_store, run_seed, way_in
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import ApiError, KubeActorsError
from kube_actors.kernel import ActorSystem, ClusterClock, Failure, RealClock, Ref, random_for
from kube_actors.log import Log
from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.node.runtime.agent_link import AgentLink, open_agent
from kube_actors.node.runtime.base import RuntimeFailure, RuntimeGone
from kube_actors.records import define
from kube_actors.state import StateDirectory
from kube_actors.store.journal import Journal
from kube_actors.verbs.session import Session
from kube_actors.writes import Identity

if TYPE_CHECKING:
    from kube_actors.assembly.actor_tree import ActorTree, Frameworks
    from kube_actors.assembly.api_server import ApiAccess, ApiServer
    from kube_actors.assembly.nodes import NodeFactory
    from kube_actors.messages.node import NodeMessage

ADMIN = Identity("kubernetes-admin", ("system:masters", "system:authenticated"), "kubectl")
FAILURES_KEPT = 100
RECONFIGURE_DEADLINE = 120.0
SHUTDOWN_SLACK = 10.0
API_DRAIN = 0.5
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
    factory: NodeFactory | None = None
    actors: ActorTree | None = None
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
        from kube_actors.assembly.reconfiguring import check_reconfiguration
        from kube_actors.messages.nodes import SetNodes

        check_reconfiguration(self.config, config)
        config = attrs.evolve(config, seed=self.config.seed)
        if dry_run or config == self.config:
            return config != self.config
        assert self.actors is not None, "a cluster is given out when it is complete"
        assert self.factory is not None, "a cluster is given out when it is complete"
        self.factory.reconfigure(config)
        self.config = config
        await self.actors.nodes.ask(SetNodes(config.nodes), deadline=RECONFIGURE_DEADLINE)
        return True

    async def drain(self, grace_seconds: float) -> None:
        """End every pod in order (endpoints withdrawn, preStop, SIGTERM, grace); the objects stay for the next start.

        The controllers go first: nobody replaces what ends now. Clients of the API, which is no longer ready, can watch
        their pods end: `end_serving` comes after this.
        """
        if self.api is not None:
            self.api.checks.draining = True
        for controller in self.actors.controllers if self.actors is not None else ():
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
        from kube_actors.messages.node import ShutDown

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
) -> AsyncIterator[Cluster]:
    """Run a cluster for as long as the block; with `serve` its API is there for kubectl and other clients.

    `interpreter` is a process that waits to become the cluster's agent, if it needs one.

    Raises InputError and StateError before anything is started.
    """
    clock = clock or RealClock()
    frameworks = _plugins(config)
    body_error: Exception | None = None
    state.create()
    async with AsyncExitStack() as stack:
        listeners = bind_listeners(config)
        for _, sock in listeners:
            stack.callback(sock.close)
        api_socket = stack.enter_context(bound_api_socket(config.api, state)) if serve else None
        journal = open_journal(state, clock)
        stack.callback(state.leave)
        store = open_store(journal)
        stack.callback(store.close)
        cluster_id = state.cluster_id(config.name)
        held = stack.enter_context(hold_ranges(config, state, cluster_id))
        background = await stack.enter_async_context(trio.open_nursery())
        stack.callback(background.cancel_scope.cancel)
        background.start_soon(store.run, name="journal")
        read_code = partial(_read_code, serve=serve)
        link = await stack.enter_async_context(_agent(config, state, cluster_id, held, interpreter, read_code))
        ranges = held.of_tier(link.tier if link is not None else "")
        failures: deque[Failure] = deque(maxlen=FAILURES_KEPT)
        seed = run_seed(config, store)
        system = ActorSystem(clock=clock, seed=seed, on_failure=partial(_failed, failures, journal))
        move_to_ranges(store, ranges, random_for(seed, "cluster ranges"))
        rbac = RbacAuthorizer(store)
        client_for = way_in(store, config, clock, random_for(seed, "cluster writes"), ranges.service_cidr, rbac)
        plane = ControlPlane(store, client_for, clock, config)
        factories: list[NodeFactory] = []
        stack.push_async_callback(_close_runtimes, factories, config)
        running = running_network(config, listeners, link, ranges, random_for(seed, "cluster network"))
        network = await stack.enter_async_context(running)
        await stack.enter_async_context(system.running())
        admin = client_for(ADMIN)
        await create_defaults(admin)
        session = Session(plane, system, admin, Registry.built_in(), logs=str(state.logs), started=clock.now())
        cluster = Cluster(config, state, system, plane, session, network, link, journal, failures)
        cluster.session = attrs.evolve(session, reconfigure=cluster.reconfigure)
        access = None if api_socket is None else await _serve(stack, cluster, rbac, ranges, api_socket)
        await _come_alive(cluster, access, frameworks, factories, background)
        try:
            yield cluster
        except Exception as error:  # raised again below, outside the nurseries, so that it is not wrapped
            body_error = error
    if body_error is not None:
        raise body_error


def _agent(
    config: ClusterConfig,
    state: StateDirectory,
    cluster_id: str,
    held: HeldRanges,
    interpreter: AgentInterpreter | None,
    meanwhile: Callable[[], None],
) -> AbstractAsyncContextManager[AgentLink | None]:
    """The link to the agent, where there are nodes that need one."""
    if not config.needs_agent:
        return contextlib.nullcontext()
    return open_agent(
        Path(state.agent),
        cluster_id=cluster_id,
        ranges=held.routed,
        on_exit=config.on_runtime_exit,
        tier=config.tier,
        held=held.descriptors,
        interpreter=interpreter,
        meanwhile=meanwhile,
    )


def _read_code(*, serve: bool) -> None:
    """Read the code that serves the API, while the agent starts on another processor. A cluster without an API does
    without the 60 ms that takes."""
    if serve:
        import kube_actors.assembly.api_server  # noqa: F401


async def _serve(
    stack: AsyncExitStack, cluster: Cluster, rbac: RbacAuthorizer, ranges: NetworkRanges, sock: socket.socket
) -> ApiAccess:
    """Serve the API until the stack is left."""
    from kube_actors.assembly.api_server import PreparedApi

    api = PreparedApi(cluster.config, cluster.state, sock)
    access = await stack.enter_async_context(api.access(cluster.plane, rbac, ranges, cluster.link))
    cluster.api = await stack.enter_async_context(api.serving(cluster.session, access))
    return access


def _plugins(config: ClusterConfig) -> Frameworks | None:
    """The schedulers' frameworks where somebody else wrote one, for that may be wrong; else there is time for them."""
    if not any(scheduler.plugin for scheduler in config.schedulers):
        return None
    from kube_actors.assembly.actor_tree import frameworks_of

    return frameworks_of(config)


async def _come_alive(
    cluster: Cluster,
    access: ApiAccess | None,
    frameworks: Frameworks | None,
    factories: list[NodeFactory],
    background: trio.Nursery,
) -> None:
    """Start the actors. Clients of the API are answered meanwhile: as with Kubernetes, what they write is found by the
    controllers when they come."""
    plane, session = cluster.plane, cluster.session
    await load_in_steps(plane.store, lambda: cluster.api is not None and cluster.api.edge.is_busy)
    from kube_actors.assembly.actor_tree import frameworks_of, start_actors
    from kube_actors.assembly.nodes import node_factory
    from kube_actors.assembly.pod_logs import collect_logs

    factory = cluster.factory = node_factory(
        plane, cluster.config, cluster.state, cluster.network, cluster.link, background
    )
    factories.append(factory)
    root_ca: Callable[[], str] = str  # no certificate
    if access is not None:
        factory.tokens = access.tokens
        access.start_actors(plane, cluster.system)
        root_ca = access.root_pem
    background.start_soon(collect_logs, plane, cluster.state.logs, name="pod logs")
    frameworks = frameworks or frameworks_of(cluster.config)
    cluster.actors = await start_actors(session, cluster.network, factory, frameworks, root_ca)


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
