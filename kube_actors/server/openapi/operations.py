"""What can be done to a resource: an `Operation` for every path and method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.api.registry import Resource, Subresource
from kube_actors.records import frozen
from kube_actors.server.discovery.groups import KINDS_ELSEWHERE
from kube_actors.server.openapi import parameters as query
from kube_actors.server.openapi.parameters import Parameter

DELETE_OPTIONS: Final = "meta.v1.DeleteOptions"
STATUS: Final = "meta.v1.Status"
PATCH: Final = "meta.v1.Patch"
WATCH_EVENT: Final = "meta.v1.WatchEvent"
TEXT: Final = "string"
"""In place of a type: plain text."""

# Kinds of subresources that no resource stands for: kind -> its type.
SUBRESOURCE_TYPES: Final = {
    "Binding": "core.v1.Binding",
    "Eviction": "policy.v1.Eviction",
    "Scale": "autoscaling.v1.Scale",
    "TokenRequest": "authentication.v1.TokenRequest",
}
_CONNECT_METHODS: Final = {"create": "post", "get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_PROXY_METHODS: Final = ("delete", "get", "head", "options", "patch", "post", "put")


@frozen
class GroupVersionKind:
    """What an operation is about."""

    group: str
    version: str
    kind: str

    def as_dict(self) -> dict[str, str]:
        """As `x-kubernetes-group-version-kind` has it."""
        return {"group": self.group, "kind": self.kind, "version": self.version}


@frozen
class Operation:
    """One method of one path. `action` is Kubernetes' word for it (`list`, `post`, `connect`).

    `id` is unique in all documents; `body` and `answer` are names of types, empty for none; `codes` are those of
    success. `streams`: the answer may be a watch. A path that is no resource has no action and is about no kind;
    `tag` is the chapter it belongs to, and `produces` says what it answers in where that is not the usual.
    """

    path: str
    method: str
    action: str
    id: str
    description: str
    about: GroupVersionKind | None
    answer: str
    body: str = ""
    codes: tuple[int, ...] = (200,)
    query: tuple[Parameter, ...] = ()
    streams: bool = False
    tag: str = ""
    produces: tuple[str, ...] | None = None


def operations_of(resource: Resource) -> Iterator[Operation]:
    """Everything that can be done to a resource and its subresources."""
    about = GroupVersionKind(resource.group, resource.version, resource.kind)
    names = _Names(resource)
    yield from _of_collection(resource, names, about)
    yield from _of_one(resource, names, about)
    for subresource in resource.subresources:
        yield from _of_subresource(resource, subresource, names)
    yield from _watches(resource, names, about)


@frozen
class _Names:
    """Paths and operation ids of a resource."""

    resource: Resource

    @property
    def root(self) -> str:
        """`/apis/apps/v1`."""
        resource = self.resource
        return f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"

    @property
    def collection(self) -> str:
        """The path of all objects, in a namespace where there are any."""
        namespace = "/namespaces/{namespace}" if self.resource.namespaced else ""
        return f"{self.root}{namespace}/{self.resource.plural}"

    @property
    def one(self) -> str:
        """The path of one object."""
        return self.collection + "/{name}"

    def watched(self, path: str) -> str:
        """The old path of a watch."""
        return f"{self.root}/watch{path.removeprefix(self.root)}"

    def id(self, verb: str, suffix: str = "", middle: str = "", *, everywhere: bool = False) -> str:
        """`readAppsV1NamespacedDeploymentStatus`."""
        namespaced = "Namespaced" if self.resource.namespaced and not everywhere else ""
        resource = self.resource
        group = group_words(resource.group) + resource.version.capitalize()
        return f"{verb}{group}{middle}{namespaced}{resource.kind}{suffix}"


def group_words(group: str) -> str:
    """`RbacAuthorization`, `Core`: a group in the ids of its operations."""
    words = group.removesuffix(".k8s.io").split(".") if group else ["core"]
    return "".join(word.capitalize() for word in words)


def tag_of(group: str) -> str:
    """`rbacAuthorization`, `core`: a group as a chapter."""
    first, *rest = (group.removesuffix(".k8s.io") or "core").split(".")
    return f"{first}{''.join(each.capitalize() for each in rest)}"


def _of_collection(resource: Resource, names: _Names, about: GroupVersionKind) -> Iterator[Operation]:
    kind, list_type = resource.kind, f"{resource.type_name}List"
    if "list" in resource.verbs:
        what = f"list or watch objects of kind {kind}"
        paths = [(names.collection, names.id("list"))]
        if resource.namespaced:
            every = names.id("list", "ForAllNamespaces", everywhere=True)
            paths.append((f"{names.root}/{resource.plural}", every))
        for path, id_ in paths:
            yield Operation(path, "get", "list", id_, what, about, list_type, query=query.LIST, streams=True)
    if "create" in resource.verbs:
        yield Operation(
            names.collection,
            "post",
            "post",
            names.id("create"),
            f"create a {kind}",
            about,
            resource.type_name,
            resource.type_name,
            (200, 201, 202),
            query.CREATE,
        )
    if "deletecollection" in resource.verbs:
        id_ = names.id("delete", middle="Collection")
        what = f"delete all objects of kind {kind} that are selected"
        path = names.collection
        selected = query.DELETE_COLLECTION
        yield Operation(path, "delete", "deletecollection", id_, what, about, STATUS, DELETE_OPTIONS, query=selected)


def _of_one(resource: Resource, names: _Names, about: GroupVersionKind) -> Iterator[Operation]:
    kind, type_ = resource.kind, resource.type_name
    if "get" in resource.verbs:
        yield Operation(names.one, "get", "get", names.id("read"), f"read one {kind}", about, type_)
    yield from _changes(names.one, set(resource.verbs), names, "", about, type_)
    if "delete" in resource.verbs:
        id_, what, gone = names.id("delete"), f"delete a {kind}", STATUS if resource.id != "pods" else type_
        codes = (200, 202)
        yield Operation(names.one, "delete", "delete", id_, what, about, gone, DELETE_OPTIONS, codes, query.DELETE)


def _changes(
    path: str, verbs: set[str], names: _Names, suffix: str, about: GroupVersionKind, type_: str
) -> Iterator[Operation]:
    """Replacing and patching an object, or a part of it."""
    what = f"{suffix.lower()} of the {names.resource.kind}" if suffix else f"the {names.resource.kind}"
    if "update" in verbs:
        id_, codes = names.id("replace", suffix), (200, 201)
        yield Operation(path, "put", "put", id_, f"replace {what}", about, type_, type_, codes, query.CREATE)
    if "patch" in verbs:
        id_, codes = names.id("patch", suffix), (200, 201)
        yield Operation(path, "patch", "patch", id_, f"change {what} in part", about, type_, PATCH, codes, query.PATCH)


def _of_subresource(resource: Resource, subresource: Subresource, names: _Names) -> Iterator[Operation]:
    path, suffix = f"{names.one}/{subresource.name}", subresource.name.capitalize()
    if subresource.name in query.CONNECT:
        yield from _connections(resource, subresource, names, path, suffix)
        return
    type_ = SUBRESOURCE_TYPES.get(subresource.kind, resource.type_name)
    about = about_subresource(resource, subresource)
    what = f"{subresource.name} of the {resource.kind}"
    if subresource.name == "log":
        yield Operation(path, "get", "get", names.id("read", suffix), f"read {what}", about, TEXT, query=query.LOG)
        return
    if "get" in subresource.verbs:
        yield Operation(path, "get", "get", names.id("read", suffix), f"read {what}", about, type_)
    if "create" in subresource.verbs:
        id_, codes = names.id("create", suffix), (200, 201, 202)
        yield Operation(path, "post", "post", id_, f"create {what}", about, type_, type_, codes, query.CREATE)
    yield from _changes(path, set(subresource.verbs), names, suffix, about, type_)


def about_subresource(resource: Resource, subresource: Subresource) -> GroupVersionKind:
    """The kind that a subresource speaks, which may be one of another group."""
    group, version = KINDS_ELSEWHERE.get(subresource.kind, (resource.group, resource.version))
    return GroupVersionKind(group, version, subresource.kind)


def _connections(
    resource: Resource, subresource: Subresource, names: _Names, path: str, suffix: str
) -> Iterator[Operation]:
    """Streams and proxied requests; a proxy takes every method, and a path of its own."""
    about = GroupVersionKind(resource.group, resource.version, subresource.kind)
    asked, what = query.CONNECT[subresource.name], f"connect to {subresource.name} of the {resource.kind}"
    proxy = subresource.name == "proxy"
    methods = _PROXY_METHODS if proxy else tuple(_CONNECT_METHODS[verb] for verb in subresource.verbs)
    for method in methods:
        id_ = names.id("connect", suffix, method.capitalize())
        yield Operation(path, method, "connect", id_, what, about, TEXT, query=asked)
        if proxy:
            yield Operation(f"{path}/{{path}}", method, "connect", f"{id_}WithPath", what, about, TEXT, query=asked)


def _watches(resource: Resource, names: _Names, about: GroupVersionKind) -> Iterator[Operation]:
    """The old paths of watches, which clients are asked not to use any more."""
    if "watch" not in resource.verbs:
        return
    note = f"watch objects of kind {resource.kind}; deprecated: list with the parameter `watch`"
    places = [
        (names.collection, "watchlist", names.id("watch", "List")),
        (names.one, "watch", names.id("watch")),
    ]
    if resource.namespaced:
        every = names.id("watch", "ListForAllNamespaces", everywhere=True)
        places.append((f"{names.root}/{resource.plural}", "watchlist", every))
    for path, action, id_ in places:
        path = names.watched(path)
        yield Operation(path, "get", action, id_, note, about, WATCH_EVENT, query=query.LIST, streams=True)
