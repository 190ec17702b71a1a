"""The Kubernetes API of a cluster: where it listens, whom it trusts, and the file that leads clients to it."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import trio

from kube_actors.access.authenticators import Authentication
from kube_actors.access.authority import Authority
from kube_actors.access.authorization import ClusterAuthorizer
from kube_actors.access.csr_approval import RequestApproval
from kube_actors.access.csr_signing import RequestSigner
from kube_actors.access.kubeconfig import write_kubeconfig
from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.roles.reconciled import reconcile_default_roles
from kube_actors.access.static_tokens import StaticTokens
from kube_actors.access.tokens import ServiceAccountTokens, day
from kube_actors.actors.certificates import CertificatesActor
from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.kept_objects import KeptObjects
from kube_actors.actors.namespace_object import EVERYWHERE
from kube_actors.actors.token_secrets import TokenSecretsActor, Used
from kube_actors.assembly.api_endpoints import ApiEndpoint, open_api_endpoint, publish_api, published_keys
from kube_actors.assembly.api_trust import TRUST, publish_trust
from kube_actors.assembly.default_api_services import api_service_keys, publish_api_services
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import InputError, Problem
from kube_actors.kernel import ActorSystem
from kube_actors.log import Log
from kube_actors.network.machine_networks import machine_addresses
from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.runtime.agent_link import AgentLink
from kube_actors.records import frozen
from kube_actors.server.audit import AuditLog
from kube_actors.server.call import Api
from kube_actors.server.chain import Chain
from kube_actors.server.edge import Binding, Edge, open_edge
from kube_actors.server.flow_control import FlowControl, may_take_long
from kube_actors.server.health import HealthChecks
from kube_actors.server.reading.compaction import keep_compact
from kube_actors.state import StateDirectory
from kube_actors.verbs.session import Session

TRUST_KEEPERS: Final = ("/root-certificates", "/client-trust", "/token-secrets")
"""Actors that pass on the authority's certificate."""
NOTICE: Final = 0.25
"""Machine seconds."""
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}

log = Log(__name__)


@frozen(eq=False)
class ApiAccess:
    """Who is trusted, and where pods find the API: there before anything runs that needs it."""

    authority: Authority
    tokens: ServiceAccountTokens
    rbac: RbacAuthorizer
    endpoint: ApiEndpoint

    def root_pem(self) -> str:
        """The certificate by which clients are to trust the API."""
        return self.authority.ca_pem.decode()

    def start_actors(self, plane: ControlPlane, system: ActorSystem) -> None:
        """Those that sign: certificates that are asked for, tokens that are kept in Secrets."""
        sign, may_request = RequestSigner(self.authority), RequestApproval(self.rbac)
        system.spawn("certificates", lambda: CertificatesActor(plane, sign, may_request))
        legacy, ca_pem = self.tokens.legacy, lambda: self.authority.ca_pem
        secrets = system.spawn("token-secrets", lambda: TokenSecretsActor(plane, legacy, ca_pem))
        now = plane.clock.now
        self.tokens.used = lambda secret: secrets.notify(Used(secret.key, secret.uid, day(now())))


@frozen(eq=False)
class ApiServer:
    """The API as it is served. `url` is where this machine's clients find it, `kubeconfig` the file for them."""

    url: str
    kubeconfig: Path
    authority: Authority
    checks: HealthChecks
    edge: Edge

    async def drain(self, seconds: float) -> None:
        """Take no more clients; let those that are there come to their ends.

        Where somebody is connected the server goes on for NOTICE, and says that it is no longer ready: `/readyz` tells
        load balancers and probes to go elsewhere before connections are refused.
        """
        self.checks.draining = True
        if self.edge.clients:
            await trio.sleep(NOTICE)
        await self.edge.drain(seconds)


@frozen(eq=False)
class PreparedApi:
    """An API that holds its port (`api_socket`) and is not served yet."""

    config: ClusterConfig
    state: StateDirectory
    sock: socket.socket

    @property
    def url(self) -> str:
        """Where this machine's clients find it: `https://127.0.0.1:6443`."""
        host = ANYWHERE.get(self.config.api.host, self.config.api.host)
        port = self.sock.getsockname()[1]
        return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"

    @asynccontextmanager
    async def access(
        self, plane: ControlPlane, rbac: RbacAuthorizer, ranges: NetworkRanges, link: AgentLink | None
    ) -> AsyncIterator[ApiAccess]:
        """Keys, certificates, and the way for pods, for as long as the block. StateError, InputError."""
        endpoint = await open_api_endpoint(link, ranges, self.sock)
        with contextlib.ExitStack() as sockets:
            for sock in endpoint.sockets:
                sockets.enter_context(sock)
            authority = self._authority([ranges.api_address, endpoint.address])
            tokens = ServiceAccountTokens(authority, plane.store, plane.clock.now)
            yield ApiAccess(authority, tokens, rbac, endpoint)

    def _authority(self, addresses: Sequence[str]) -> Authority:
        """The certificate of the server names everything by which it is reached."""
        api = self.config.api
        outside = machine_addresses() if api.host in ANYWHERE else (api.host,)
        names = [*api.names, *addresses, *outside]
        return Authority.open(self.state.pki, names, cluster_domain=self.config.network.cluster_domain)

    @asynccontextmanager
    async def serving(self, session: Session, access: ApiAccess) -> AsyncIterator[ApiServer]:
        """Serve for as long as the block."""
        await reconcile_default_roles(session.client)
        await _publish(session, access)
        authority, context, checks = access.authority, access.authority.serving_context(), HealthChecks()
        authentication = self._authentication(access)
        flow = FlowControl(session.plane.store)
        authorizer = ClusterAuthorizer(session.plane.store, access.rbac)
        parts = (authentication, access.tokens, access.rbac, checks, flow)
        chain = Chain(Api(session, authentication, authorizer, parts), AuditLog(self.state.root))
        bindings = [Binding(sock, context) for sock in (self.sock, *access.endpoint.sockets)]
        with contextlib.closing(chain), _owner_socket(self.state.api_socket) as owner:
            bindings.append(Binding(owner, is_owner=True))
            opening = open_edge(chain, bindings, names=authority.names, long_running=may_take_long)
            async with opening as edge, trio.open_nursery() as nursery:
                nursery.start_soon(authority.keep_fresh, lambda: self._renewed(session, authority))
                nursery.start_soon(flow.run)
                nursery.start_soon(keep_compact, session.plane.store)
                self._lead_clients(authority)
                yield ApiServer(self.url, self.state.kubeconfig, authority, checks, edge)
                nursery.cancel_scope.cancel()

    def _authentication(self, access: ApiAccess) -> Authentication:
        file = self.config.api.token_file
        static = StaticTokens() if file is None else StaticTokens.read(Path(file))
        return Authentication(access.tokens.audiences, access.tokens, static)

    def _renewed(self, session: Session, authority: Authority) -> None:
        for actor in map(session.system.find, TRUST_KEEPERS):
            if actor is not None:
                actor.notify(EVERYWHERE)
        self._lead_clients(authority)

    def _lead_clients(self, authority: Authority) -> None:
        """Write the kubeconfig, and the port for the next start."""
        try:
            write_kubeconfig(self.state.kubeconfig, self.config.name, self.url, authority)
            self.state.api_port.write_text(f"{self.sock.getsockname()[1]}\n")
        except OSError as error:
            problem = Problem(f"the state directory cannot be used: {error.strerror}", file=error.filename)
            raise InputError([problem]) from error


async def _publish(session: Session, access: ApiAccess) -> None:
    """The Service `kubernetes` leads here and the API's certificate is known; both go on to be so."""
    client, endpoint = session.client, access.endpoint

    async def publish_root() -> None:
        await publish_trust(client, access.root_pem())

    publish_service = functools.partial(publish_api, client, endpoint)
    for name, keys, publish in (
        ("kubernetes-service", published_keys(endpoint), publish_service),
        ("client-trust", (TRUST,), publish_root),
    ):
        await publish()
        session.system.spawn(name, functools.partial(KeptObjects, session.plane, keys, publish))
    keep = functools.partial(publish_api_services, client)  # nobody waits for these: the actor's first look makes them
    session.system.spawn("api-services", lambda: KeptObjects(session.plane, api_service_keys(), keep))


@contextmanager
def _owner_socket(path: Path) -> Iterator[socket.socket]:
    """A unix socket in a private directory: whoever can open it owns the cluster."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))
        path.chmod(0o600)
        try:
            yield sock
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
