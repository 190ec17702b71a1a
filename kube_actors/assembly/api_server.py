"""The Kubernetes API of a cluster: where it listens, whom it trusts, and the file that leads clients to it."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import attrs
import trio

from kube_actors.access.authenticators import Authentication
from kube_actors.access.authority import Authority
from kube_actors.access.kubeconfig import write_kubeconfig
from kube_actors.access.rbac import RbacAuthorizer
from kube_actors.access.static_tokens import StaticTokens
from kube_actors.config.types import ApiConfig, ClusterConfig
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.network.ports_in_use import port_holder
from kube_actors.server.call import Api
from kube_actors.server.chain import Chain
from kube_actors.server.edge import Binding, Edge, open_edge
from kube_actors.state import StateDirectory
from kube_actors.verbs.session import Session

ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}

log = Log(__name__)


@attrs.frozen(eq=False)
class ApiServer:
    """The API as it is served. `url` is where this machine's clients find it, `kubeconfig` the file for them."""

    url: str
    kubeconfig: Path
    authority: Authority
    edge: Edge

    async def drain(self, seconds: float) -> None:
        """Take no more clients; let those that are there come to their ends."""
        await self.edge.drain(seconds)


@attrs.frozen(eq=False)
class BoundApi:
    """The socket the API will be served at, and the port to be remembered."""

    socket: socket.socket
    host: str
    port: int

    @property
    def url(self) -> str:
        """`https://127.0.0.1:6443`."""
        host = ANYWHERE.get(self.host, self.host)
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"


@contextmanager
def bound_api(config: ApiConfig, state: StateDirectory) -> Iterator[BoundApi]:
    """Hold the API's port, before anything is started: the configured one, else that of the last time, else any.

    InputError names who holds a port that is taken.
    """
    wanted = config.port or _last_port(state)
    try:
        bound = _bound(config.host, wanted)
    except OSError as error:
        if config.port or error.errno != errno.EADDRINUSE or not wanted:
            raise InputError([_not_bound(config, wanted, error)]) from error
        log.warning("the API's port of the last time is taken: clients need the new kubeconfig", port=wanted)
        bound = _bound(config.host, 0)
    try:
        yield bound
    finally:
        bound.socket.close()


def _bound(host: str, port: int) -> BoundApi:
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1024)  # only now would a port that is in use be refused
    except OSError:
        sock.close()
        raise
    return BoundApi(sock, host, sock.getsockname()[1])


def _last_port(state: StateDirectory) -> int:
    try:
        port = int(state.api_port.read_text())
    except (OSError, ValueError):
        return 0
    return port if 0 < port < 65536 else 0


def _not_bound(config: ApiConfig, port: int, error: OSError) -> Problem:
    message, hint = f"cannot listen on {config.host}:{port}: {error.strerror}", None
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        message = f"{config.host}:{port} is in use" + (f" by {holder}" if holder is not None else "")
        hint = "choose another port, or 0 for a free one"
    return Problem(message, path="$.spec.api.port", hint=hint)


def open_authority(config: ClusterConfig, state: StateDirectory, addresses: Sequence[str]) -> Authority:
    """The cluster's authority, whose certificate names everything the API is reached by. StateError, InputError."""
    names = [*config.api.names, *addresses]
    if config.api.host not in ANYWHERE:
        names.append(config.api.host)
    return Authority.open(state.pki, names, cluster_domain=config.network.cluster_domain)


@asynccontextmanager
async def serving_api(
    session: Session,
    config: ClusterConfig,
    state: StateDirectory,
    bound: BoundApi,
    authority: Authority,
    *,
    inside: Sequence[socket.socket] = (),
) -> AsyncIterator[ApiServer]:
    """Serve the API for as long as the block. `inside` are further sockets, that pods reach."""
    tokens = StaticTokens() if config.api.token_file is None else StaticTokens.read(Path(config.api.token_file))
    authentication = Authentication(static_tokens=tokens)
    api = Api(session, authentication, RbacAuthorizer(session.plane.store), (authority,))
    context = authority.serving_context()
    bindings = [Binding(sock, context) for sock in (bound.socket, *inside)]
    with _owner_socket(state.api_socket) as owner:
        bindings.append(Binding(owner, is_owner=True))
        async with open_edge(Chain(api), bindings, names=config.api.names) as edge, trio.open_nursery() as nursery:
            nursery.start_soon(authority.keep_fresh, lambda: _lead_clients(bound, config, state, authority))
            _lead_clients(bound, config, state, authority)
            yield ApiServer(bound.url, state.kubeconfig, authority, edge)
            nursery.cancel_scope.cancel()


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


def _lead_clients(bound: BoundApi, config: ClusterConfig, state: StateDirectory, authority: Authority) -> None:
    """Write the kubeconfig, and the port for the next start."""
    try:
        write_kubeconfig(state.kubeconfig, config.name, bound.url, authority)
        state.api_port.write_text(f"{bound.port}\n")
    except OSError as error:
        problem = Problem(f"the state directory cannot be used: {error.strerror}", file=error.filename)
        raise InputError([problem]) from error
