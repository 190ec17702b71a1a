"""Messages that JSON writes in another shape: times, quantities, values of one type or another, raw JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.codecs.protobuf_wire import Value, WireError, fields, signed

DecodeMessage = Callable[[str, bytes], dict[str, Any]]
Special = Callable[[bytes, DecodeMessage], Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA: Final = "apiextensions.v1.JSONSchemaProps"


def _parts(data: bytes) -> dict[int, Value]:
    """The last value of each field."""
    return {number: value for number, _, value in fields(data)}


def _int(parts: Mapping[int, Value], number: int) -> int:
    value = parts.get(number, 0)
    if not isinstance(value, int):
        raise WireError(f"proto: field {number} must be a number")
    return signed(value, 64)


def _bytes(parts: Mapping[int, Value], number: int) -> bytes:
    value = parts.get(number, b"")
    if not isinstance(value, bytes):
        raise WireError(f"proto: field {number} must not be a number")
    return value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise WireError("proto: a text is not valid UTF-8") from None


def _moment(data: bytes) -> tuple[datetime, int] | None:
    """The moment and its nanoseconds; None for the zero time, which JSON writes as null."""
    parts = _parts(data)
    if not parts:
        return None
    try:
        return _EPOCH + timedelta(seconds=_int(parts, 1)), _int(parts, 2)
    except OverflowError:
        raise WireError("proto: a time lies outside of the years 1 to 9999") from None


def _time(data: bytes, _decode: DecodeMessage) -> str | None:
    moment = _moment(data)
    return None if moment is None else f"{moment[0]:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def _micro_time(data: bytes, _decode: DecodeMessage) -> str | None:
    moment = _moment(data)
    if moment is None:
        return None
    return f"{moment[0]:%Y-%m-%dT%H:%M:%S}.{moment[1] // 1000 % 1_000_000:06d}Z".rjust(27, "0")


def _quantity(data: bytes, _decode: DecodeMessage) -> str:
    return _text(_bytes(_parts(data), 1)) or "0"


def _int_or_string(data: bytes, _decode: DecodeMessage) -> int | str:
    parts = _parts(data)
    return _text(_bytes(parts, 3)) if _int(parts, 1) else signed(_int(parts, 2), 32)


def _raw_json(data: bytes, _decode: DecodeMessage) -> Any:
    raw = _bytes(_parts(data), 1)
    return json.parse(raw) if raw else None


def _items(data: bytes, _decode: DecodeMessage) -> list[str]:
    """`ExtraValue`: a list of texts that a map can hold."""
    return [_text(_bytes({number: value}, 1)) for number, _, value in fields(data) if number == 1]


def _schema_or_array(data: bytes, decode: DecodeMessage) -> Any:
    schemas = [decode(_SCHEMA, _bytes({number: value}, 2)) for number, _, value in fields(data) if number == 2]
    return schemas or decode(_SCHEMA, _bytes(_parts(data), 1))


def _schema_or_bool(data: bytes, decode: DecodeMessage) -> Any:
    parts = _parts(data)
    return decode(_SCHEMA, _bytes(parts, 2)) if parts.get(2) else bool(_int(parts, 1))


def _schema_or_strings(data: bytes, decode: DecodeMessage) -> Any:
    names = [_text(_bytes({number: value}, 2)) for number, _, value in fields(data) if number == 2]
    return names or decode(_SCHEMA, _bytes(_parts(data), 1))


SPECIAL: Final[Mapping[str, Special]] = {
    "api.resource.Quantity": _quantity,
    "apiextensions.v1.JSON": _raw_json,
    "apiextensions.v1.JSONSchemaPropsOrArray": _schema_or_array,
    "apiextensions.v1.JSONSchemaPropsOrBool": _schema_or_bool,
    "apiextensions.v1.JSONSchemaPropsOrStringArray": _schema_or_strings,
    "authentication.v1.ExtraValue": _items,
    "authorization.v1.ExtraValue": _items,
    "certificates.v1.ExtraValue": _items,
    "meta.v1.FieldsV1": _raw_json,
    "meta.v1.MicroTime": _micro_time,
    "meta.v1.Time": _time,
    "runtime.RawExtension": _raw_json,
    "util.intstr.IntOrString": _int_or_string,
}
