"""WATCH: what is sent, in which form, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.records import define
from kube_actors.server.http import Streaming
from kube_actors.server.reading.watch import watch
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server import kit

ALL = "/api/v1/configmaps?watch=true"
ONE = "/api/v1/namespaces/default/configmaps?watch=true"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PATIENCE = 90.0  # seconds until a test gives up on an event

Event = dict[str, Any]


@define
class Listener:
    """A client: `next` is its next event. `sent` are the pieces as they came."""

    sent: list[bytes] = attrs.field(factory=list)
    lines: list[bytes] = attrs.field(factory=list)
    grown: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def send(self, part: bytes | tuple[bytes, ...], /) -> None:
        """Takes a part, which always ends with a line."""
        data = part if isinstance(part, bytes) else b"".join(part)
        assert data.endswith(b"\n")
        self.sent.append(data)
        self.lines += data.splitlines()
        self.grown.set()
        self.grown = trio.Event()
        await trio.lowlevel.checkpoint()

    async def next(self) -> Event:
        """The next event; fails when none comes."""
        with trio.fail_after(PATIENCE):
            while not self.lines:
                await self.grown.wait()
        event: Event = json.loads(self.lines.pop(0))
        return event

    async def until_end(self) -> list[Event]:
        """The rest, once the stream has ended by itself."""
        with trio.fail_after(PATIENCE):
            await self.ended.wait()
        return [json.loads(line) for line in self.lines]


@asynccontextmanager
async def listening(session: Session, target: str, **headers: str) -> AsyncIterator[Listener]:
    """A client of a watch, which goes away at the end."""
    response = await watch(kit.make_call(session, "GET", target, headers=headers))
    assert isinstance(response, Streaming)
    listener = Listener()

    async def follow() -> None:
        await response.write(listener.send)
        listener.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        yield listener
        nursery.cancel_scope.cancel()


@pytest.fixture
async def session() -> Session:
    """A cluster with two ConfigMaps, `a` labelled `app: web`."""
    session = await kit.new_session("default", "other")
    await kit.create(session, kit.config_map("a", {"app": "web"}))
    await kit.create(session, kit.config_map("b"))
    return session


def told(event: Event) -> tuple[str, str]:
    """Type and name."""
    return event["type"], event["object"]["metadata"].get("name", "")


async def change(session: Session, name: str, **labels: str) -> None:
    """Give a ConfigMap these labels."""
    await session.client.mutate(
        Key("configmaps", "default", name), lambda body: body["metadata"].update(labels=labels or None)
    )


async def refusal_of(session: Session, target: str, **headers: str) -> dict[str, Any]:
    """The Status that a watch is refused with."""
    with pytest.raises(ApiError) as refused:
        await watch(kit.make_call(session, "GET", target, headers=headers))
    return refused.value.status()


@pytest.mark.parametrize("version", ["", "&resourceVersion=0", "&resourceVersion="])
async def test_from_anywhere_begins_with_what_is_there(session: Session, version: str) -> None:
    """Without a revision every object is ADDED first; then come the changes."""
    async with listening(session, ONE + version) as client:
        assert [told(await client.next()) for _ in range(2)] == [("ADDED", "a"), ("ADDED", "b")]
        await kit.create(session, kit.config_map("c"))
        assert told(await client.next()) == ("ADDED", "c")
        await change(session, "c", app="new")
        event = await client.next()
        assert told(event) == ("MODIFIED", "c")
        assert event["object"]["metadata"]["labels"] == {"app": "new"}
        await session.client.delete(Key("configmaps", "default", "c"))
        event = await client.next()
        assert told(event) == ("DELETED", "c")
        assert event["object"]["metadata"]["resourceVersion"] == str(session.plane.store.head)


async def test_from_a_revision_goes_on_behind_it(session: Session) -> None:
    """Everything after the revision, nothing before it, and only of the resource and namespace."""
    then = session.plane.store.head
    await kit.create(session, kit.config_map("c"))
    await kit.create(session, kit.config_map("elsewhere"), "other")
    await kit.create(session, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    async with listening(session, f"{ONE}&resourceVersion={then}") as client:
        await kit.create(session, kit.config_map("d"))
        assert [told(await client.next()) for _ in range(2)] == [("ADDED", "c"), ("ADDED", "d")]
    async with listening(session, f"{ALL}&resourceVersion={then}") as client:
        assert [told(await client.next())[1] for _ in range(3)] == ["c", "elsewhere", "d"]


async def test_watch_list(session: Session) -> None:
    """The initial events end in a bookmark that says so and carries the revision."""
    target = f"{ONE}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with listening(session, target) as client:
        assert [told(await client.next()) for _ in range(2)] == [("ADDED", "a"), ("ADDED", "b")]
        assert await client.next() == {
            "type": "BOOKMARK",
            "object": {
                "kind": "ConfigMap",
                "apiVersion": "v1",
                "metadata": {
                    "resourceVersion": str(session.plane.store.head),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                },
            },
        }


async def test_initial_events_end_for_those_who_did_not_ask(session: Session) -> None:
    """A watch from anywhere that takes bookmarks is told of the end, too."""
    async with listening(session, f"{ONE}&allowWatchBookmarks=true") as client:
        events = [await client.next() for _ in range(3)]
    assert events[2]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_without_initial_events_it_begins_now(session: Session) -> None:
    """`sendInitialEvents=false` shows changes only."""
    async with listening(session, f"{ONE}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan") as client:
        await kit.create(session, kit.config_map("c"))
        assert told(await client.next()) == ("ADDED", "c")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        (
            "sendInitialEvents=true&resourceVersionMatch=Exact",
            'Unsupported value: "Exact": supported values: "NotOlderThan"',
        ),
        (
            "resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x",
            "resourceVersionMatch is forbidden when continue is provided",
        ),
    ],
)
async def test_parameters_that_do_not_go_together(session: Session, parameters: str, message: str) -> None:
    """422 about the ListOptions, before a stream begins."""
    status = await refusal_of(session, f"{ONE}&{parameters}")
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert message in status["message"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("fieldSelector=data.x%3D1", '"data.x" is not a known field selector'),
        ("labelSelector=a+b", "unable to parse requirement"),
        ("timeoutSeconds=soon", "invalid syntax"),
        ("resourceVersion=soon", "invalid syntax"),
    ],
)
async def test_parameters_that_cannot_be_read(session: Session, parameters: str, message: str) -> None:
    """400 before a stream begins."""
    status = await refusal_of(session, f"{ONE}&{parameters}")
    assert status["code"] == 400
    assert message in status["message"]


async def test_a_stream_is_not_written_as_yaml(session: Session) -> None:
    """406: YAML has no form for a stream."""
    assert (await refusal_of(session, ONE, accept="application/yaml"))["code"] == 406


async def test_a_revision_that_is_too_long_ago() -> None:
    """One ERROR event with 410, and the end."""
    session = await kit.new_session(history_bytes=2000)
    for number in range(10):
        await kit.create(session, kit.config_map(f"c-{number}"))
    async with listening(session, f"{ONE}&resourceVersion=2") as client:
        [event] = await client.until_end()
    assert event["type"] == "ERROR"
    assert (event["object"]["kind"], event["object"]["code"], event["object"]["reason"]) == ("Status", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 2 (")


async def test_a_list_that_is_ahead_of_the_server(session: Session, autojump_clock: MockClock) -> None:
    """A watch list that asks for a revision to come gets 504 as an ERROR event, if it does not come soon."""
    target = f"{ONE}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=9999"
    async with listening(session, target) as client:
        [event] = await client.until_end()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 504, "Timeout")


async def test_a_watch_that_is_ahead_of_the_server(session: Session, autojump_clock: MockClock) -> None:
    """It hears of what comes after the revision it names; when nothing comes for seconds, it is to list again (410)."""
    head = session.plane.store.head
    async with listening(session, f"{ONE}&resourceVersion={head + 1}") as client:
        await kit.create(session, kit.config_map("unheard-of"))
        await kit.create(session, kit.config_map("new"))
        assert (await client.next())["object"]["metadata"]["name"] == "new"
    async with listening(session, f"{ONE}&resourceVersion={head + 100}") as client:
        [event] = await client.until_end()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    async with listening(session, f"{ONE}&resourceVersion={head + 100}&timeoutSeconds=1") as client:
        assert await client.until_end() == []


async def test_a_client_that_reads_too_slowly_is_told() -> None:
    """When history has moved on without it, a watch ends with an ERROR event of 410."""
    session = await kit.new_session(history_bytes=4000)
    response = await watch(kit.make_call(session, "GET", f"{ONE}&resourceVersion={session.plane.store.head}"))
    for number in range(20):
        await kit.create(session, kit.config_map(f"c-{number}"))
    with trio.fail_after(PATIENCE):
        event = json.loads(await kit.stream_of(response))
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_label_selector(session: Session) -> None:
    """An object that comes to match is ADDED, one that ceases to is DELETED, as it was, under the new revision."""
    async with listening(session, f"{ONE}&labelSelector=app") as client:
        assert told(await client.next()) == ("ADDED", "a")
        await change(session, "b", app="new")
        assert told(await client.next()) == ("ADDED", "b")
        await change(session, "b")
        event = await client.next()
        assert told(event) == ("DELETED", "b")
        assert event["object"]["metadata"]["labels"] == {"app": "new"}
        assert event["object"]["metadata"]["resourceVersion"] == str(session.plane.store.head)


@pytest.mark.parametrize(
    "target",
    [
        f"{ONE}&fieldSelector=metadata.name%3Db",
        "/api/v1/watch/namespaces/default/configmaps/b",
        "/api/v1/watch/namespaces/default/configmaps/b?fieldSelector=metadata.name%3Db",
    ],
)
async def test_one_object(session: Session, target: str) -> None:
    """By field selector, or by a path of old."""
    async with listening(session, target) as client:
        assert told(await client.next()) == ("ADDED", "b")
        await change(session, "a", app="other")
        await change(session, "b", app="new")
        assert told(await client.next()) == ("MODIFIED", "b")


async def test_a_name_and_another_name(session: Session) -> None:
    """400 when path and selector contradict each other."""
    status = await refusal_of(session, "/api/v1/watch/namespaces/default/configmaps/b?fieldSelector=metadata.name%3Da")
    assert status["message"] == "fieldSelector metadata.name doesn't match requested name"


async def test_pods_of_a_node() -> None:
    """A pod shows up where its node is watched when it is bound to it."""
    session = await kit.new_session()
    await kit.create(session, kit.pod("web"))
    target = "/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1"
    async with listening(session, target) as client:
        await session.client.mutate(
            Key("pods", "default", "web"), lambda body: body["spec"].update(nodeName="n1"), subresource="binding"
        )
        assert told(await client.next()) == ("ADDED", "web")


async def test_the_time_is_over(session: Session, autojump_clock: trio.testing.MockClock) -> None:
    """After `timeoutSeconds` the stream ends with a bookmark of how far it went."""
    async with listening(session, f"{ONE}&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion=1") as client:
        await kit.create(session, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
        events = await client.until_end()
    assert trio.current_time() == pytest.approx(5.0)
    assert [event["type"] for event in events] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[-1]["object"]["metadata"] == {"resourceVersion": str(session.plane.store.head)}


async def test_the_time_is_over_without_bookmarks(session: Session, autojump_clock: trio.testing.MockClock) -> None:
    """A client that does not take bookmarks gets none."""
    async with listening(session, f"{ONE}&timeoutSeconds=5") as client:
        assert [event["type"] for event in await client.until_end()] == ["ADDED", "ADDED"]


async def test_a_watch_without_a_time_lasts_half_an_hour(
    session: Session, autojump_clock: trio.testing.MockClock
) -> None:
    """And up to an hour, with a bookmark about every minute."""
    async with listening(session, f"{ONE}&allowWatchBookmarks=true&resourceVersion=1") as client:
        with trio.move_on_after(4000):
            await client.ended.wait()
    assert 1800 <= trio.current_time() <= 3600
    kinds = [json.loads(line)["type"] for line in client.lines]
    assert kinds[:2] == ["ADDED", "ADDED"]
    assert 29 <= kinds.count("BOOKMARK") <= 62


async def test_a_table(session: Session) -> None:
    """Every event is a table of one row; the columns stand in the first only."""
    async with listening(session, f"{ONE}&resourceVersion=0", accept=TABLE) as client:
        first, second = await client.next(), await client.next()
    assert first["object"]["kind"] == "Table"
    assert [column["name"] for column in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert not second["object"]["columnDefinitions"]
    assert [event["object"]["rows"][0]["cells"][0] for event in (first, second)] == ["a", "b"]


async def test_a_watch_list_is_never_a_table(session: Session) -> None:
    """406 for who takes nothing but Tables; who takes more gets the objects."""
    target = f"{ONE}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    assert (await refusal_of(session, target, accept=TABLE))["code"] == 406
    async with listening(session, target, accept=f"{TABLE},application/json") as client:
        assert (await client.next())["object"]["kind"] == "ConfigMap"


async def test_metadata_alone(session: Session) -> None:
    """Events carry PartialObjectMetadata; so do bookmarks."""
    target = f"{ONE}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with listening(session, target, accept=PARTIAL) as client:
        events = [await client.next() for _ in range(3)]
    assert [event["object"]["kind"] for event in events] == ["PartialObjectMetadata"] * 3
    assert "data" not in events[0]["object"]
    assert events[2]["type"] == "BOOKMARK"


async def test_many_events_leave_in_few_sends(session: Session) -> None:
    """What has gathered is sent together, in parts of bounded size."""
    then = session.plane.store.head
    for number in range(50):
        await kit.create(session, kit.config_map(f"c-{number}", text="x" * 20_000))
    async with listening(session, f"{ONE}&resourceVersion={then}") as client:
        events = [await client.next() for _ in range(50)]
    assert len(events) == 50
    assert len(client.sent) < 15
    assert max(map(len, client.sent)) < 200_000


async def test_watchers_of_the_same_share_the_bytes(session: Session) -> None:
    """What is sent to a hundred watchers is made once."""
    then = session.plane.store.head
    async with (
        listening(session, f"{ONE}&resourceVersion={then}") as one,
        listening(session, f"{ONE}&resourceVersion={then}") as other,
    ):
        await kit.create(session, kit.config_map("c"))
        assert told(await one.next()) == told(await other.next()) == ("ADDED", "c")
    assert one.sent[0] is other.sent[0]
