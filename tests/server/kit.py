"""Calls of the API without the edge: a store in memory, the real way in, the real chain, and no sockets.

`new_session` makes the cluster's objects, `make_call` one request on its way (for tests that call a handler), `ask`
sends a request through the whole chain, as the edge would.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from kube_actors.access.attributes import Authorizer
from kube_actors.access.user import AUTHENTICATED, MASTERS, User
from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry
from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ActorSystem, VirtualClock
from kube_actors.kinds import project
from kube_actors.records import frozen
from kube_actors.server.call import Api, Call
from kube_actors.server.chain import Chain
from kube_actors.server.flow_control import FlowControl
from kube_actors.server.http import Full, HttpRequest, Peer, Response, Streaming
from kube_actors.server.request_info import request_info
from kube_actors.store import Commit, Revision, Store
from kube_actors.store.journal.base import Journal
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.verbs.session import Session
from kube_actors.writes import Client, Identity, Pipeline
from kube_actors.writes.plugins import built_in_admission

from ..access.allowing import AllowAll

ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))
LOCAL = Peer("127.0.0.1")


def _raise(error: Exception, _commit: Commit) -> None:
    raise error


async def new_session(
    *namespaces: str, journal: Journal | None = None, history_bytes: int = 32 << 20, config: ClusterConfig | None = None
) -> Session:
    """The administrator's session of a cluster without actors, with these namespaces (`default`, without any).

    The clock stands still. With `journal` the store keeps its objects there.
    """
    clock = VirtualClock()
    store = Store(journal or MemoryJournal(), project=project, on_error=_raise, history_bytes=history_bytes)
    source = random.Random(7)
    registry = Registry.built_in()
    pipeline = Pipeline(store, registry, clock, source, built_in_admission(store, source))

    def client_for(identity: Identity) -> Client:
        return Client(pipeline, identity)

    plane = ControlPlane(store, client_for, clock, config or ClusterConfig())
    client = client_for(Identity(ADMIN.name, ADMIN.groups, "kit"))
    for name in namespaces or ("default",):
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return Session(plane, ActorSystem(clock=clock), client, registry, started=clock.now())


@frozen
class Always:
    """An authenticator that knows one user only."""

    user: User

    def authenticate(self, request: HttpRequest) -> User | None:
        """The user, whoever asks."""
        return self.user


def make_api(
    session: Session, *, user: User = ADMIN, authorizer: Authorizer | None = None, parts: tuple[object, ...] = ()
) -> Api:
    """The API over a session; everybody is `user`, who may do everything unless an authorizer says otherwise."""
    if not any(isinstance(part, FlowControl) for part in parts):
        parts = (*parts, FlowControl(session.plane.store))
    return Api(session, Always(user), authorizer or AllowAll(), parts)


def make_request(
    method: str, target: str, body: bytes | Any = b"", headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """A request as the edge hands it on. `target` is path and query; a `body` that is no bytes is sent as JSON."""
    raw_path, _, query = target.partition("?")
    known = {name.lower(): value for name, value in (headers or {}).items()}
    if not isinstance(body, bytes):
        body = json.dumps(body)
        known.setdefault("content-type", "application/json")
    values = {name: tuple(each) for name, each in parse_qs(query, keep_blank_values=True).items()}
    return HttpRequest(method, unquote(raw_path), raw_path, values, known, body, LOCAL)


def make_call(
    session: Session,
    method: str,
    target: str,
    body: bytes | Any = b"",
    headers: Mapping[str, str] | None = None,
    *,
    user: User = ADMIN,
    authorizer: Authorizer | None = None,
    parts: tuple[object, ...] = (),
) -> Call:
    """A request after authentication and routing, ready for a handler."""
    request = make_request(method, target, body, headers)
    info = request_info(method, request.path, request.query)
    api = make_api(session, user=user, authorizer=authorizer, parts=parts)
    resource = api.registry.by_path(info.group, info.version, info.resource) if info.is_resource else None
    return Call(api, request, info, user, resource)


async def ask(
    session: Session,
    method: str,
    target: str,
    body: bytes | Any = b"",
    headers: Mapping[str, str] | None = None,
    *,
    user: User = ADMIN,
    authorizer: Authorizer | None = None,
    parts: tuple[object, ...] = (),
) -> Response:
    """What the whole chain answers: errors as a `Status`, warnings as headers."""
    api = make_api(session, user=user, authorizer=authorizer, parts=parts)
    return await Chain(api)(make_request(method, target, body, headers))


def body_of(response: Response) -> bytes:
    """The bytes of a whole answer, joined."""
    assert isinstance(response, Full), response
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


def json_of(response: Response) -> Any:
    """A whole answer that is JSON, read."""
    return json.loads(body_of(response))


async def stream_of(response: Response) -> bytes:
    """Everything a stream sends until it ends by itself."""
    assert isinstance(response, Streaming), response
    sent: list[bytes] = []

    async def send(data: bytes | tuple[bytes, ...], /) -> None:
        sent.extend((data,) if isinstance(data, bytes) else data)

    await response.write(send)
    return b"".join(sent)


async def create(session: Session, body: Mapping[str, Any], namespace: str = "default") -> Revision:
    """Store an object as the administrator."""
    return await session.client.create(dict(body), namespace=namespace)


def config_map(name: str = "settings", labels: Mapping[str, str] | None = None, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    metadata: dict[str, Any] = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def pod(name: str = "web", labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod of one container."""
    metadata: dict[str, Any] = {"name": name, **({"labels": dict(labels)} if labels else {})}
    containers = [{"name": "app", "image": "nginx:1.27"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}
