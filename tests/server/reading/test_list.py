"""LIST: order, forms, selectors, pages and revisions."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from kube_actors.errors import ApiError
from kube_actors.server.reading.list import list_objects
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server import kit
from tests.store.building import HeldJournal

ALL = "/api/v1/configmaps"
ONE = "/api/v1/namespaces/blue/configmaps"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
async def session() -> Session:
    """Two namespaces with ConfigMaps: `blue` with a, b, c (every one but b labelled), `red` with a."""
    session = await kit.new_session("red", "blue")
    await kit.create(session, kit.config_map("a", {"app": "web"}), "red")
    for name in ("c", "a"):
        await kit.create(session, kit.config_map(name, {"app": "web"}), "blue")
    await kit.create(session, kit.config_map("b"), "blue")
    return session


async def answer_of(session: Session, target: str, **headers: str) -> Any:
    """What LIST answers, read as JSON."""
    return kit.json_of(await list_objects(kit.make_call(session, "GET", target, headers=headers)))


async def names_of(session: Session, target: str) -> list[str]:
    """The objects in a list as namespace/name."""
    items = (await answer_of(session, target))["items"]
    return ["/".join([item["metadata"].get("namespace", ""), item["metadata"]["name"]]) for item in items]


async def refusal_of(session: Session, target: str, **headers: str) -> dict[str, Any]:
    """The Status that LIST is refused with."""
    with pytest.raises(ApiError) as refused:
        await list_objects(kit.make_call(session, "GET", target, headers=headers))
    return refused.value.status()


async def test_order_and_envelope(session: Session) -> None:
    """By namespace and name; kind, version and the store's revision around them."""
    answer = await answer_of(session, ALL)
    assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
    assert answer["metadata"] == {"resourceVersion": str(session.plane.store.head)}
    assert await names_of(session, ALL) == ["blue/a", "blue/b", "blue/c", "red/a"]
    assert await names_of(session, ONE) == ["blue/a", "blue/b", "blue/c"]


async def test_the_stored_bytes_are_the_items(session: Session) -> None:
    """No object is copied: its bytes are pieces of the answer."""
    response = await list_objects(kit.make_call(session, "GET", ONE))
    stored = session.plane.store.get(Key("configmaps", "blue", "b"))
    assert stored is not None
    assert any(piece is stored.raw for piece in response.body)


@pytest.mark.parametrize("target", [ONE.replace("blue", "nowhere"), "/apis/apps/v1/deployments"])
async def test_nothing_there_is_an_empty_list(session: Session, target: str) -> None:
    """Also in a namespace that does not exist."""
    assert (await answer_of(session, target))["items"] == []


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("labelSelector=app%3Dweb", ["blue/a", "blue/c"]),
        ("labelSelector=!app", ["blue/b"]),
        ("fieldSelector=metadata.name%3Db", ["blue/b"]),
        ("fieldSelector=metadata.name!%3Db,metadata.namespace%3Dblue", ["blue/a", "blue/c"]),
        ("fieldSelector=metadata.name%3Db&labelSelector=app", []),
        ("fieldSelector=metadata.namespace%3Dred", []),
    ],
)
async def test_selectors(session: Session, selector: str, expected: list[str]) -> None:
    """Labels and fields narrow the list, together too."""
    assert await names_of(session, f"{ONE}?{selector}") == expected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("labelSelector=a+b+c", "unable to parse requirement"),
        ("fieldSelector=nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
        (
            "fieldSelector=data.x%3D1",
            '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("limit=many", 'strconv.ParseInt: parsing "many": invalid syntax'),
        ("timeoutSeconds=1s", 'strconv.ParseInt: parsing "1s": invalid syntax'),
        ("limit=99999999999999999999", "value out of range"),
        ("resourceVersion=x", 'parsing "x": invalid syntax'),
        ("continue=%25%25", "continue key is not valid"),
        ("continue=AAAA", "continue key is not valid"),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhIn0", "incorrect encoded start resourceVersion"),
    ],
)
async def test_parameters_that_cannot_be_read(session: Session, selector: str, message: str) -> None:
    """400 that says which and why."""
    status = await refusal_of(session, f"{ONE}?{selector}")
    assert status["code"] == 400
    assert message in status["message"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("resourceVersionMatch=Exact", "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        (
            "resourceVersionMatch=Newest&resourceVersion=1",
            'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            "resourceVersionMatch=NotOlderThan&resourceVersion=1&continue=x",
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
    ],
)
async def test_parameters_that_do_not_go_together(session: Session, parameters: str, message: str) -> None:
    """422 about the ListOptions, as kube-apiserver words it."""
    status = await refusal_of(session, f"{ONE}?{parameters}")
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert message in status["message"]


async def test_pages_show_one_moment(session: Session) -> None:
    """What happens between two pages does not show: all are of the first page's revision."""
    store = session.plane.store
    first = await answer_of(session, f"{ALL}?limit=2")
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 2
    await session.client.delete(Key("configmaps", "red", "a"))
    await kit.create(session, kit.config_map("bb"), "blue")
    await session.client.mutate(Key("configmaps", "blue", "c"), lambda body: body.update(data={"new": "1"}))

    second = await answer_of(session, f"{ALL}?limit=2&continue={first['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in second["items"]] == ["c", "a"]
    assert second["items"][0]["data"] == {}
    assert second["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    assert int(second["metadata"]["resourceVersion"]) < store.head


async def test_a_page_that_ends_with_the_list_has_no_token(session: Session) -> None:
    """No token when nothing is left, also when the limit is exactly met."""
    assert (await answer_of(session, f"{ALL}?limit=4"))["metadata"].keys() == {"resourceVersion"}


async def test_how_many_remain_is_not_said_of_a_selection(session: Session) -> None:
    """Counting what matches would mean to look at everything."""
    page = await answer_of(session, f"{ALL}?limit=1&labelSelector=app")
    assert page["metadata"].keys() == {"resourceVersion", "continue"}
    rest = await answer_of(session, f"{ALL}?labelSelector=app&continue={page['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c", "a"]


async def test_pages_of_a_field_selection(session: Session) -> None:
    """Limit and field selector work together: pages are full as long as there is enough."""
    target = f"{ALL}?limit=1&fieldSelector=metadata.name%3Da"
    first = await answer_of(session, target)
    second = await answer_of(session, f"{target}&continue={first['metadata']['continue']}")
    namespaces = [page["items"][0]["metadata"]["namespace"] for page in (first, second)]
    assert namespaces == ["blue", "red"]
    assert "continue" not in second["metadata"]


async def test_a_token_belongs_to_its_list(session: Session) -> None:
    """Neither another resource nor another namespace takes it, nor does a revision beside it."""
    token = (await answer_of(session, f"{ONE}?limit=1"))["metadata"]["continue"]
    for other in ("/api/v1/namespaces/blue/secrets", "/api/v1/namespaces/red/configmaps"):
        assert (await refusal_of(session, f"{other}?continue={token}"))["code"] == 400
    status = await refusal_of(session, f"{ONE}?continue={token}&resourceVersion=3")
    assert status["message"] == "specifying resource version is not allowed when using continue"


async def test_a_token_expires_with_the_history() -> None:
    """410 with a token in the Status that goes on with the objects as they are now."""
    session = await kit.new_session(history_bytes=4000)
    for name in ("a", "b", "c"):
        await kit.create(session, kit.config_map(name))
    target = "/api/v1/namespaces/default/configmaps?limit=1"
    token = (await answer_of(session, target))["metadata"]["continue"]
    for number in range(10):
        await kit.create(session, kit.config_map(f"later-{number}"))
    await session.client.delete(Key("configmaps", "default", "b"))

    status = await refusal_of(session, f"{target}&continue={token}")
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"].startswith("The provided continue parameter is too old to display a consistent list")
    rest = await answer_of(session, f"{target}&continue={status['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    assert rest["metadata"]["resourceVersion"] == str(session.plane.store.head)


async def test_revisions(session: Session) -> None:
    """Exactly the past, no older than the past, or whatever there is; a limit makes a revision exact."""
    then = session.plane.store.head
    await kit.create(session, kit.config_map("d"), "blue")
    before, after = ["blue/a", "blue/b", "blue/c"], ["blue/a", "blue/b", "blue/c", "blue/d"]
    at = f"{ONE}?resourceVersion={then}"
    assert await names_of(session, f"{at}&resourceVersionMatch=Exact") == before
    assert (await answer_of(session, f"{at}&resourceVersionMatch=Exact"))["metadata"]["resourceVersion"] == str(then)
    assert await names_of(session, f"{at}&limit=5") == before
    assert await names_of(session, at) == after
    assert await names_of(session, f"{at}&resourceVersionMatch=NotOlderThan&limit=5") == after
    assert await names_of(session, f"{ONE}?resourceVersion=0") == after


@pytest.mark.parametrize("match", ["", "&resourceVersionMatch=Exact", "&resourceVersionMatch=NotOlderThan"])
async def test_a_revision_from_the_future_times_out(session: Session, match: str, autojump_clock: MockClock) -> None:
    """504, so that a client that is ahead waits and asks again."""
    status = await refusal_of(session, f"{ONE}?resourceVersion=99999{match}")
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert status["details"]["retryAfterSeconds"] == 1


async def test_an_exact_revision_that_is_gone_has_expired() -> None:
    """410 when history no longer reaches it."""
    session = await kit.new_session(history_bytes=2000)
    for number in range(10):
        await kit.create(session, kit.config_map(f"c-{number}"))
    target = "/api/v1/namespaces/default/configmaps?resourceVersion=2&resourceVersionMatch=Exact"
    status = await refusal_of(session, target)
    assert (status["code"], status["message"]) == (410, "The resourceVersion for the provided list is too old.")


async def test_metadata_alone(session: Session) -> None:
    """A PartialObjectMetadataList of PartialObjectMetadata."""
    answer = await answer_of(session, f"{ONE}?limit=1", accept=PARTIAL)
    assert (answer["kind"], answer["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert answer["metadata"]["remainingItemCount"] == 2
    assert answer["items"][0].keys() == {"kind", "apiVersion", "metadata"}
    assert answer["items"][0]["kind"] == "PartialObjectMetadata"


async def test_metadata_of_one_object_is_not_acceptable_for_a_list(session: Session) -> None:
    """406 in Kubernetes' words."""
    status = await refusal_of(session, ONE, accept=PARTIAL.replace("MetadataList", "Metadata"))
    assert status["message"].startswith("you requested PartialObjectMetadata, but the requested object is a list")
    assert (status["code"], status["reason"]) == (406, "NotAcceptable")


async def test_a_table(session: Session) -> None:
    """Rows in order, with the metadata of the list."""
    answer = await answer_of(session, f"{ONE}?limit=2", accept=TABLE)
    assert answer["kind"] == "Table"
    assert [row["cells"][0] for row in answer["rows"]] == ["a", "b"]
    assert answer["metadata"]["remainingItemCount"] == 1
    assert answer["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    whole = await answer_of(session, f"{ONE}?includeObject=Object", accept=TABLE)
    assert whole["rows"][0]["object"]["kind"] == "ConfigMap"


async def test_a_table_with_an_unknown_part_of_the_object(session: Session) -> None:
    """400 that names the choices."""
    status = await refusal_of(session, f"{ONE}?includeObject=All", accept=TABLE)
    assert status["code"] == 400
    assert "must be 'Metadata', 'Object', 'None', or empty" in status["message"]


async def test_a_list_as_yaml(session: Session) -> None:
    """The same as one YAML document."""
    response = await list_objects(kit.make_call(session, "GET", ONE, headers={"accept": "application/yaml"}))
    assert response.content_type == "application/yaml"
    assert kit.body_of(response).startswith(b"apiVersion: v1\nitems:\n- apiVersion: v1\n")


async def test_only_what_is_durable_is_told(nursery: trio.Nursery) -> None:
    """A list waits until nothing in it can be lost any more."""
    journal = HeldJournal()
    session = await kit.new_session(journal=journal)
    await kit.create(session, kit.config_map("a"))
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await answer_of(session, "/api/v1/namespaces/default/configmaps"))

    nursery.start_soon(ask)
    await trio.testing.wait_all_tasks_blocked()
    assert answers == []
    journal.release()
    await trio.testing.wait_all_tasks_blocked()
    assert [item["metadata"]["name"] for item in answers[0]["items"]] == ["a"]
