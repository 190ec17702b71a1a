"""The one configured cattrs converter: JSON-shaped bodies to views, and typed statuses back to JSON.

Structuring is forgiving, as Kubernetes' own decoding of stored objects is: fields a view does not name are ignored, and
`null` means "not given". What is wrong in an object was refused when it was written. Times become float epoch seconds,
quantities `Quantity`, lists tuples; maps stay the dicts of the freshly parsed body and must not be changed.

A field's JSON name is its camelCase, except for the irregular words of Kubernetes (`pod_ip` is `podIP`). Unstructuring
leaves out what equals its default, unless the field is declared with `always()`: that mirrors Go's `omitempty`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from kube_actors.api.quantity import Quantity
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.times import parse_rfc3339, rfc3339, rfc3339_micro

V = TypeVar("V")


Time = Annotated[float, "epoch seconds of a Kubernetes Time"]
MicroTime = Annotated[float, "epoch seconds of a Kubernetes MicroTime"]

_IRREGULAR = {
    "host_ip": "hostIP",
    "host_ips": "hostIPs",
    "pod_ip": "podIP",
    "pod_ips": "podIPs",
    "cluster_ip": "clusterIP",
    "cluster_ips": "clusterIPs",
    "external_ips": "externalIPs",
    "load_balancer_ip": "loadBalancerIP",
    "container_id": "containerID",
    "image_id": "imageID",
    "provider_id": "providerID",
    "machine_id": "machineID",
    "boot_id": "bootID",
    "system_uuid": "systemUUID",
    "pod_cidr": "podCIDR",
    "pod_cidrs": "podCIDRs",
    "host_pid": "hostPID",
    "host_ipc": "hostIPC",
    "downward_api": "downwardAPI",
    "set_hostname_as_fqdn": "setHostnameAsFQDN",
    "client_ip": "clientIP",
}


def json_name(attribute: str) -> str:
    """The JSON field of a view's attribute: `restart_policy` is `restartPolicy`, `pod_ip` is `podIP`."""
    irregular = _IRREGULAR.get(attribute)
    if irregular is not None:
        return irregular
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


# Metadata of a field that is written even when it equals its default: Kubernetes has no `omitempty` there.
ALWAYS = {"always": True}


def always(**options: Any) -> Any:
    """An attrs field with `ALWAYS`."""
    return attrs.field(metadata=ALWAYS, **options)


@lru_cache(maxsize=8192)
def _quantity(text: str) -> Quantity:
    return Quantity.parse(text)


@lru_cache(maxsize=8192)
def _time(text: str) -> float:
    return parse_rfc3339(text)


def _structure_quantity(value: Any, _: Any) -> Quantity:
    return _quantity(value if isinstance(value, str) else str(value or 0))


def _structure_time(value: Any, _: Any) -> float:
    return _time(value) if value else 0.0


def _structure_selector(value: Any, _: Any) -> LabelSelector:
    return LabelSelector.from_object(value)


def _as_is(value: Any, _: Any) -> Any:
    return value


def _structure_str(value: Any, _: Any) -> str:
    return "" if value is None else value


def _structure_int(value: Any, _: Any) -> int:
    return value or 0


def _structure_bool(value: Any, _: Any) -> bool:
    return bool(value)


def _is_variadic_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (Mapping, dict) or kind in (Mapping, dict)


def _tuple_hook(kind: Any, converter: Converter) -> Callable[[Any, Any], tuple[Any, ...]]:
    item = get_args(kind)[0]
    if item in (str, int, float, Any):
        return lambda value, _: tuple(value) if value else ()
    structure = converter.get_structure_hook(item)
    return lambda value, _: tuple([structure(one, item) for one in value]) if value else ()


def _mapping_hook(kind: Any, converter: Converter) -> Callable[[Any, Any], Mapping[str, Any]]:
    item = get_args(kind)[1] if get_args(kind) else Any
    if item in (str, Any):
        return lambda value, _: value or {}
    structure = converter.get_structure_hook(item)
    return lambda value, _: {key: structure(one, item) for key, one in value.items()} if value else {}


def _is_view(kind: Any) -> bool:
    """Whether it is one of the classes of this package (`Quantity` and `LabelSelector` are read their own way)."""
    return attrs.has(kind) and kind.__module__.startswith(__package__ or "")


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and len(get_args(kind)) == 2 and NoneType in get_args(kind)


def _optional_hook(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    item = next(one for one in get_args(kind) if one is not NoneType)
    if item in (str, int, bool):
        return _as_is
    if _is_view(item):
        return _class_structure(item, converter, NoneType)
    structure = converter.get_structure_hook(item)
    return lambda value, _: None if value is None else structure(value, item)


def _class_structure(cls: Any, converter: Converter, absent: Callable[[], Any]) -> Callable[[Any, Any], Any]:
    """Structuring of an object; `absent` makes what stands for one that is not there.

    Its code is made when the first object of the class comes: a cluster starts without seeing most of them.
    """
    made: Callable[[Any, Any], Any] | None = None

    def structure(value: Any, kind: Any) -> Any:
        nonlocal made
        if value is None:
            return absent()
        if made is None:
            names = {field.name: override(rename=json_name(field.name)) for field in attrs.fields(cls)}
            made = make_dict_structure_fn(cls, converter, **names)  # type: ignore[arg-type]
        return made(value, kind)

    return structure


def _class_hook(cls: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    return _class_structure(cls, converter, cls)


def _class_unstructure(cls: Any, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    names = {
        field.name: override(rename=json_name(field.name), omit_if_default=not field.metadata.get("always", False))
        for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, converter, **names)  # type: ignore[arg-type]


def _build() -> Converter:
    converter = Converter(detailed_validation=False, omit_if_default=True)
    converter.register_structure_hook_factory(_is_optional, _optional_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook_factory(_is_variadic_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_view, _class_hook)
    converter.register_unstructure_hook_factory(_is_view, _class_unstructure)
    converter.register_structure_hook(Quantity, _structure_quantity)
    converter.register_structure_hook_func(lambda kind: kind in (Time, MicroTime), _structure_time)
    converter.register_structure_hook(LabelSelector, _structure_selector)
    converter.register_structure_hook(str, _structure_str)
    converter.register_structure_hook(int, _structure_int)
    converter.register_structure_hook(bool, _structure_bool)
    converter.register_structure_hook_func(lambda kind: kind in (Any, int | str), _as_is)
    converter.register_unstructure_hook_func(lambda kind: kind == Time, rfc3339)
    converter.register_unstructure_hook_func(lambda kind: kind == MicroTime, rfc3339_micro)
    converter.register_unstructure_hook(Quantity, str)
    converter.register_unstructure_hook_func(_is_variadic_tuple, lambda value: list(map(converter.unstructure, value)))
    return converter


_CONVERTER = _build()


def structure(cls: type[V], body: Any) -> V:
    """A JSON-shaped value as a view class, or as one of the classes inside views."""
    return _CONVERTER.structure(body, cls)


def body_of(value: Any) -> dict[str, Any]:
    """A view class that a plan filled in (a status, a condition) as a fresh JSON-shaped dict."""
    result: dict[str, Any] = _CONVERTER.unstructure(value)
    return result
