"""What objects contain: a schema for every type that can be reached from a resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kube_actors.api.types import Kind, Node, ObjectType
from kube_actors.records import frozen
from kube_actors.server.openapi.descriptions import Descriptions

Body = dict[str, Any]

_PREFIXES: Final = {
    "meta": "io.k8s.apimachinery.pkg.apis.meta",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "version": "io.k8s.apimachinery.pkg.version",
}
# Kinds of values that have a name of their own in the document.
NAMED_KINDS: Final[Mapping[Kind, str]] = {
    Kind.QUANTITY: "io.k8s.apimachinery.pkg.api.resource.Quantity",
    Kind.INT_OR_STRING: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    Kind.TIME: "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    Kind.MICRO_TIME: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
}
_PLAIN_KINDS: Final[Mapping[Kind, Body]] = {
    Kind.STRING: {"type": "string"},
    Kind.INT32: {"type": "integer", "format": "int32"},
    Kind.INT64: {"type": "integer", "format": "int64"},
    Kind.BOOL: {"type": "boolean"},
    Kind.DOUBLE: {"type": "number", "format": "double"},
    Kind.BYTES: {"type": "string", "format": "byte"},
}
# Fields that may hold anything, by the short name of their type and their own -> what Kubernetes calls that.
_RAW: Final = "io.k8s.apimachinery.pkg.runtime.RawExtension"
_JSON: Final = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON"
_ANYTHING: Final[Mapping[tuple[str, str], str]] = {
    ("apiextensions.v1.JSONSchemaProps", "additionalItems"): f"{_JSON}SchemaPropsOrBool",
    ("apiextensions.v1.JSONSchemaProps", "additionalProperties"): f"{_JSON}SchemaPropsOrBool",
    ("apiextensions.v1.JSONSchemaProps", "default"): _JSON,
    ("apiextensions.v1.JSONSchemaProps", "dependencies"): f"{_JSON}SchemaPropsOrStringArray",
    ("apiextensions.v1.JSONSchemaProps", "enum"): _JSON,
    ("apiextensions.v1.JSONSchemaProps", "example"): _JSON,
    ("apiextensions.v1.JSONSchemaProps", "items"): f"{_JSON}SchemaPropsOrArray",
    ("meta.v1.ManagedFieldsEntry", "fieldsV1"): "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
}


def full_name(type_name: str) -> str:
    """`core.v1.Pod` -> `io.k8s.api.core.v1.Pod`: the name of a type in OpenAPI."""
    group, _, rest = type_name.partition(".")
    return f"{_PREFIXES.get(group, f'io.k8s.api.{group}')}.{rest}"


@frozen
class Dialect:
    """How a version of OpenAPI writes schemas.

    `reference`: how a reference to a named schema begins. `wraps_references`: whether it may only stand alone, so that
    what is said beside it needs an `allOf`. `named`: the schemas of `NAMED_KINDS`.
    """

    reference: str
    wraps_references: bool
    named: Mapping[Kind, Body]

    def refer(self, name: str) -> Body:
        """A reference to a schema by its full name."""
        return {"$ref": self.reference + name}


V2: Final = Dialect(
    "#/definitions/",
    False,
    {
        Kind.QUANTITY: {"type": "string"},
        Kind.INT_OR_STRING: {"type": "string", "format": "int-or-string"},
        Kind.TIME: {"type": "string", "format": "date-time"},
        Kind.MICRO_TIME: {"type": "string", "format": "date-time"},
    },
)
V3: Final = Dialect(
    "#/components/schemas/",
    True,
    {
        Kind.QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
        Kind.INT_OR_STRING: {
            "format": "int-or-string",
            "oneOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
        },
        Kind.TIME: {"type": "string", "format": "date-time"},
        Kind.MICRO_TIME: {"type": "string", "format": "date-time"},
    },
)


class Schemas:
    """Collects the schemas of types, and of all types they refer to, in one dialect."""

    def __init__(self, dialect: Dialect, descriptions: Descriptions) -> None:
        self.found: dict[str, Body] = {}
        self._dialect = dialect
        self._descriptions = descriptions

    def add(self, root: Node, gvks: list[dict[str, str]]) -> Iterator[None]:
        """Add a type, with the kinds it stands for, and those it reaches; pauses after each, to be gone on with."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.kind in NAMED_KINDS:
                self.found.setdefault(NAMED_KINDS[node.kind], self._named(node.kind))
            elif node.object_type is not None and full_name(node.object_type.name) not in self.found:
                self._add_type(node.object_type)
                waiting += node.object_type.fields.values()
                yield
            elif node.items is not None:
                waiting.append(node.items)
        if gvks and root.object_type is not None:
            self.found[full_name(root.object_type.name)]["x-kubernetes-group-version-kind"] = gvks

    def add_list(self, of: str, gvk: dict[str, str]) -> None:
        """Add the list of objects of a type, which no facts describe: all lists are alike."""
        name = full_name(f"{of}List")
        fields: dict[str, Body] = {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": self._dialect.refer(full_name(of))},
            "kind": {"type": "string"},
            "metadata": self._dialect.refer(full_name("meta.v1.ListMeta")),
        }
        schema = {
            "type": "object",
            "properties": {field: self._described_field(each, name, field) for field, each in fields.items()},
            "required": ["items"],
            "x-kubernetes-group-version-kind": [gvk],
        }
        self.found[name] = self._described(schema, name, "")

    def _named(self, kind: Kind) -> Body:
        return self._described(dict(self._dialect.named[kind]), NAMED_KINDS[kind], "")

    def _add_type(self, type_: ObjectType) -> None:
        name = full_name(type_.name)
        schema: Body = {"type": "object"}
        if type_.fields:
            schema["properties"] = {
                field: self._property(node, type_, field) for field, node in sorted(type_.fields.items())
            }
        if type_.declared:
            schema["required"] = list(type_.declared)
        if type_.atomic:
            schema["x-kubernetes-map-type"] = "atomic"
        self.found[name] = self._described(schema, name, "")

    def _property(self, node: Node, owner: ObjectType, field: str) -> Body:
        schema = {**self._value(node, _ANYTHING.get((owner.name, field), _RAW)), **_extensions(node)}
        return self._described_field(schema, full_name(owner.name), field)

    def _described_field(self, schema: Body, type_name: str, field: str) -> Body:
        schema = self._described(schema, type_name, field)
        if "$ref" in schema and len(schema) > 1 and self._dialect.wraps_references:
            schema = {"allOf": [{"$ref": schema.pop("$ref")}], **schema}
        return schema

    def _value(self, node: Node, anything: str) -> Body:
        """The schema of a value, without what is special about its place. `anything` is the name of what may be any."""
        if node.preserves_unknown:
            return self._any(anything)
        if node.object_type is not None:
            return self._dialect.refer(full_name(node.object_type.name))
        if node.kind in NAMED_KINDS:
            return self._dialect.refer(NAMED_KINDS[node.kind])
        if node.items is not None:
            name = "items" if node.kind is Kind.LIST else "additionalProperties"
            schema: Body = {
                "type": "array" if node.kind is Kind.LIST else "object",
                name: self._value(node.items, anything),
            }
        else:
            schema = dict(_PLAIN_KINDS[node.kind])
        if node.enum and node.kind is Kind.STRING:
            schema["enum"] = list(node.enum)
        return schema

    def _any(self, name: str) -> Body:
        """A reference to a schema that allows any object, or any JSON."""
        if name not in self.found:
            schema: Body = {"x-kubernetes-preserve-unknown-fields": True}
            self.found[name] = self._described(
                schema if name.startswith(_JSON) else {"type": "object", **schema}, name, ""
            )
        return self._dialect.refer(name)

    def _described(self, schema: Body, type_name: str, field: str) -> Body:
        text = self._descriptions.get((type_name, field), "")
        return {**schema, "description": text} if text else schema


def _extensions(node: Node) -> Body:
    """How lists, maps and objects of this place are merged."""
    said: Body = {}
    if node.kind is Kind.LIST:
        said["x-kubernetes-list-type"] = node.list_type
        if node.list_keys:
            said["x-kubernetes-list-map-keys"] = list(node.list_keys)
    elif node.atomic:
        said["x-kubernetes-map-type"] = "atomic"
    elif node.object_type is not None and node.object_type.atomic:
        said["x-kubernetes-map-type"] = "granular"
    if node.patch_merge_key:
        said["x-kubernetes-patch-merge-key"] = node.patch_merge_key
    if node.patch_strategies:
        said["x-kubernetes-patch-strategy"] = ",".join(sorted(node.patch_strategies))
    return said
