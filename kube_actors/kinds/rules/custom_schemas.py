"""Schemas of kinds that somebody brings along: they have to say of every field what it is.

Rules in CEL (`x-kubernetes-validations`) and the values of `default` are kept as they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES: Final = ("atomic", "map", "set")
MAP_TYPES: Final = ("atomic", "granular")
_LIST_TYPE, _MAP_TYPE, _KEYS = (f"x-kubernetes-{name}" for name in ("list-type", "map-type", "list-map-keys"))
_OPEN, _EMBEDDED, _EITHER = (
    f"x-kubernetes-{name}" for name in ("preserve-unknown-fields", "embedded-resource", "int-or-string")
)
_NOT_SUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_QUADRATIC: Final = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
_IMPLICIT: Final = "must not specify anything other than name and generateName, but metadata is implicitly specified"
_OPEN_EMBEDDED: Final = (
    "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
)
# Where a schema stands: what has no type there.
_ROOT: Final = "must not be empty at the root"
_FIELD: Final = "must not be empty for specified object fields"
_ITEM: Final = "must not be empty for specified array items"
# What of a schema may not stand inside `allOf` and the like, which say more of a field but not what it is.
_STRUCTURAL: Final = {
    "type": "empty",
    "additionalProperties": "undefined",
    "default": "undefined",
    "title": "empty",
    "description": "empty",
    "nullable": "false",
    _OPEN: "false",
    _EMBEDDED: "false",
    _EITHER: "false",
}


def schema_rules(validation: Body, field: str) -> list[Cause]:
    """The schema of a version."""
    schema = validation.get("openAPIV3Schema")
    place = f"{field}.openAPIV3Schema"
    return [] if not isinstance(schema, dict) else _parts(schema, place) + _structure(schema, place, _ROOT)


def _parts(schema: Body, field: str) -> list[Cause]:
    """What no schema may say, wherever it stands."""
    found = _plain(schema, field) + _lists(schema, field)
    for part, place in _below(schema, field):
        found += _parts(part, place)
    return found


def _below(schema: Body, field: str) -> Iterator[tuple[Body, str]]:
    """The schemas inside a schema."""
    for name in ("additionalProperties", "not", "items"):
        if isinstance(schema.get(name), dict):
            yield schema[name], f"{field}.{name}"
    for key, part in _fields(schema).items():
        yield part, f"{field}.properties[{key}]"
    yield from _more(schema, field)


def _fields(schema: Body) -> dict[str, Body]:
    """The fields of an object. What stands below `items` and the like is kept as it was sent, schema or not."""
    fields = schema.get("properties")
    return {name: part for name, part in fields.items() if isinstance(part, dict)} if isinstance(fields, dict) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _more(schema: Body, field: str) -> Iterator[tuple[Body, str]]:
    """The schemas that say more of the same value."""
    for name in ("allOf", "oneOf", "anyOf"):
        parts = schema.get(name)
        for at, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                yield part, f"{field}.{name}[{at}]"


def _plain(schema: Body, field: str) -> list[Cause]:
    kind, found = schema.get("type") or "", []
    if kind and kind not in TYPES:
        found.append(causes.not_supported(f"{field}.type", kind, TYPES))
    found += [
        causes.forbidden(f"{field}.{name}", f"{name} is not supported") for name in _NOT_SUPPORTED if schema.get(name)
    ]
    if kind == "null":
        found.append(causes.forbidden(f"{field}.type", "type cannot be set to null, use nullable as an alternative"))
    if isinstance(schema.get("items"), list):
        found.append(causes.forbidden(f"{field}.items", "items must be a schema object and not an array"))
    if schema.get("uniqueItems"):
        found.append(causes.forbidden(f"{field}.uniqueItems", _QUADRATIC))
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        why = "additionalProperties and properties are mutual exclusive"
        found.append(causes.forbidden(f"{field}.additionalProperties", why))
    if schema.get(_OPEN) is False:
        found.append(causes.invalid(f"{field}.{_OPEN}", False, "must be true or undefined"))
    return found


def _lists(schema: Body, field: str) -> list[Cause]:
    """How maps and lists merge."""
    found = []
    for name, wanted, choices in ((_MAP_TYPE, "object", MAP_TYPES), (_LIST_TYPE, "array", LIST_TYPES)):
        if schema.get(name) is None:
            continue
        found += _has_type(schema, field, wanted, f"must be {wanted} if {name} is specified")
        if schema[name] not in choices:
            found.append(causes.not_supported(f"{field}.{name}", schema[name], choices))
    list_type, items = schema.get(_LIST_TYPE), schema.get("items")
    if list_type == "set" and isinstance(items, dict):
        found += _set_items(items, f"{field}.items")
    if schema.get(_KEYS) and list_type != "map":
        why, place = f"must be map if {_KEYS} is non-empty", f"{field}.{_LIST_TYPE}"
        found.append(causes.required(place, why) if list_type is None else causes.invalid(place, list_type, why))
    return found + _keyed(schema, field) if list_type == "map" else found


def _has_type(schema: Body, field: str, wanted: str, why: str) -> list[Cause]:
    kind, place = schema.get("type") or "", f"{field}.type"
    if kind == wanted:
        return []
    return [causes.invalid(place, kind, why) if kind else causes.required(place, why)]


def _set_items(items: Body, field: str) -> list[Cause]:
    """Items of a set are compared as a whole."""
    why = f"must be atomic as item of a list with {_LIST_TYPE}=set"
    if items.get("type") == "array" and items.get(_LIST_TYPE) not in (None, "atomic"):
        return [causes.forbidden(f"{field}.{_LIST_TYPE}", why)]
    if items.get("type") == "object" and items.get(_MAP_TYPE) != "atomic":
        return [causes.forbidden(f"{field}.{_MAP_TYPE}", why)]
    return []


def _keyed(schema: Body, field: str) -> list[Cause]:
    """Items of a list that is a map are objects, told apart by fields that they all have."""
    keys, items, place = _texts(schema.get(_KEYS)), schema.get("items"), f"{field}.{_KEYS}"
    found = [] if keys else [causes.required(place, f"must not be empty if {_LIST_TYPE} is map")]
    if not isinstance(items, dict):
        return [*found, causes.required(f"{field}.items", f"must have a schema if {_LIST_TYPE} is map")]
    if items.get("type") != "object":
        why = f"must be object if parent array's {_LIST_TYPE} is map"
        return [*found, causes.invalid(f"{field}.items.type", items.get("type") or "", why)]
    properties = _fields(items)
    for at, key in enumerate(keys):
        own, where = properties.get(key), f"{field}.items.properties[{key}]"
        if own is None:
            found.append(causes.invalid(place, keys, "entries must all be names of item properties"))
        elif own.get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {_LIST_TYPE} is map"
            found.append(causes.invalid(f"{where}.type", own["type"], why))
        elif own.get("default") is None and key not in _texts(items.get("required")):
            why = f"this property is in {_KEYS}, so it must have a default or be a required property"
            found.append(causes.required(f"{where}.default", why))
        if key in keys[:at]:
            found.append(causes.invalid(place, keys, "must not contain duplicate entries"))
    return found


def _structure(schema: Body, field: str, untyped: str) -> list[Cause]:
    """That every field says what it is, and says it once; `untyped` is what is missing where nothing does."""
    kind, found = schema.get("type") or "", []
    if schema.get(_EMBEDDED):
        found += _has_type(schema, field, "object", f"must be object if {_EMBEDDED} is true")
        if not schema.get(_OPEN) and not schema.get("properties"):
            found.append(causes.required(f"{field}.properties", _OPEN_EMBEDDED))
    elif not kind and not schema.get(_EITHER) and not schema.get(_OPEN):
        found.append(causes.required(f"{field}.type", untyped))
    if untyped == _ROOT:
        if kind and kind != "object":
            found.append(causes.invalid(f"{field}.type", kind, "must be object at the root"))
        metadata = _fields(schema).get("metadata") or {}
        if not set(_fields(metadata)) <= {"name", "generateName"}:
            found.append(causes.forbidden(f"{field}.properties[metadata]", _IMPLICIT))
    if kind == "array" and schema.get("items") is None:
        found.append(causes.required(f"{field}.items", "must be specified"))
    for name, part in _fields(schema).items():
        found += _structure(part, f"{field}.properties[{name}]", _FIELD)
    for name, missing in (("additionalProperties", _FIELD), ("items", _ITEM)):
        if isinstance(schema.get(name), dict):
            found += _structure(schema[name], f"{field}.{name}", missing)
    either = bool(schema.get(_EITHER))
    for part, place in _more(schema, field):
        found += [] if either else _values(part, place)
    return found + (_values(schema["not"], f"{field}.not") if isinstance(schema.get("not"), dict) else [])


def _values(schema: Any, field: str) -> list[Cause]:
    """Inside `allOf` and the like values are restricted, and nothing is said that was to be said outside."""
    found = [
        causes.forbidden(f"{field}.{name}", f"must be {wanted} to be structural")
        for name, wanted in _STRUCTURAL.items()
        if schema.get(name) not in (None, "", False)
    ]
    for part, place in _below(schema, field):
        found += _values(part, place)
    return found
