"""One request on its way through the chain."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import attrs

from kube_actors.access.attributes import Attributes, Authorizer
from kube_actors.access.user import User
from kube_actors.api.codecs import json
from kube_actors.api.names import path_segment
from kube_actors.api.registry import Registry, Resource
from kube_actors.api.selectors import FieldSelector, SelectorError
from kube_actors.errors import ApiError, forbidden
from kube_actors.records import define, frozen
from kube_actors.server.http import Full, Headers, HttpRequest
from kube_actors.server.reading.accept import Accepted
from kube_actors.server.request_info import RequestInfo
from kube_actors.store import Key, Store
from kube_actors.verbs.session import Session
from kube_actors.writes import Client, Identity
from kube_actors.writes.aside import AT_ONCE, Work

MAX_FIELD_MANAGER = 128
MOST_WARNINGS = 100  # as many problems as kube-apiserver keeps of one body
Body = dict[str, Any]
T = TypeVar("T")


class Authenticator(Protocol):
    """Finds out who a request comes from."""

    def authenticate(self, request: HttpRequest) -> User | None:
        """The user, or None without credentials. ApiError 401 when there are some and they are wrong."""


@frozen(eq=False)
class Api:
    """What the server serves. `session` is the administrator's; `parts` are what single handlers need beside it."""

    session: Session
    authenticator: Authenticator
    authorizer: Authorizer
    parts: tuple[object, ...] = ()

    @property
    def registry(self) -> Registry:
        """The resources that are served."""
        return self.session.registry

    @property
    def store(self) -> Store:
        """Where the objects are."""
        return self.session.plane.store

    def part(self, kind: type[T]) -> T:
        """The part of this class; LookupError when the server was opened without it."""
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise LookupError(f"the server has no {kind.__name__}")


@define(eq=False)
class Call:
    """One request: who it comes from, what it is about, and what its client is to be warned of.

    `resource` is the registry's row in the very version of the path; None for plain paths. `impersonator` is who
    really asks, when `user` is somebody the request acts as. `created` is the name of what the call has created: the
    path does not have it, and it may have been generated. `headers` go on whatever is answered. `work` is where a large
    body is worked on, `form` what the client gets the answer in, once that is settled (`negotiation.form_of`).
    """

    api: Api
    request: HttpRequest
    info: RequestInfo
    user: User
    resource: Resource | None = None
    warnings: list[str] = attrs.field(factory=list)
    impersonator: User | None = None
    created: str = ""
    headers: Headers = ()
    work: Work = AT_ONCE
    form: Accepted | None = None

    @property
    def row(self) -> Resource:
        """The resource of a call that is known to be about one."""
        assert self.resource is not None, "only calls about resources come here"
        return self.resource

    @property
    def key(self) -> Key:
        """Where the object of the path is kept."""
        return Key(self.row.storage_id, self.info.namespace if self.row.namespaced else "", self.info.name)

    @property
    def client(self) -> Client:
        """The way in, in the user's name; warnings of writes are told to the client."""
        user = self.user
        identity = Identity(user.name, user.groups, field_manager(self.request), user.uid, user.extra)
        return self.api.session.client.with_identity(identity, self.warn, self.work)

    def warn(self, text: str) -> None:
        """Add a `Warning` header; the same one is sent once, and not more than fit into an answer."""
        if len(self.warnings) < MOST_WARNINGS and text not in self.warnings:
            self.warnings.append(text)

    def attributes(self, verb: str = "") -> Attributes:
        """What the call wants to do, or the same with another verb."""
        info = self.info
        return Attributes(
            self.user,
            verb or info.verb,
            info.group,
            info.version,
            info.resource,
            info.subresource,
            info.namespace,
            info.name or selected_name(info.verb, self.request),
            info.path,
            info.is_resource,
            selected_fields(info.verb, self.request),
        )

    def check_allowed(self, attributes: Attributes) -> None:
        """ApiError 403 in Kubernetes' words unless the user may do this."""
        decision = self.api.authorizer.decide(attributes)
        if not decision.allowed:
            raise denied(attributes, decision.reason)


def answer(status: int, body: Any) -> Full:
    """An object as JSON."""
    return Full(status, json.dumps(body))


def selected_name(verb: str, request: HttpRequest) -> str:
    """The one object a list or watch is about (`fieldSelector=metadata.name=web`): rules may be for it alone."""
    if verb not in ("list", "watch") or "fieldSelector" not in request.query:
        return ""
    for term in request.parameter("fieldSelector").split(","):
        field, _, value = term.partition("=")
        if field.strip() == "metadata.name" and not path_segment(name := value.removeprefix("=").strip()):
            return name
    return ""


def selected_fields(verb: str, request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """The values that a collection's field selector demands; none of one that cannot be read."""
    if verb not in ("list", "watch", "deletecollection") or "fieldSelector" not in request.query:
        return ()
    return demanded_fields(request.parameter("fieldSelector"))


def demanded_fields(selector: str) -> tuple[tuple[str, str], ...]:
    """`spec.nodeName=a,status.phase!=Failed`: that the first one is `a`."""
    try:
        terms = FieldSelector.parse(selector).terms
    except SelectorError:
        return ()
    return tuple((term.field, term.value) for term in terms if term.equal)


def field_manager(request: HttpRequest) -> str:
    """Who is to own the fields: `fieldManager`, else the client program's name before the first `/`."""
    named = request.parameter("fieldManager")
    return named or request.header("user-agent").partition("/")[0][:MAX_FIELD_MANAGER] or "unknown"


def denied(attributes: Attributes, reason: str = "") -> ApiError:
    """403 as kube-apiserver words it: who cannot do what, where."""
    user = attributes.user.name
    if not attributes.is_resource:
        message = f'User "{user}" cannot {attributes.verb} path "{attributes.path}"'
        message = f"forbidden: {message}{': ' + reason if reason else ''}"
        return ApiError("Forbidden", 403, message)
    what = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    place = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    why = f'User "{user}" cannot {attributes.verb} resource "{what}" in API group "{attributes.group}" {place}'
    return forbidden(
        attributes.resource, attributes.name, f"{why}: {reason}" if reason else why, group=attributes.group
    )
