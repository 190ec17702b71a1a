"""The documents themselves: put together when they are first asked for, in short stretches, and kept as bytes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Any, Final, TypeVar

import attrs
import trio

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry, Resource
from kube_actors.records import define
from kube_actors.server.cached_documents import CachedDocument
from kube_actors.server.discovery.version import GIT_VERSION
from kube_actors.server.openapi import descriptions, protobuf_v2, protobuf_v3
from kube_actors.server.openapi.operations import (
    DELETE_OPTIONS,
    PATCH,
    STATUS,
    SUBRESOURCE_TYPES,
    WATCH_EVENT,
    Operation,
    about_subresource,
    operations_of,
)
from kube_actors.server.openapi.plain_paths import PlainPath, plain_paths, schemas_of
from kube_actors.server.openapi.schemas import V2, V3, Body, Dialect, Schemas, full_name
from kube_actors.server.openapi.writing import paths_v2, paths_v3

_HASH_LENGTH: Final = 32  # hexadecimal digits
_SECURITY: Final = {"BearerToken": {"type": "apiKey", "in": "header", "name": "authorization"}}
_BATCH: Final = 10  # types, operations or pieces between two pauses

T = TypeVar("T")


@define(eq=False)
class Documents:
    """The OpenAPI documents of one registry."""

    registry: Registry
    _made: dict[str, CachedDocument] = attrs.field(factory=dict, init=False)

    @functools.cached_property
    def paths(self) -> dict[str, str]:
        """`apis/apps/v1` -> the hash of its document. What a document says depends on these hashes' sources alone."""
        return {path: self._hash(path) for path in sorted(each.document for each in self._plain)}

    @functools.cached_property
    def index(self) -> CachedDocument:
        """`/openapi/v3`: where the documents are, with their hashes."""
        return CachedDocument.of({"paths": {path: {"serverRelativeURL": self.url(path)} for path in self.paths}})

    def url(self, path: str) -> str:
        """Where the newest document of a path is."""
        return f"/openapi/v3/{path}?hash={self.paths[path]}"

    async def version_3(self, path: str) -> CachedDocument:
        """The document of one path: a group and version (`apis/apps/v1`), or what is no resource (`apis`, `version`).
        KeyError when there is none."""
        if path not in self._made:
            hash_ = self.paths[path]
            self._made[path] = CachedDocument(json.dumps(await self._document_v3(path)), hash_)
        return self._made[path]

    async def version_3_protobuf(self, path: str) -> CachedDocument:
        """The same in protobuf, known by the same hash. KeyError when there is none."""
        name = f"protobuf {path}"
        if name not in self._made:
            hash_ = self.paths[path]
            written = await _in_short_stretches(protobuf_v3.pieces(await self._document_v3(path)))
            self._made[name] = CachedDocument(b"".join(written), hash_)
        return self._made[name]

    async def version_2(self) -> CachedDocument:
        """The document of everything."""
        if "v2" not in self._made:
            self._made["v2"] = CachedDocument(json.dumps(await self._document_v2()), self._hash("v2"))
        return self._made["v2"]

    async def version_2_protobuf(self) -> CachedDocument:
        """The same in protobuf."""
        if "protobuf" not in self._made:
            written = await _in_short_stretches(protobuf_v2.pieces(await self._document_v2()))
            self._made["protobuf"] = CachedDocument(b"".join(written), self._hash("protobuf"))
        return self._made["protobuf"]

    async def _document_v3(self, path: str) -> Body:
        known = [each for each in self.registry if _path(each) == path]
        plain = [each.operation for each in self._plain if each.document == path]
        return await _document_v3(self.registry, known, plain)

    async def _document_v2(self) -> Body:
        return await _document_v2(self.registry, [each.operation for each in self._plain])

    @functools.cached_property
    def _plain(self) -> list[PlainPath]:
        return list(plain_paths(self.registry))

    def _hash(self, path: str) -> str:
        return hashlib.sha512(self._sources + path.encode()).hexdigest()[:_HASH_LENGTH].upper()

    @functools.cached_property
    def _sources(self) -> bytes:
        """Everything the documents are made of in short: the facts, the texts, and the program that writes them.

        So that a client's copies can be told to be good without anything being made.
        """
        parts = [resources.files("kube_actors.api").joinpath("facts.json").read_bytes()]
        package = sorted(resources.files(__package__).iterdir(), key=lambda each: each.name)
        parts += [each.read_bytes() for each in package if each.name.endswith(".py")]
        parts.append(str(descriptions.source()).encode())
        return hashlib.sha512(b"".join(parts)).digest()


@functools.lru_cache(maxsize=8)
def documents_of(registry: Registry) -> Documents:
    """The documents of a registry, the same ones each time."""
    return Documents(registry)


def _path(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"


async def _document_v3(registry: Registry, known: Sequence[Resource], plain: list[Operation]) -> Body:
    operations = plain + await _in_short_stretches(each for resource in known for each in operations_of(resource))
    schemas = (await _schemas(registry, known, V3) if known else {}) | schemas_of(plain, V3)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": paths_v3(operations),
        "components": {**({"schemas": schemas} if schemas else {}), "securitySchemes": _SECURITY},
        "security": [{"BearerToken": []}],
    }


async def _document_v2(registry: Registry, plain: list[Operation]) -> Body:
    operations = plain + await _in_short_stretches(each for resource in registry for each in operations_of(resource))
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": paths_v2(operations),
        "definitions": await _schemas(registry, list(registry), V2) | schemas_of(plain, V2),
        "securityDefinitions": _SECURITY,
        "security": [{"BearerToken": []}],
    }


async def _in_short_stretches(parts: Iterable[T]) -> list[T]:
    """All of something that is made part by part, with pauses for others."""
    found = []
    for index, part in enumerate(parts):
        found.append(part)
        if index % _BATCH == 0:
            await trio.lowlevel.checkpoint()
    return found


async def _schemas(registry: Registry, known: Sequence[Resource], dialect: Dialect) -> Body:
    """The schemas of these resources, of their lists, of what their subresources speak, and of the common kinds."""
    texts = descriptions.load()
    await trio.lowlevel.checkpoint()
    schemas = Schemas(dialect, texts)
    await _in_short_stretches(_added(schemas, registry, known))
    for resource in known:
        if "list" in resource.verbs:
            schemas.add_list(resource.type_name, _kind(resource.group, resource.version, f"{resource.kind}List"))
    schemas.found |= _free_schemas()
    return schemas.found


def _added(schemas: Schemas, registry: Registry, known: Sequence[Resource]) -> Iterator[None]:
    for resource in known:
        yield from schemas.add(resource.schema.root, [_kind(resource.group, resource.version, resource.kind)])
        for subresource in resource.subresources:
            if subresource.kind in SUBRESOURCE_TYPES:
                root = registry.type_schema(SUBRESOURCE_TYPES[subresource.kind]).root
                yield from schemas.add(root, [about_subresource(resource, subresource).as_dict()])
    everywhere = sorted({(each.group, each.version) for each in registry})
    options = [_kind(group, version, "DeleteOptions") for group, version in everywhere]
    yield from schemas.add(registry.type_schema(DELETE_OPTIONS).root, options)
    yield from schemas.add(registry.type_schema(STATUS).root, [_kind("", "v1", "Status")])


def _free_schemas() -> Body:
    """Kinds that hold anything: patches, and events of a watch."""
    event: Body = {
        "type": "object",
        "properties": {
            "object": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "type": {"type": "string"},
        },
        "required": ["type", "object"],
        "x-kubernetes-group-version-kind": [_kind("", "v1", "WatchEvent")],
    }
    return {full_name(PATCH): {"type": "object"}, full_name(WATCH_EVENT): event}


def _kind(group: str, version: str, kind: str) -> dict[str, Any]:
    return {"group": group, "kind": kind, "version": version}
