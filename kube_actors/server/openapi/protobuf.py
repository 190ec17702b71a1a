"""A Swagger 2.0 document in protobuf, the only form in which kubectl and helm read `/openapi/v2`.

The messages are those of `openapi.v2.Document`. A message may come in several pieces under the same number, which
readers put together: so a long document can be written piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kube_actors.api.codecs import json

Body = Mapping[str, Any]

_METHODS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_SCHEMA_TEXTS: Final = {"$ref": 1, "format": 2, "description": 4}
_OPERATION_TEXTS: Final = {"description": 3, "operationId": 5}
_OPERATION_LISTS: Final = {"tags": 1, "produces": 6, "consumes": 7, "schemes": 10}
_EXTENSIONS: Final = "x-"


def pieces(document: Body) -> Iterator[bytes]:
    """The document in pieces that are to be joined; each takes well below a millisecond."""
    info = document["info"]
    yield _text(1, document["swagger"])
    yield _message(2, _text(1, info["title"]), _text(2, info["version"]))
    for path, item in document["paths"].items():
        yield _message(8, _named(2, path, _path_item(item)))
    for name, schema in document["definitions"].items():
        yield _message(9, _named(1, name, _schema(schema)))
    for requirement in document["security"]:
        yield _message(12, *(_named(1, name, _texts(1, scopes)) for name, scopes in requirement.items()))
    for name, key in document["securityDefinitions"].items():
        parts = _text(1, key["type"]), _text(2, key["name"]), _text(3, key["in"])
        yield _message(13, _named(1, name, _message(2, *parts)))


def _path_item(item: Body) -> bytes:
    operations = (_message(number, _operation(item[name])) for name, number in _METHODS.items() if name in item)
    return b"".join(operations) + b"".join(_message(9, _parameter(each)) for each in item.get("parameters", ()))


def _operation(operation: Body) -> bytes:
    responses = (
        _named(1, code, _message(1, _text(1, response["description"]), _answer(response)))
        for code, response in operation["responses"].items()
    )
    return b"".join(
        (
            *(_text(number, operation[name]) for name, number in _OPERATION_TEXTS.items()),
            *(_texts(number, operation[name]) for name, number in _OPERATION_LISTS.items()),
            *(_message(8, _parameter(each)) for each in operation["parameters"]),
            _message(9, *responses),
            _extensions(13, operation),
        )
    )


def _answer(response: Body) -> bytes:
    return _message(2, _message(1, _schema(response["schema"]))) if "schema" in response else b""


def _parameter(parameter: Body) -> bytes:
    """A `ParametersItem`."""
    if parameter["in"] == "body":
        about = _text(2, parameter["name"]), _text(3, "body"), _flag(4, parameter.get("required", False))
        return _message(1, _message(1, *about, _message(5, _schema(parameter["schema"]))))
    in_path = parameter["in"] == "path"
    plain = (
        _flag(1, parameter.get("required", False)),
        _text(2, parameter["in"]),
        _text(3, parameter["description"]),
        _text(4, parameter["name"]),
        _text(5 if in_path else 6, parameter["type"]),
        _flag(19 if in_path else 20, parameter["uniqueItems"]),
    )
    return _message(1, _message(2, _message(4 if in_path else 3, *plain)))


def _schema(schema: Body) -> bytes:
    parts = [_text(number, schema[name]) for name, number in _SCHEMA_TEXTS.items() if name in schema]
    parts.append(_texts(19, schema.get("required", ())))
    parts += [_message(20, _text(2, _as_yaml(each))) for each in schema.get("enum", ())]
    if "additionalProperties" in schema:
        parts.append(_message(21, _message(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_message(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_message(23, _message(1, _schema(schema["items"]))))
    if "properties" in schema:
        properties = schema["properties"]
        parts.append(_message(25, *(_named(1, name, _schema(each)) for name, each in properties.items())))
    parts.append(_extensions(31, schema))
    return b"".join(parts)


def _extensions(number: int, holder: Body) -> bytes:
    """What begins with `x-`, its values as YAML."""
    found = ((name, value) for name, value in holder.items() if name.startswith(_EXTENSIONS))
    return b"".join(_named(number, name, _text(2, _as_yaml(value))) for name, value in found)


def _as_yaml(value: Any) -> str:
    """JSON is YAML."""
    return json.dumps(value).decode() + "\n"


def _named(number: int, name: str, value: bytes) -> bytes:
    """An entry of a map: its name and its value."""
    return _message(number, _text(1, name), _message(2, value))


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_text(number, each) for each in values)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, *parts: bytes) -> bytes:
    """Something of a length: a message, or a text."""
    return b"".join((_varint(number << 3 | 2), _varint(sum(map(len, parts))), *parts))


def _flag(number: int, value: bool) -> bytes:
    return _varint(number << 3) + b"\x01" if value else b""


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
