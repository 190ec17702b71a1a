"""Bodies with very many things wrong: the answer stays small, and the work grows no faster than the body."""

from __future__ import annotations

import gzip

import pytest
import trio

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


def pod_of(variables: int) -> bytes:
    """A pod whose container has so many environment variables."""
    environment = [{"name": f"V{number}", "value": "x"} for number in range(variables)]
    container = {"name": "a", "image": "nginx", "env": environment}
    return json.dumps({"metadata": {"name": "large"}, "spec": {"containers": [container]}})


async def test_others_are_served_while_a_large_body_is_worked_on() -> None:
    """Creating, changing and applying a large object takes its time aside: small requests are answered meanwhile."""
    session = await new_session()
    await ask(session, "POST", MAPS, {"metadata": {"name": "small"}})
    path = "/api/v1/namespaces/default/pods"
    apply = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "labels": {"b": "c"}}})
    patches = {"application/merge-patch+json": b'{"metadata": {"labels": {"a": "b"}}}'}
    patches["application/apply-patch+yaml"] = apply
    served = 0

    async def get_again_and_again() -> None:
        nonlocal served
        while True:
            answer = await ask(session, "GET", f"{MAPS}/small")
            assert isinstance(answer, Full)
            assert answer.status == 200
            served += 1
            await trio.lowlevel.checkpoint()

    async def is_served_beside(method: str, target: str, body: bytes, type_: str) -> None:
        before = served
        answer = await ask(session, method, target, body, {"content-type": type_})
        assert isinstance(answer, Full)
        assert answer.status in (200, 201), body_of(answer)[:300]
        assert served > before + 5  # waiting for the journal alone lets one or two through

    async with trio.open_nursery() as nursery:
        nursery.start_soon(get_again_and_again)
        await is_served_beside("POST", path, pod_of(10_000), "application/json")
        for type_, body in patches.items():
            await is_served_beside("PATCH", f"{path}/large?fieldManager=tester", body, type_)
        nursery.cancel_scope.cancel()
    pod = json_of(await ask(session, "GET", f"{path}/large"))
    assert pod["metadata"]["labels"] == {"a": "b", "b": "c"}
    assert len(pod["spec"]["containers"][0]["env"]) == 10_000


async def test_large_bodies_come_one_after_the_other() -> None:
    """What they become in memory is much larger than they are, so only one of them is open at a time; each counts."""
    session = await new_session()
    codes: list[int] = []

    async def create(number: int) -> None:
        body = pod_of(3_000).replace(b'"large"', f'"large-{number}"'.encode())
        answer = await ask(session, "POST", "/api/v1/namespaces/default/pods", body, JSON)
        assert isinstance(answer, Full)
        codes.append(answer.status)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(create, number % 2)
    assert sorted(codes) == [201, 201, 409]


async def test_warnings_of_very_many_ports() -> None:
    """Ports are held against each other, but not each against every other."""
    ports = [{"containerPort": 80, "hostPort": 1 + number} for number in range(MANY)]
    containers = [{"name": "a", "image": "nginx", "ports": ports}]
    pod = {"metadata": {"name": "a"}, "spec": {"containers": containers}}
    with trio.fail_after(30):
        response = await ask(await new_session(), "POST", "/api/v1/namespaces/default/pods?dryRun=All", pod)
    assert isinstance(response, Full)
    assert response.status == 201
