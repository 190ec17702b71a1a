"""Which function answers which call. Modules are imported when their first call comes."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from kube_actors.api.registry import Registry, Resource
from kube_actors.errors import ApiError
from kube_actors.server.call import Call
from kube_actors.server.http import Full, Response
from kube_actors.server.request_info import RequestInfo

Answer = Callable[[Call], Awaitable[Response]]

# Verb of a stored resource -> module and function.
VERBS: Final[Mapping[str, str]] = {
    "get": "reading.get:get",
    "list": "reading.list:list_objects",
    "watch": "reading.watch:watch",
    "create": "writing.create:create",
    "update": "writing.update:update",
    "patch": "writing.patch:patch",
    "delete": "writing.delete:delete",
    "deletecollection": "writing.delete:delete_collection",
}
# Subresource (of a resource, or of all that have it) -> module and function, for every verb.
SUBRESOURCES: Final[Mapping[str, str]] = {
    "status": "subresources.status:status",
    "scale": "subresources.scale:scale",
    "approval": "subresources.status:status",
    "ephemeralcontainers": "subresources.pods:ephemeral_containers",
    "resize": "subresources.pods:resize",
    "namespaces/finalize": "subresources.finalize:finalize",
    "pods/binding": "subresources.binding:binding",
    "pods/eviction": "subresources.eviction:eviction",
    "pods/log": "streams.log:log",
    "pods/exec": "streams.exec:exec_command",
    "pods/attach": "streams.attach:attach",
    "pods/portforward": "streams.port_forward:port_forward",
    "pods/proxy": "streams.proxy:pod_proxy",
    "services/proxy": "streams.proxy:service_proxy",
    "nodes/proxy": "streams.proxy:node_proxy",
    "serviceaccounts/token": "subresources.token:token",
}
# Resources that answer without being stored.
UNSTORED: Final[Mapping[str, str]] = {
    "bindings": "subresources.binding:create_binding",
    "componentstatuses": "reading.component_statuses:component_statuses",
    "localsubjectaccessreviews.authorization.k8s.io": "reviews.access:local_subject_access_review",
    "selfsubjectaccessreviews.authorization.k8s.io": "reviews.access:self_subject_access_review",
    "selfsubjectreviews.authentication.k8s.io": "reviews.identity:self_subject_review",
    "selfsubjectrulesreviews.authorization.k8s.io": "reviews.access:self_subject_rules_review",
    "subjectaccessreviews.authorization.k8s.io": "reviews.access:subject_access_review",
    "tokenreviews.authentication.k8s.io": "reviews.identity:token_review",
}
# Plain paths, and those that begin one.
PATHS: Final[Mapping[str, str]] = {
    "/": "discovery.paths:paths",
    "/version": "discovery.version:version",
    "/healthz": "health:health",
    "/livez": "health:health",
    "/readyz": "health:health",
    "/api": "discovery.documents:legacy",
    "/apis": "discovery.documents:groups",
    "/openapi/v2": "openapi.v2:openapi_v2",
    "/openapi/v3": "openapi.v3:index",
    "/.well-known/openid-configuration": "reviews.openid:configuration",
    "/openid/v1/jwks": "reviews.openid:keys",
}
PREFIXES: Final[tuple[tuple[str, str], ...]] = (
    ("/healthz/", "health:health"),
    ("/livez/", "health:health"),
    ("/readyz/", "health:health"),
    ("/openapi/v3/", "openapi.v3:group_version"),
    ("/debug/api_priority_and_fairness/", "fairness.dump:dump"),
    ("/api/", "discovery.documents:resources"),
    ("/apis/", "discovery.documents:resources"),
)


def answer_of(call: Call) -> Answer:
    """The function that answers; ApiError 404 or 405 when there is none.

    Outside of the API's groups there is always one: Kubernetes speaks there as any web server does.
    """
    info, resource = call.info, call.resource
    if not info.is_resource:
        name = _of_path(info.path)
        return _page_not_found if name is None else _loaded(name)
    if resource is None and not is_group_of(call.api.registry, info.path):
        return _page_not_found
    if resource is None or _is_misplaced(resource, info):
        raise no_such_path()
    if info.subresource:
        return _of_subresource(call)
    if info.verb not in resource.verbs or not _suits(call.request.method, info):
        raise not_allowed()
    return _loaded(UNSTORED.get(resource.id) or VERBS[info.verb])


def _is_misplaced(resource: Resource, info: RequestInfo) -> bool:
    """Whether the path puts into a namespace what stands in none, or the other way round: of all namespaces together
    there are only lists. What may be done in a namespace was judged there, so answering would let its administrator
    delete nodes. A namespace itself has its own name for a namespace."""
    if resource.namespaced:
        return not info.namespace and (bool(info.name) or "list" not in resource.verbs)
    if not info.namespace:
        return False
    return resource.id != "namespaces" or info.name != info.namespace


def _suits(method: str, info: RequestInfo) -> bool:
    """Whether the method is one that the path has: HEAD reads with the rights of a GET, and is known nowhere."""
    return method == "GET" if info.verb == "watch" else method != "HEAD"


def _of_path(path: str) -> str | None:
    plain = path.rstrip("/") or "/"
    if plain in PATHS:
        return PATHS[plain]
    for prefix, name in PREFIXES:
        if path.startswith(prefix):
            return name
    return None


def is_group_of(registry: Registry, path: str) -> bool:
    """Whether a path lies within a group of the API, whatever there is behind it."""
    root, _, rest = path.strip("/").partition("/")
    group = rest.partition("/")[0]
    return root == "api" or (root == "apis" and any(each.group == group for each in registry))


async def _page_not_found(_call: Call) -> Full:
    return nothing_there()


def _of_subresource(call: Call) -> Answer:
    info, row = call.info, call.row
    subresource = row.subresource(info.subresource)
    name = SUBRESOURCES.get(f"{row.id}/{info.subresource}") or SUBRESOURCES.get(info.subresource)
    if subresource is None or name is None or info.verb == "watch":
        raise no_such_path()
    if info.subresource != "proxy" and (info.verb not in subresource.verbs or not _suits(call.request.method, info)):
        raise not_allowed()
    return _loaded(name)


@functools.cache
def _loaded(name: str) -> Answer:
    module, _, function = name.partition(":")
    answer: Answer = getattr(importlib.import_module(f"kube_actors.server.{module}"), function)
    return answer


def no_such_path() -> ApiError:
    """404 for a path within the API that nothing stands behind."""
    return ApiError("NotFound", 404, "the server could not find the requested resource")


def not_allowed() -> ApiError:
    """405 for a method that the path does not know."""
    return ApiError("MethodNotAllowed", 405, "the server does not allow this method on the requested resource")


def nothing_there() -> Full:
    """What is answered to any other path that nothing stands behind."""
    return Full(404, b"404 page not found\n", "text/plain; charset=utf-8")
