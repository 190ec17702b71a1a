"""OpenAPI 3 in protobuf, which kubectl asks for before it lets the server validate fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from kube_actors.api.codecs import json
from kube_actors.api.codecs.protobuf_wire import fields
from kube_actors.server.http import Full
from kube_actors.server.openapi.v3 import OLD_PROTOBUF, PROTOBUF
from kube_actors.verbs.session import Session
from tests.server.kit import ask, body_of, json_of, new_session

APPS: Final = "/openapi/v3/apis/apps/v1"
# gnostic's messages as far as we write them: number -> (name, what it is). `[]` is a list, `{}` a map of named values,
# a name in capitals another message, `-` in front of the name: what is in it belongs to the message around it.
MESSAGES: Final[Mapping[str, Mapping[int, tuple[str, str]]]] = {
    "Document": {
        1: ("openapi", "text"),
        2: ("info", "Info"),
        4: ("paths", "Paths"),
        5: ("components", "Components"),
        6: ("security", "[]Requirement"),
    },
    "Info": {1: ("title", "text"), 6: ("version", "text")},
    "Paths": {1: ("-", "{}PathItem")},
    "Components": {1: ("schemas", "Schemas"), 7: ("securitySchemes", "Schemes")},
    "Schemas": {1: ("-", "{}SchemaOrReference")},
    "Schemes": {1: ("-", "{}SchemeOrReference")},
    "SchemeOrReference": {1: ("-", "Scheme")},
    "Scheme": {1: ("type", "text"), 3: ("name", "text"), 4: ("in", "text")},
    "Requirement": {1: ("-", "{}StringArray")},
    "StringArray": {1: ("value", "[]text")},
    "PathItem": {
        **{4: ("get", "Operation"), 5: ("put", "Operation"), 6: ("post", "Operation"), 7: ("delete", "Operation")},
        **{8: ("options", "Operation"), 9: ("head", "Operation"), 10: ("patch", "Operation")},
        13: ("parameters", "[]ParameterOrReference"),
    },
    "Operation": {
        1: ("tags", "[]text"),
        3: ("description", "text"),
        5: ("operationId", "text"),
        6: ("parameters", "[]ParameterOrReference"),
        7: ("requestBody", "BodyOrReference"),
        8: ("responses", "Responses"),
        13: ("-", "{}Any"),
    },
    "BodyOrReference": {1: ("-", "Body")},
    "Body": {2: ("content", "MediaTypes"), 3: ("required", "flag")},
    "Responses": {2: ("-", "{}ResponseOrReference")},
    "ResponseOrReference": {1: ("-", "Response")},
    "Response": {1: ("description", "text"), 3: ("content", "MediaTypes")},
    "MediaTypes": {1: ("-", "{}MediaType")},
    "MediaType": {1: ("schema", "SchemaOrReference")},
    "ParameterOrReference": {1: ("-", "Parameter")},
    "Parameter": {
        1: ("name", "text"),
        2: ("in", "text"),
        3: ("description", "text"),
        4: ("required", "flag"),
        10: ("schema", "SchemaOrReference"),
    },
    "SchemaOrReference": {1: ("-", "Schema"), 2: ("-", "Reference")},
    "Reference": {1: ("$ref", "text")},
    "Schema": {
        20: ("uniqueItems", "flag"),
        23: ("required", "[]text"),
        24: ("enum", "[]Any"),
        25: ("type", "text"),
        26: ("allOf", "[]SchemaOrReference"),
        27: ("oneOf", "[]SchemaOrReference"),
        30: ("items", "Items"),
        31: ("properties", "Properties"),
        32: ("additionalProperties", "AdditionalProperties"),
        34: ("description", "text"),
        35: ("format", "text"),
        36: ("-", "{}Any"),
    },
    "Items": {1: ("-", "SchemaOrReference")},
    "Properties": {1: ("-", "{}SchemaOrReference")},
    "AdditionalProperties": {1: ("-", "SchemaOrReference")},
}


def read(kind: str, value: Any) -> Any:
    """What a value of this kind says, as it would stand in JSON."""
    if kind == "text":
        return value.decode()
    if kind == "flag":
        return bool(value)
    if kind == "Any":
        (text,) = (each for number, _, each in fields(value) if number == 2)
        assert isinstance(text, bytes)
        return json.loads(text)
    found: dict[str, Any] = {}
    for number, _, part in fields(value):
        name, what = MESSAGES[kind][number]
        if what.startswith("{}"):
            assert isinstance(part, bytes)
            entry = {at: each for at, _, each in fields(part)}
            key = entry[1]
            assert isinstance(key, bytes)
            found[key.decode()] = read(what[2:], entry.get(2, b""))
        elif what.startswith("[]"):
            found.setdefault(name, []).append(read(what[2:], part))
        elif name == "-":
            found |= read(what, part)
        elif what[0].isupper():
            merge(found.setdefault(name, {}), read(what, part))
        else:
            found[name] = read(what, part)
    return found


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Pieces of one message belong together."""
    for name, value in more.items():
        if isinstance(value, dict) and name in into:
            merge(into[name], value)
        else:
            into[name] = value


async def get(session: Session, target: str, accept: str, **headers: str) -> Full:
    """The answer to a GET."""
    answer = await ask(session, "GET", target, headers={"Accept": accept, **headers})
    assert isinstance(answer, Full)
    return answer


@pytest.mark.parametrize("document", ["api/v1", "apis/apps/v1", "apis/autoscaling/v2", "apis", "version"])
async def test_the_same_in_protobuf(document: str) -> None:
    """Word by word what stands in the document in JSON."""
    session = await new_session()
    target = f"/openapi/v3/{document}"
    written = read("Document", body_of(await get(session, target, PROTOBUF)))
    expected = json_of(await get(session, target, "application/json"))
    for requirement in expected["security"]:
        requirement.update({name: {"value": scopes} if scopes else {} for name, scopes in requirement.items()})
    assert written == expected


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/test, */*", "application/json"),
        ("application/json", "application/json"),
        (PROTOBUF, PROTOBUF),
        (OLD_PROTOBUF, PROTOBUF),
        (f"{OLD_PROTOBUF}, application/json", PROTOBUF),
        (f"{PROTOBUF}; q=0.5, application/json", "application/json"),
    ],
)
async def test_what_is_chosen(accept: str, content_type: str) -> None:
    """As kube-apiserver chooses; either form has the hash of the index, is kept for good, and sent once."""
    session = await new_session()
    index = json_of(await get(session, "/openapi/v3", accept))
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    answer = await get(session, url, accept)
    headers = dict(answer.headers)
    assert (answer.status, answer.content_type, headers["Vary"]) == (200, content_type, "Accept")
    assert headers["Cache-Control"] == "public, immutable"
    assert headers["ETag"].strip('"') == url.partition("=")[2]
    assert (await get(session, url, accept, **{"If-None-Match": headers["ETag"]})).status == 304
    assert (await get(session, f"{APPS}?hash=OLD", accept)).status == 301


@pytest.mark.parametrize("accept", ["test/test", "application/vnd.kubernetes.protobuf"])
async def test_what_is_not_written(accept: str) -> None:
    """Documents are refused in other forms; the index comes in JSON to everybody."""
    session = await new_session()
    assert (await get(session, APPS, accept)).status == 406
    answer = await get(session, "/openapi/v3", accept)
    assert (answer.status, answer.content_type) == (200, "application/json")
