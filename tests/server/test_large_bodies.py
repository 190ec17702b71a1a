"""Bodies with very many things wrong: the answer stays small, and the work grows no faster than the body."""

from __future__ import annotations

import gzip

import pytest

from kube_actors.api.codecs import json
from kube_actors.errors import MOST_CAUSES
from kube_actors.server.http import Full
from tests.server.kit import ask, body_of, json_of, new_session

MAPS = "/api/v1/namespaces/default/configmaps"
MANY = 20_000
JSON = {"content-type": "application/json"}
YAML = {"content-type": "application/yaml"}


def members(member: str) -> bytes:
    """A ConfigMap with very many members more; `#` becomes their number."""
    more = ",".join(member.replace("#", str(number)) for number in range(MANY))
    return f'{{"metadata": {{"name": "a"}}, {more}}}'.encode()


@pytest.mark.parametrize("member", ['"u#": 0', '"u": 0'])
@pytest.mark.parametrize("validation", ["Warn", "Strict"])
async def test_unknown_fields_without_number(member: str, validation: str) -> None:
    """They are told as long as they fit into an answer."""
    session = await new_session()
    response = await ask(session, "POST", f"{MAPS}?fieldValidation={validation}", members(member), JSON)
    assert isinstance(response, Full)
    assert response.status == (201 if validation == "Warn" else 400)
    told = sum(len(value) for _, value in response.headers) + len(body_of(response))
    assert b"unknown field" in str(response.headers).encode() + body_of(response)
    assert told < 20_000


async def test_keys_given_twice_without_number() -> None:
    """In YAML, too."""
    session = await new_session()
    response = await ask(session, "POST", MAPS, b"metadata: {name: a}\n" + b"a: 1\n" * MANY, YAML)
    assert isinstance(response, Full)
    assert response.status == 201
    assert len(str(response.headers)) < 20_000


@pytest.mark.parametrize(("value", "status"), [('"k/#": "x"', 422), ('"k#": 1', 400)])
async def test_causes_without_number(value: str, status: int) -> None:
    """Of so many causes the first ones are told, and how many there are beside them."""
    body = members(value).replace(b'"}, ', b'"}, "data": {', 1) + b"}"
    response = await ask(await new_session(), "POST", MAPS, body, JSON)
    assert isinstance(response, Full)
    assert response.status == status
    refused = json_of(response)
    assert len(refused["details"]["causes"]) == MOST_CAUSES
    assert len(body_of(response)) < 1 << 20


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity, gzip", "br"])
async def test_compressed_bodies_are_not_read(method: str, encoding: str) -> None:
    """Whatever the method: 415, and nothing is unpacked."""
    session = await new_session()
    type_ = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"content-type": type_, "content-encoding": encoding}
    target = MAPS if method == "POST" else f"{MAPS}/a"
    response = await ask(session, method, target, gzip.compress(json.dumps({"metadata": {"name": "a"}})), headers)
    assert isinstance(response, Full)
    assert (response.status, json_of(response)["reason"]) == (415, "UnsupportedMediaType")


async def test_yaml_that_is_slow_to_read_is_read_while_it_is_short() -> None:
    """A colon in a flow value is for the slow reader: a long text with one is refused at once."""
    session = await new_session()
    short = b"metadata: {name: a}\ndata: {image: nginx:1.27}\n"
    created = await ask(session, "POST", MAPS, short, YAML)
    assert json_of(created)["data"] == {"image": "nginx:1.27"}
    response = await ask(session, "POST", MAPS, b"# a long text\n" * MANY + short, YAML)
    assert isinstance(response, Full)
    assert response.status == 400
    assert f"line {MANY + 2}" in json_of(response)["message"]
