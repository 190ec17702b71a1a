"""GET of one object, in every form."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.server.reading.get import get
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server import kit

PATH = "/api/v1/namespaces/default/configmaps/one"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
async def session() -> Session:
    """A cluster with one ConfigMap."""
    session = await kit.new_session()
    await kit.create(session, kit.config_map("one", {"app": "web"}, key="value"))
    return session


async def answer_of(session: Session, target: str = PATH, **headers: str) -> Any:
    """What GET answers, read as JSON."""
    return kit.json_of(await get(kit.make_call(session, "GET", target, headers=headers)))


async def refusal_of(session: Session, target: str, **headers: str) -> dict[str, Any]:
    """The Status that GET is refused with."""
    with pytest.raises(ApiError) as refused:
        await get(kit.make_call(session, "GET", target, headers=headers))
    return refused.value.status()


async def test_the_stored_bytes_are_sent(session: Session) -> None:
    """An object goes out as it is stored, without being parsed or copied."""
    call = kit.make_call(session, "GET", PATH)
    stored = session.plane.store.get(call.key)
    assert stored is not None
    assert (await get(call)).body is stored.raw


async def test_what_is_not_there_is_not_found(session: Session) -> None:
    """404 in Kubernetes' words, with the details client libraries read."""
    status = await refusal_of(session, "/apis/apps/v1/namespaces/default/deployments/web")
    assert status["message"] == 'deployments.apps "web" not found'
    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("version", ["", "0", "1"])
async def test_any_revision_that_was_there_is_fresh_enough(session: Session, version: str) -> None:
    """A `resourceVersion` asks for no older state than that."""
    assert (await answer_of(session, f"{PATH}?resourceVersion={version}"))["data"] == {"key": "value"}


async def test_a_revision_from_the_future_times_out(session: Session, autojump_clock: MockClock) -> None:
    """504 after three seconds, with the cause that tells client-go to wait and try again."""
    head = session.plane.store.head
    status = await refusal_of(session, f"{PATH}?resourceVersion={head + 7}")
    assert status["message"] == f"Timeout: Too large resource version: {head + 7}, current: {head}"
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert status["details"]["retryAfterSeconds"] == 1
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert autojump_clock.current_time() == pytest.approx(3, abs=0.1)


async def test_a_revision_that_is_about_to_come_is_waited_for(session: Session, autojump_clock: MockClock) -> None:
    """Somebody writes a second later, and the answer is as new as was asked for."""
    head = session.plane.store.head
    bodies = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            bodies.append(await answer_of(session, f"{PATH}?resourceVersion={head + 1}"))

        await trio.sleep(1)
        await session.client.mutate(Key("configmaps", "default", "one"), lambda body: body.update(data={"key": "new"}))
    assert [body["data"] for body in bodies] == [{"key": "new"}]
    assert autojump_clock.current_time() < 2


@pytest.mark.parametrize("version", ["abc", "-1", "1.5", "²", "9" * 30])
async def test_a_revision_that_is_no_number_is_refused(session: Session, version: str) -> None:
    """400 that names the value."""
    status = await refusal_of(session, f"{PATH}?resourceVersion={version}")
    assert status["code"] == 400
    assert f'resourceVersion: Invalid value: "{version}"' in status["message"]


async def test_metadata_alone(session: Session) -> None:
    """`as=PartialObjectMetadata` leaves everything but the metadata away."""
    answer = await answer_of(session, accept=PARTIAL)
    whole = await answer_of(session)
    assert answer == {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": whole["metadata"],
    }


async def test_metadata_as_a_list_is_not_acceptable(session: Session) -> None:
    """One object is no list."""
    status = await refusal_of(session, PATH, accept=PARTIAL.replace("Metadata;", "MetadataList;"))
    assert (status["code"], status["reason"]) == (406, "NotAcceptable")
    assert "the requested object is not a list" in status["message"]


async def test_what_cannot_be_written(session: Session) -> None:
    """406 that says what can be, in kube-apiserver's words."""
    status = await refusal_of(session, PATH, accept="application/cbor")
    assert (status["code"], status["reason"]) == (406, "NotAcceptable")
    known = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    assert status["message"] == f"only the following media types are accepted: {known}"


async def test_yaml(session: Session) -> None:
    """An answer in YAML, as kubectl would print it."""
    response = await get(kit.make_call(session, "GET", PATH, headers={"accept": "application/yaml"}))
    assert response.content_type == "application/yaml"
    assert b"kind: ConfigMap\n" in kit.body_of(response)


@pytest.mark.parametrize(
    ("target", "agent", "is_pretty"),
    [
        (PATH, "kubectl/v1.36", False),
        (PATH, "curl/8.0", True),
        (PATH, "Mozilla/5.0 (X11)", True),
        (f"{PATH}?pretty=false", "curl/8.0", False),
        (f"{PATH}?pretty=true", "kubectl/v1.36", True),
    ],
)
async def test_people_get_indented_json(session: Session, target: str, agent: str, is_pretty: bool) -> None:
    """By the parameter, or without it by the program that asks."""
    body = kit.body_of(await get(kit.make_call(session, "GET", target, headers={"user-agent": agent})))
    assert body.startswith(b'{\n  "') == is_pretty
    assert json.loads(body)["data"] == {"key": "value"}
