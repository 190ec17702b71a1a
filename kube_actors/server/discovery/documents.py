"""The handlers of `/api` and `/apis` and of what lies below them."""

from __future__ import annotations

import functools
from typing import Final

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry
from kube_actors.server.cached_documents import VARY, CachedDocument, check_get
from kube_actors.server.call import Call
from kube_actors.server.discovery import groups as make
from kube_actors.server.http import JSON, Full, Response
from kube_actors.server.reading.accept import OBJECTS, PLAIN, STREAMS, clauses
from kube_actors.server.reading.negotiation import encoded, negotiate
from kube_actors.server.routes import is_group_of, no_such_path, nothing_there

_GROUP: Final = "apidiscovery.k8s.io"
_VERSIONS: Final = ("v2", "v2beta1")
_KIND: Final = "APIGroupDiscoveryList"
_PUBLIC: Final = (("Cache-Control", "public"),)


async def legacy(call: Call) -> Response:
    """`/api`: the versions of the core group, or everything in it."""
    version = _aggregated_version(call)
    if version:
        return _aggregated(call, version, core=True)
    return _plain(call, json.dumps(make.api_versions(call.request.header("host"))))


async def groups(call: Call) -> Response:
    """`/apis`: the named groups, or everything in them."""
    version = _aggregated_version(call)
    if version:
        return _aggregated(call, version, core=False)
    return _plain(call, _plain_documents(call.api.registry)["/apis"])


async def resources(call: Call) -> Response:
    """`/api/v1`, `/apis/GROUP` and `/apis/GROUP/VERSION`. ApiError 404 when there is no such version."""
    check_get(call)
    registry = call.api.registry
    document = _plain_documents(registry).get(call.info.path.rstrip("/"))
    if document is None and not is_group_of(registry, call.info.path):
        return nothing_there()
    if document is None:
        raise no_such_path()
    return _plain(call, document)


def _aggregated_version(call: Call) -> str:
    """The version of aggregated discovery that the client prefers; empty when it wants the plain documents."""
    check_get(call)
    for clause in clauses(call.request.header("accept")):
        wanted = clause.parameters.get("as"), clause.parameters.get("g"), clause.parameters.get("v")
        if wanted == (None, None, None) and any(map(clause.matches, OBJECTS)):
            return ""
        if wanted[:2] == (_KIND, _GROUP) and wanted[2] in _VERSIONS and any(map(clause.matches, STREAMS)):
            return wanted[2]
    return ""


def _aggregated(call: Call, version: str, *, core: bool) -> Full:
    content_type = f"{JSON};g={_GROUP};v={version};as={_KIND}"
    return _aggregated_document(call.api.registry, version, core).answer(call, content_type, _PUBLIC)


@functools.lru_cache(maxsize=8)
def _aggregated_document(registry: Registry, version: str, core: bool) -> CachedDocument:
    names = [name for name in make.versions_by_group(registry) if (name == "") is core]
    return CachedDocument.of(make.aggregated(registry, names, version))


@functools.lru_cache(maxsize=8)
def _plain_documents(registry: Registry) -> dict[str, bytes]:
    """Path -> document, but for `/api`, which is different for each client. Members stand as Kubernetes writes them."""
    found = {"/apis": make.group_list(registry)}
    for group, versions in make.versions_by_group(registry).items():
        root = f"/apis/{group}" if group else "/api"
        for version in versions:
            found[f"{root}/{version}"] = make.resource_list(registry, group, version)
        if group:
            found[root] = make.group(registry, group)
    return {path: json.dumps_as_given(body) for path, body in found.items()}


def _plain(call: Call, document: bytes) -> Full:
    answer = encoded(negotiate(call.request, forms=PLAIN), document)
    return attrs.evolve(answer, headers=(*answer.headers, *VARY))
