"""The paths that are no resources: discovery, the version, the keys of tokens. Each has a document of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kube_actors.api.registry import Registry
from kube_actors.records import frozen
from kube_actors.server.discovery.groups import versions_by_group
from kube_actors.server.openapi.operations import TEXT, Operation, group_words, tag_of
from kube_actors.server.openapi.schemas import Body, Dialect, full_name

_META: Final = "meta.v1."
_JSON: Final = ("application/json",)
_VERSION_INFO: Final = "version.Info"
# Kinds of discovery, which no object has: type -> field -> what it is. `[]` is a list, a capital begins a type of
# `meta.v1`, and a field with a `!` is always there.
_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    f"{_META}APIVersions": {
        "apiVersion": "string",
        "kind": "string",
        "serverAddressByClientCIDRs!": "[]ServerAddressByClientCIDR",
        "versions!": "[]string",
    },
    f"{_META}ServerAddressByClientCIDR": {"clientCIDR!": "string", "serverAddress!": "string"},
    f"{_META}APIGroupList": {"apiVersion": "string", "groups!": "[]APIGroup", "kind": "string"},
    f"{_META}APIGroup": {
        "apiVersion": "string",
        "kind": "string",
        "name!": "string",
        "preferredVersion": "GroupVersionForDiscovery",
        "serverAddressByClientCIDRs": "[]ServerAddressByClientCIDR",
        "versions!": "[]GroupVersionForDiscovery",
    },
    f"{_META}GroupVersionForDiscovery": {"groupVersion!": "string", "version!": "string"},
    f"{_META}APIResourceList": {
        "apiVersion": "string",
        "groupVersion!": "string",
        "kind": "string",
        "resources!": "[]APIResource",
    },
    f"{_META}APIResource": {
        "categories": "[]string",
        "group": "string",
        "kind!": "string",
        "name!": "string",
        "namespaced!": "boolean",
        "shortNames": "[]string",
        "singularName!": "string",
        "storageVersionHash": "string",
        "verbs!": "[]string",
        "version": "string",
    },
    _VERSION_INFO: {
        "buildDate!": "string",
        "compiler!": "string",
        "emulationMajor": "string",
        "emulationMinor": "string",
        "gitCommit!": "string",
        "gitTreeState!": "string",
        "gitVersion!": "string",
        "goVersion!": "string",
        "major!": "string",
        "minCompatibilityMajor": "string",
        "minCompatibilityMinor": "string",
        "minor!": "string",
        "platform!": "string",
    },
}
_OBJECTS: Final = ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions")


@frozen
class PlainPath:
    """A path of the server, and the document that describes it (`/openapi/v3/<document>`)."""

    document: str
    operation: Operation


def plain_paths(registry: Registry) -> Iterator[PlainPath]:
    """All of them. What is in a group's version is described with its resources, by the path of the same name."""
    yield _path("api", "getCoreAPIVersions", "the versions of the core group", "core", f"{_META}APIVersions")
    yield _path("apis", "getAPIVersions", "the named groups and their versions", "apis", f"{_META}APIGroupList")
    for group, versions in versions_by_group(registry).items():
        words = group_words(group)
        if group:
            answer = f"{_META}APIGroup"
            yield _path(f"apis/{group}", f"get{words}APIGroup", f"the versions of {group}", tag_of(group), answer)
        for version in versions:
            root, id_ = f"apis/{group}" if group else "api", f"get{words}{version.capitalize()}APIResources"
            tag, answer = f"{tag_of(group)}_{version}", f"{_META}APIResourceList"
            yield _path(f"{root}/{version}", id_, "the resources that there are", tag, answer)
    yield _path("version", "getCodeVersion", "the version of the server", "version", _VERSION_INFO, _JSON)
    issuer, key_set = ".well-known/openid-configuration", "openid/v1/jwks"
    id_, what = "getServiceAccountIssuerOpenIDConfiguration", "who issues the tokens of service accounts"
    yield _path(issuer, id_, what, "WellKnown", TEXT, _JSON)
    id_, what = "getServiceAccountIssuerOpenIDKeyset", "the keys that tokens of service accounts are checked with"
    yield _path(key_set, id_, what, "openid", TEXT, ("application/jwk-set+json",))


def _path(
    document: str, id_: str, what: str, tag: str, answer: str, media_types: tuple[str, ...] | None = None
) -> PlainPath:
    operation = Operation(f"/{document}/", "get", "", id_, f"get {what}", None, answer, tag=tag, produces=media_types)
    return PlainPath(document, operation)


def schemas_of(operations: list[Operation], dialect: Dialect) -> Body:
    """The schemas of what plain paths answer with, and of all that is in it."""
    found: Body = {}
    waiting = [each.answer for each in operations if each.answer in _TYPES]
    while waiting:
        name = waiting.pop()
        if full_name(name) not in found:
            found[full_name(name)] = _schema(name, dialect)
            kinds = (kind.removeprefix("[]") for kind in _TYPES[name].values())
            waiting += [f"{_META}{kind}" for kind in kinds if kind[0].isupper()]
    return found


def _schema(name: str, dialect: Dialect) -> Body:
    fields = _TYPES[name]
    schema: Body = {
        "type": "object",
        "properties": {field.rstrip("!"): _value(kind, dialect) for field, kind in fields.items()},
        "required": [field.rstrip("!") for field in fields if field.endswith("!")],
    }
    kind = name.removeprefix(_META)
    if kind in _OBJECTS:
        schema["x-kubernetes-group-version-kind"] = [{"group": "", "kind": kind, "version": "v1"}]
    return schema


def _value(kind: str, dialect: Dialect) -> Body:
    if kind.startswith("[]"):
        items = _value(kind[2:], dialect)
        return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}
    return dialect.refer(full_name(f"{_META}{kind}")) if kind[0].isupper() else {"type": kind}
