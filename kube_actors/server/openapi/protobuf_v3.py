"""An OpenAPI 3.0 document in protobuf: what kubectl looks at to see whether fields may be validated by the server.

The messages are those of `openapi.v3.Document`. A message may come in several pieces under the same number, which
readers put together: so a long document can be written piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.server.openapi.protobuf_pieces import Body, as_yaml, extensions, flag, message, named, text, texts

_METHODS: Final = {"get": 4, "put": 5, "post": 6, "delete": 7, "options": 8, "head": 9, "patch": 10}
_SCHEMA_TEXTS: Final = {"type": 25, "description": 34, "format": 35}
_SCHEMA_LISTS: Final = {"allOf": 26, "oneOf": 27, "anyOf": 28}
_OPERATION_TEXTS: Final = {"description": 3, "operationId": 5}


def pieces(document: Body) -> Iterator[bytes]:
    """The document in pieces that are to be joined; each takes well below a millisecond."""
    info, components = document["info"], document["components"]
    yield text(1, document["openapi"])
    yield message(2, text(1, info["title"]), text(6, info["version"]))
    for path, item in document["paths"].items():
        yield message(4, named(1, path, _path_item(item)))
    for name, schema in components.get("schemas", {}).items():
        yield message(5, message(1, named(1, name, _schema_or_reference(schema))))
    for name, key in components["securitySchemes"].items():
        scheme = message(1, text(1, key["type"]), text(3, key["name"]), text(4, key["in"]))
        yield message(5, message(7, named(1, name, scheme)))
    for requirement in document["security"]:
        yield message(6, *(named(1, name, texts(1, scopes)) for name, scopes in requirement.items()))


def _path_item(item: Body) -> bytes:
    operations = (message(number, _operation(item[name])) for name, number in _METHODS.items() if name in item)
    return b"".join(operations) + b"".join(message(13, _parameter(each)) for each in item.get("parameters", ()))


def _operation(operation: Body) -> bytes:
    parts = [texts(1, operation["tags"])]
    parts += [text(number, operation[name]) for name, number in _OPERATION_TEXTS.items()]
    parts += [message(6, _parameter(each)) for each in operation.get("parameters", ())]
    if "requestBody" in operation:
        body = operation["requestBody"]
        parts.append(message(7, message(1, _content(2, body), flag(3, body.get("required", False)))))
    responses = (
        named(2, code, message(1, text(1, response["description"]), _content(3, response)))
        for code, response in operation["responses"].items()
    )
    parts += [message(8, *responses), extensions(13, operation)]
    return b"".join(parts)


def _content(number: int, holder: Body) -> bytes:
    """What a request or an answer may hold, by media type."""
    if "content" not in holder:
        return b""
    schemas = {media_type: each["schema"] for media_type, each in holder["content"].items()}
    found = (named(1, name, message(1, _schema_or_reference(schema))) for name, schema in schemas.items())
    return message(number, *found)


def _parameter(parameter: Body) -> bytes:
    """A `ParameterOrReference`."""
    return message(
        1,
        text(1, parameter["name"]),
        text(2, parameter["in"]),
        text(3, parameter["description"]),
        flag(4, parameter.get("required", False)),
        message(10, _schema_or_reference(parameter["schema"])),
    )


def _schema_or_reference(schema: Body) -> bytes:
    return message(2, text(1, schema["$ref"])) if "$ref" in schema else message(1, _schema(schema))


def _schema(schema: Body) -> bytes:
    parts = [flag(20, schema.get("uniqueItems", False)), texts(23, schema.get("required", ()))]
    parts += [message(24, text(2, as_yaml(each))) for each in schema.get("enum", ())]
    parts += [text(number, schema[name]) for name, number in _SCHEMA_TEXTS.items() if name in schema]
    for name, number in _SCHEMA_LISTS.items():
        parts += [message(number, _schema_or_reference(each)) for each in schema.get(name, ())]
    if "items" in schema:
        parts.append(message(30, message(1, _schema_or_reference(schema["items"]))))
    if "properties" in schema:
        properties = schema["properties"].items()
        parts.append(message(31, *(named(1, name, _schema_or_reference(each)) for name, each in properties)))
    if "additionalProperties" in schema:
        parts.append(message(32, message(1, _schema_or_reference(schema["additionalProperties"]))))
    parts.append(extensions(36, schema))
    return b"".join(parts)
