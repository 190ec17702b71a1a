"""Discovery documents, made from the registry: one by one as they always were, and all in one (aggregated)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, Final

from kube_actors.api.registry import Registry, Resource, Subresource

Body = dict[str, Any]

# Kinds of subresources that belong to another group than their resource: kind -> (group, version).
KINDS_ELSEWHERE: Final = {
    "Eviction": ("policy", "v1"),
    "Scale": ("autoscaling", "v1"),
    "TokenRequest": ("authentication.k8s.io", "v1"),
}


def versions_by_group(registry: Registry) -> dict[str, list[str]]:
    """Group -> its versions, the preferred one first; groups in the order of the registry."""
    found: dict[str, list[str]] = {}
    for resource in registry:
        versions = found.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return found


def api_versions(server_address: str) -> Body:
    """`/api`: the versions of the core group. `server_address` is where the client reached the server."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def group_list(registry: Registry) -> Body:
    """`/apis`: all groups but the core one."""
    groups = versions_by_group(registry)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, versions) for name, versions in groups.items() if name],
    }


def group(registry: Registry, name: str) -> Body:
    """`/apis/GROUP`; KeyError when there is no such group."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions_by_group(registry)[name])}


def resource_list(registry: Registry, group: str, version: str) -> Body:
    """`/apis/GROUP/VERSION` or `/api/v1`: the resources of this version and their subresources."""
    resources = sorted(_resources(registry, group, version), key=lambda each: each.plural)
    api_version = {"apiVersion": "v1"} if group else {}
    return {
        "kind": "APIResourceList",
        **api_version,
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": [entry for resource in resources for entry in _entries(resource, registry)],
    }


def aggregated(registry: Registry, groups: Iterable[str], version: str) -> Body:
    """All of these groups in one `APIGroupDiscoveryList` of `apidiscovery.k8s.io/<version>`."""
    known = versions_by_group(registry)
    items = []
    for name in groups:
        versions = [_aggregated_version(registry, name, each) for each in known[name]]
        items.append({"metadata": {"name": name} if name else {}, "versions": versions})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def storage_version_hash(stored: Resource) -> str:
    """What tells clients that objects of a kind are kept in the same form: a hash of group, version and kind."""
    digest = hashlib.sha256(f"{stored.group}/{stored.version}/{stored.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def _resources(registry: Registry, group: str, version: str) -> list[Resource]:
    return [each for each in registry if (each.group, each.version) == (group, version)]


def _group(name: str, versions: list[str]) -> Body:
    known = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": known, "preferredVersion": known[0]}


def _entries(resource: Resource, registry: Registry) -> list[Body]:
    """A resource and its subresources as `APIResource`s."""
    entry: Body = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if "watch" in resource.verbs:
        entry["storageVersionHash"] = storage_version_hash(registry.storage_of(resource))
    return [entry, *(_subentry(resource, each) for each in resource.subresources)]


def _subentry(resource: Resource, subresource: Subresource) -> Body:
    elsewhere = KINDS_ELSEWHERE.get(subresource.kind)
    place = {} if elsewhere is None else {"group": elsewhere[0], "version": elsewhere[1]}
    return {
        "name": f"{resource.plural}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **place,
        "kind": subresource.kind,
        "verbs": list(subresource.verbs),
    }


def _aggregated_version(registry: Registry, name: str, version: str) -> Body:
    resources = sorted(_resources(registry, name, version), key=lambda each: each.plural)
    return {
        "version": version,
        "resources": [_aggregated_resource(each) for each in resources],
        "freshness": "Current",
    }


def _aggregated_resource(resource: Resource) -> Body:
    entry: Body = {
        "resource": resource.plural,
        "responseKind": _response_kind(resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": each.name, "responseKind": _response_kind(each.kind), "verbs": list(each.verbs)}
            for each in resource.subresources
        ]
    return entry


def _response_kind(kind: str) -> Body:
    """Group and version are only said when they are not those of the list."""
    group, version = KINDS_ELSEWHERE.get(kind, ("", ""))
    return {"group": group, "version": version, "kind": kind}
