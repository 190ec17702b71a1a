"""The types of the API: what a field holds and how lists and maps merge.

A `Node` describes one place of an object (`spec.template.spec.containers`): its type and, because two fields of one
type may differ in this, how it is listed, merged and restricted. An `ObjectType` is a Kubernetes struct; its fields are
compiled from the facts when somebody first asks for them, which also lets types contain themselves.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from typing import Any, Final

import attrs

from kube_actors.records import define, frozen

FieldFacts = str | Mapping[str, Any]


class Kind(enum.Enum):
    """What a place holds. `ANY` keeps whatever JSON is there (`RawExtension`, `FieldsV1`, parts of a CRD's schema)."""

    OBJECT = "object"
    MAP = "map"
    LIST = "list"
    STRING = "string"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    DOUBLE = "double"
    QUANTITY = "quantity"
    INT_OR_STRING = "intOrString"
    TIME = "time"
    MICRO_TIME = "microTime"
    BYTES = "bytes"
    ANY = "any"

    # The kind is looked up for every value of every object; the inherited hash is a Python function.
    __hash__ = object.__hash__


# What Go calls the type, for decoding errors in Kubernetes' words.
_GO_NAMES: Final = {
    Kind.DOUBLE: "float64",
    Kind.QUANTITY: "resource.Quantity",
    Kind.INT_OR_STRING: "intstr.IntOrString",
    Kind.TIME: "v1.Time",
    Kind.MICRO_TIME: "v1.MicroTime",
    Kind.BYTES: "[]uint8",
    Kind.ANY: "interface {}",
}


@define(eq=False)
class ObjectType:
    """A struct of the API by its short name (`core.v1.Container`); one instance per table.

    `always` are the fields that hold a struct and are there, empty or not, in whatever Kubernetes makes of an object;
    `written` are other fields that are there though nobody set them: null, zero or the empty text.
    `pointers` are the fields of which zero says more than nothing.
    `declared` are the fields that the API's description calls required, `required` those of them that are missed when
    they are absent: a number that nobody set is 0, and a struct is an empty one, for the kind's rules to judge.
    """

    name: str
    declared: tuple[str, ...]
    required: tuple[str, ...]
    always: tuple[str, ...]
    written: tuple[str, ...]
    pointers: tuple[str, ...]
    atomic: bool
    _field_facts: Mapping[str, FieldFacts] = attrs.field(repr=False)
    _table: TypeTable = attrs.field(repr=False)

    @functools.cached_property
    def fields(self) -> Mapping[str, Node]:
        """Field name -> what it holds."""
        return {name: self._table.compile(facts) for name, facts in self._field_facts.items()}

    @property
    def go_name(self) -> str:
        """`v1.Container`."""
        return self.name.partition(".")[2]

    @functools.cached_property
    def there(self) -> frozenset[str]:
        """The fields that every object of the type has: `always` and `written`."""
        return frozenset((*self.always, *self.written))

    @functools.cached_property
    def unset(self) -> Mapping[str, str | int | bool | None]:
        """What stands in the `written` fields when nobody set them."""
        return {name: None if name in self.pointers else UNSET.get(self.fields[name].kind) for name in self.written}

    @functools.cached_property
    def nullable(self) -> frozenset[str]:
        """The fields in which null is written when nobody set them."""
        return frozenset(name for name, value in self.unset.items() if value is None)

    @functools.cached_property
    def unwritten_zeros(self) -> Mapping[str, type]:
        """The fields that are not written when they are zero, each with the type of its zero."""
        ruled_out = {*self.written, *self.pointers}
        types = ((name, _ZERO_TYPES.get(node.kind)) for name, node in self.fields.items() if name not in ruled_out)
        return {name: type_ for name, type_ in types if type_ is not None}


@frozen(eq=False)
class Node:
    """One place of an object.

    `items` is the node of a list's items or of a map's values. `list_type` is `atomic`, `set` or `map` (then
    `list_keys` name an item); `atomic` says that an object or map has one owner and is replaced whole by server-side
    apply.
    `patch_strategies` (`merge`, `retainKeys`, `replace`) and `patch_merge_key` are those of strategic merge patches.
    `enum` lists the allowed values, sorted; of a list, those of its items.
    """

    kind: Kind
    object_type: ObjectType | None = None
    items: Node | None = None
    list_type: str = "atomic"
    list_keys: tuple[str, ...] = ()
    atomic: bool = False
    patch_strategies: frozenset[str] = frozenset()
    patch_merge_key: str = ""
    enum: tuple[str, ...] = ()
    # The Python type that alone makes a value right; None where there is more to look at.
    sufficient_type: type | None = attrs.field(init=False, repr=False)
    # Whether parts of a value here have owners of their own (managed fields).
    granular: bool = attrs.field(init=False, repr=False)

    @sufficient_type.default
    def _only_type(self) -> type | None:
        if self.kind is Kind.STRING and not self.enum:
            return str
        return bool if self.kind is Kind.BOOL else None

    @granular.default
    def _has_owned_parts(self) -> bool:
        if self.kind is Kind.LIST:
            return not self.atomic and self.list_type != "atomic"
        return not self.atomic and self.kind in (Kind.OBJECT, Kind.MAP)

    @functools.cached_property
    def fields(self) -> Mapping[str, Node]:
        """The fields of an object; empty for everything else."""
        return self.object_type.fields if self.object_type is not None else {}

    @property
    def preserves_unknown(self) -> bool:
        """Whether anything may stand here and below."""
        return self.kind is Kind.ANY

    @property
    def go_name(self) -> str:
        """The Go type, as decoding errors name it: `[]v1.Container`, `map[string]string`, `int32`."""
        if self.object_type is not None:
            return self.object_type.go_name
        if self.items is not None:
            return ("[]" if self.kind is Kind.LIST else "map[string]") + self.items.go_name
        return _GO_NAMES.get(self.kind, self.kind.value)

    def child(self, segment: str | int) -> Node | None:
        """The node one step down: a field, a map's value or a list's item. None where nothing is known."""
        if self.kind is Kind.OBJECT:
            return self.fields.get(segment) if isinstance(segment, str) else None
        if self.kind is Kind.ANY:
            return self
        return self.items


# What a value of Go is before anything was set, if that is not null; structs are left out.
UNSET: Final[Mapping[Kind, str | int | bool]] = {
    Kind.STRING: "",
    Kind.QUANTITY: "0",
    Kind.BOOL: False,
    Kind.INT32: 0,
    Kind.INT64: 0,
    Kind.DOUBLE: 0,
    Kind.INT_OR_STRING: 0,
}
# Kinds of which a zero need not be written.
_ZERO_TYPES: Final[Mapping[Kind, type]] = {
    Kind.STRING: str,
    Kind.BYTES: str,
    Kind.BOOL: bool,
    Kind.INT32: int,
    Kind.INT64: int,
}
# Kinds whose Go type has a value from the start that says nothing of whether anybody set it.
_ZERO: Final = frozenset({"bool", "double", "int32", "int64", "intOrString", "quantity"})
# Numbers of which Kubernetes says that they are required when they are 0.
_ZERO_IS_MISSING: Final = frozenset({("core.v1.ContainerPort", "containerPort")})
# Texts and lists of which the rules of their kind say something else than that they are required when they are empty.
_JUDGED: Final = frozenset(
    {
        ("autoscaling.v2.HPAScalingPolicy", "type"),
        ("batch.v1.PodFailurePolicy", "rules"),
        ("batch.v1.PodFailurePolicyOnPodConditionsPattern", "type"),
        ("batch.v1.SuccessPolicy", "rules"),
        ("certificates.v1.CertificateSigningRequestSpec", "request"),
        ("core.v1.ContainerResizePolicy", "resourceName"),
        ("core.v1.ContainerResizePolicy", "restartPolicy"),
        ("core.v1.EndpointAddress", "ip"),
        ("core.v1.HTTPHeader", "name"),
        ("core.v1.HTTPHeader", "value"),
        ("core.v1.HostAlias", "ip"),
        ("core.v1.LimitRangeItem", "type"),
        ("core.v1.NodeSelectorRequirement", "key"),
        ("core.v1.NodeSelectorRequirement", "operator"),
        ("core.v1.PodReadinessGate", "conditionType"),
        ("core.v1.PodSchedulingGate", "name"),
        ("core.v1.ScopedResourceSelectorRequirement", "operator"),
        ("core.v1.ScopedResourceSelectorRequirement", "scopeName"),
        ("core.v1.Sysctl", "value"),
        ("core.v1.Taint", "key"),
        ("core.v1.TopologySelectorLabelRequirement", "key"),
        ("core.v1.TopologySpreadConstraint", "whenUnsatisfiable"),
        ("discovery.v1.ForZone", "name"),
        ("flowcontrol.v1.FlowDistinguisherMethod", "type"),
        ("flowcontrol.v1.LimitResponse", "type"),
        ("flowcontrol.v1.PriorityLevelConfigurationSpec", "type"),
        ("flowcontrol.v1.Subject", "kind"),
        ("rbac.v1.RoleRef", "kind"),
        ("rbac.v1.Subject", "kind"),
        ("storage.v1.CSIStorageCapacity", "storageClassName"),
    }
)


def _is_missed(type_name: str, field: str, facts: FieldFacts, always: tuple[str, ...]) -> bool:
    """Whether the schema asks for a required field: neither for a number nor for a struct."""
    if field in always or (type_name, field) in _JUDGED:
        return False
    expression = facts if isinstance(facts, str) else facts["t"]
    return expression not in _ZERO or (type_name, field) in _ZERO_IS_MISSING


class TypeTable:
    """All types of a set of facts, compiled when first used and then kept."""

    def __init__(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._facts = facts
        self._object_types: dict[str, ObjectType] = {}
        self._plain: dict[str, Node] = {}

    def object_type(self, name: str) -> ObjectType:
        """The struct of this short name; KeyError when the facts have none."""
        found = self._object_types.get(name)
        if found is None:
            facts = self._facts[name]
            declared = tuple(facts.get("required", ()))
            always = tuple(facts.get("always", ()))
            required = tuple(each for each in declared if _is_missed(name, each, facts["fields"][each], always))
            found = ObjectType(
                name,
                declared,
                required,
                always,
                tuple(facts.get("written", ())),
                tuple(facts.get("pointers", ())),
                facts.get("atomic", False),
                facts["fields"],
                self,
            )
            self._object_types[name] = found
        return found

    def compile(self, facts: FieldFacts) -> Node:
        """The node of one field's facts; fields of equal plain type share one."""
        if isinstance(facts, str):
            node = self._plain.get(facts)
            if node is None:
                node = self._plain[facts] = self._from_expression(facts)
            return node
        node = self._from_expression(facts["t"])
        values = tuple(facts.get("enum", ()))
        items = node.items
        if values and node.kind is Kind.LIST and items is not None:
            items = attrs.evolve(items, enum=values)
        return attrs.evolve(
            node,
            items=items,
            list_type=facts.get("list", "atomic"),
            list_keys=tuple(facts.get("keys", ())),
            atomic=facts.get("atomic", node.atomic),
            patch_strategies=frozenset(facts.get("patch", ())),
            patch_merge_key=facts.get("merge", ""),
            enum=values,
        )

    def _from_expression(self, expression: str) -> Node:
        if expression.startswith("@"):
            object_type = self.object_type(expression[1:])
            return Node(Kind.OBJECT, object_type=object_type, atomic=object_type.atomic)
        if expression.startswith("[]"):
            return Node(Kind.LIST, items=self.compile(expression[2:]))
        if expression.startswith("map[]"):
            return Node(Kind.MAP, items=self.compile(expression[5:]))
        return Node(Kind(expression))
