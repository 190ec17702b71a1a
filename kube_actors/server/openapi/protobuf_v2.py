"""A Swagger 2.0 document in protobuf, the only form in which kubectl and helm read `/openapi/v2`.

The messages are those of `openapi.v2.Document`. A message may come in several pieces under the same number, which
readers put together: so a long document can be written piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.server.openapi.protobuf_pieces import Body, as_yaml, extensions, flag, message, named, text, texts

_METHODS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_SCHEMA_TEXTS: Final = {"$ref": 1, "format": 2, "description": 4}
_OPERATION_TEXTS: Final = {"description": 3, "operationId": 5}
_OPERATION_LISTS: Final = {"tags": 1, "produces": 6, "consumes": 7, "schemes": 10}


def pieces(document: Body) -> Iterator[bytes]:
    """The document in pieces that are to be joined; each takes well below a millisecond."""
    info = document["info"]
    yield text(1, document["swagger"])
    yield message(2, text(1, info["title"]), text(2, info["version"]))
    for path, item in document["paths"].items():
        yield message(8, named(2, path, _path_item(item)))
    for name, schema in document["definitions"].items():
        yield message(9, named(1, name, _schema(schema)))
    for requirement in document["security"]:
        yield message(12, *(named(1, name, texts(1, scopes)) for name, scopes in requirement.items()))
    for name, key in document["securityDefinitions"].items():
        parts = text(1, key["type"]), text(2, key["name"]), text(3, key["in"])
        yield message(13, named(1, name, message(2, *parts)))


def _path_item(item: Body) -> bytes:
    operations = (message(number, _operation(item[name])) for name, number in _METHODS.items() if name in item)
    return b"".join(operations) + b"".join(message(9, _parameter(each)) for each in item.get("parameters", ()))


def _operation(operation: Body) -> bytes:
    responses = (
        named(1, code, message(1, text(1, response["description"]), _answer(response)))
        for code, response in operation["responses"].items()
    )
    return b"".join(
        (
            *(text(number, operation[name]) for name, number in _OPERATION_TEXTS.items()),
            *(texts(number, operation[name]) for name, number in _OPERATION_LISTS.items()),
            *(message(8, _parameter(each)) for each in operation.get("parameters", ())),
            message(9, *responses),
            extensions(13, operation),
        )
    )


def _answer(response: Body) -> bytes:
    return message(2, message(1, _schema(response["schema"]))) if "schema" in response else b""


def _parameter(parameter: Body) -> bytes:
    """A `ParametersItem`."""
    if parameter["in"] == "body":
        about = text(2, parameter["name"]), text(3, "body"), flag(4, parameter.get("required", False))
        return message(1, message(1, *about, message(5, _schema(parameter["schema"]))))
    in_path = parameter["in"] == "path"
    plain = (
        flag(1, parameter.get("required", False)),
        text(2, parameter["in"]),
        text(3, parameter["description"]),
        text(4, parameter["name"]),
        text(5 if in_path else 6, parameter["type"]),
        flag(19 if in_path else 20, parameter["uniqueItems"]),
    )
    return message(1, message(2, message(4 if in_path else 3, *plain)))


def _schema(schema: Body) -> bytes:
    parts = [text(number, schema[name]) for name, number in _SCHEMA_TEXTS.items() if name in schema]
    parts.append(texts(19, schema.get("required", ())))
    parts += [message(20, text(2, as_yaml(each))) for each in schema.get("enum", ())]
    if "additionalProperties" in schema:
        parts.append(message(21, message(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(message(22, text(1, schema["type"])))
    if "items" in schema:
        parts.append(message(23, message(1, _schema(schema["items"]))))
    if "properties" in schema:
        properties = schema["properties"]
        parts.append(message(25, *(named(1, name, _schema(each)) for name, each in properties.items())))
    parts.append(extensions(31, schema))
    return b"".join(parts)
