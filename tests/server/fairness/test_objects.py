"""Priority and fairness as clients see it: by the objects, the headers, and who has to wait."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.access.user import User
from kube_actors.errors import ApiError
from kube_actors.server.chain import Chain
from kube_actors.server.flow_control import FlowControl, FlowLimits
from kube_actors.server.http import Full, Response, Streaming
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server import kit

API = "flowcontrol.apiserver.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
INITIAL = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
ALICE, BOB = User("alice", ("system:authenticated",)), User("bob", ("system:authenticated",))
ALL: dict[str, Any] = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}


async def add_level(session: Session, name: str, shares: int, response: dict[str, Any]) -> str:
    """A limited level; its uid."""
    limited = {"nominalConcurrencyShares": shares, "limitResponse": response}
    spec = {"type": "Limited", "limited": limited}
    body = {"apiVersion": API, "kind": "PriorityLevelConfiguration", "metadata": {"name": name}, "spec": spec}
    return (await session.client.create(body)).uid


async def add_schema(session: Session, name: str, level: str, user: str, **rule: Any) -> str:
    """A schema for all that one user does in namespaces; its uid."""
    rules = [{"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [ALL], **rule}]
    spec = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": 10,
        "rules": rules,
        "distinguisherMethod": {"type": "ByUser"},
    }
    body = {"apiVersion": API, "kind": "FlowSchema", "metadata": {"name": name}, "spec": spec}
    return (await session.client.create(body)).uid


QUEUE = {"type": "Queue", "queuing": {"queues": 8, "handSize": 1, "queueLengthLimit": 2}}


def call_of(session: Session, user: User, method: str = "GET", target: str = PODS) -> Any:
    """A call on its way."""
    return kit.make_call(session, method, target, user=user)


async def ok(_: object) -> Response:
    """An answer at once."""
    return Full(200, b"{}")


async def never(_: object) -> Response:
    """An answer that does not come."""
    await trio.sleep_forever()
    raise AssertionError("unreachable")


def uids(response: Response) -> tuple[str, str]:
    """Schema and level as the headers of an answer name them."""
    assert isinstance(response, Full | Streaming)
    headers = dict(response.headers)
    return headers["X-Kubernetes-PF-FlowSchema-UID"], headers["X-Kubernetes-PF-PriorityLevel-UID"]


def status_of(response: Response) -> int:
    """The status of an answer that leaves the connection as it is."""
    assert isinstance(response, Full | Streaming)
    return response.status


async def test_answers_say_how_they_went() -> None:
    """Both uids are on every answer, refusals included, and follow the objects while the server runs."""
    session = await kit.new_session()
    level = await add_level(session, "mine", 10, QUEUE)
    chain = Chain(kit.make_api(session, user=ALICE))
    assert uids(await chain(kit.make_request("GET", PODS))) == ("", "")
    schema = await add_schema(session, "mine", "mine", "alice")
    assert uids(await chain(kit.make_request("GET", PODS))) == (schema, level)
    assert uids(await chain(kit.make_request("GET", f"{PODS}/none"))) == (schema, level)
    assert uids(await chain(kit.make_request("GET", f"{PODS}?watch=1"))) == (schema, level)
    assert uids(await chain(kit.make_request("GET", "/version"))) == ("", "")
    await session.client.delete(Key("flowschemas.flowcontrol.apiserver.k8s.io", "", "mine"))
    assert uids(await chain(kit.make_request("GET", PODS))) == ("", "")
    chain.close()


async def test_a_level_without_queues_refuses() -> None:
    """Too many at once get 429 with Retry-After; other levels, and the cluster's owner, notice nothing."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, {"type": "Reject"})
    await add_schema(session, "mine", "mine", "alice")
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call_of(session, ALICE), never)
        await wait_all_tasks_blocked()
        refused = call_of(session, ALICE)
        with pytest.raises(ApiError) as caught:
            await flow.answered(refused, ok)
        assert (caught.value.code, caught.value.retry_after_seconds) == (429, 1)
        assert refused.headers
        for user in (BOB, kit.ADMIN):
            assert await flow.answered(call_of(session, user), ok) == Full(200, b"{}")
        for _ in range(5):
            nursery.start_soon(flow.answered, call_of(session, kit.ADMIN), never)
        await wait_all_tasks_blocked()
        assert await flow.answered(call_of(session, kit.ADMIN), ok) == Full(200, b"{}")
        nursery.cancel_scope.cancel()


async def test_who_waits_in_a_queue(autojump_clock: MockClock) -> None:
    """As many as the queue holds wait, for a quarter of a minute; then they are told to come again."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, QUEUE)
    await add_schema(session, "mine", "mine", "alice")
    flow, refused = FlowControl(session.plane.store, FlowLimits(seats=2)), []
    start = trio.current_time()

    async def refuse() -> None:
        with pytest.raises(ApiError):
            await flow.answered(call_of(session, ALICE), ok)
        refused.append(round(trio.current_time() - start))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call_of(session, ALICE), never)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as waiting:
            for _ in range(3):
                waiting.start_soon(refuse)
                await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert refused == [0, 15, 15]
    level = flow.levels["mine"]
    assert (level.set.rejected, level.timed_out, level.set.is_idle) == (1, 2, True)


async def test_one_who_goes_away_while_it_waits() -> None:
    """Its place is given to the next, and its seat is nobody's."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, QUEUE)
    await add_schema(session, "mine", "mine", "alice")
    flow, gate, done = FlowControl(session.plane.store, FlowLimits(seats=2)), trio.Event(), []

    async def slow(_: object) -> Response:
        await gate.wait()
        done.append(1)
        return Full(200, b"{}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call_of(session, ALICE), slow)
        await wait_all_tasks_blocked()
        with trio.CancelScope() as leaving:
            nursery.start_soon(flow.answered, call_of(session, ALICE), slow)
            async with trio.open_nursery() as other:
                other.start_soon(flow.answered, call_of(session, ALICE), slow)
                await wait_all_tasks_blocked()
                leaving.cancel()
        assert flow.levels["mine"].cancelled == 1
        gate.set()
    assert len(done) == 2
    assert flow.levels["mine"].set.is_idle


async def test_idle_seats_are_lent(autojump_clock: MockClock) -> None:
    """A level that has too few seats gets those that another one lends and does not use."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, QUEUE)
    lender = {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 30, "lendablePercent": 100, "limitResponse": QUEUE},
    }
    body = {"apiVersion": API, "kind": "PriorityLevelConfiguration", "metadata": {"name": "idle"}, "spec": lender}
    await session.client.create(body)
    await add_schema(session, "mine", "mine", "alice")
    flow = FlowControl(session.plane.store, FlowLimits(seats=8))
    begun = []

    async def counted(_: object) -> Response:
        begun.append(trio.current_time())
        await trio.sleep(100)
        return Full(200, b"{}")

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(flow.answered, call_of(session, ALICE), counted)
        await wait_all_tasks_blocked()
        assert len(begun) == 1
        await trio.sleep(12)
        assert len(begun) == 3
        nursery.cancel_scope.cancel()


async def test_a_level_that_is_deleted_while_it_is_used() -> None:
    """Its requests come to their end; new ones go elsewhere."""
    session = await kit.new_session()
    level = await add_level(session, "mine", 5, QUEUE)
    await add_schema(session, "mine", "mine", "alice")
    flow, gate = FlowControl(session.plane.store), trio.Event()

    async def slow(_: object) -> Response:
        await gate.wait()
        return Full(200, b"{}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call_of(session, ALICE), slow)
        await wait_all_tasks_blocked()
        await session.client.delete(Key("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", "", "mine"))
        call = call_of(session, ALICE)
        await flow.answered(call, ok)
        assert level not in dict(call.headers).values()
        assert flow.levels["mine"].quiescing
        gate.set()
    assert "mine" not in flow.levels


async def test_dumps() -> None:
    """The three tables of kube-apiserver, with who executes and who waits."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, QUEUE)
    await add_schema(session, "mine", "mine", "alice")
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))

    async def table(target: str) -> list[list[str]]:
        answer = await kit.ask(session, "GET", f"/debug/api_priority_and_fairness/{target}", parts=(flow,))
        lines = kit.body_of(answer).decode().splitlines()
        return [[cell.strip() for cell in line.split(",")] for line in lines]

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(flow.answered, call_of(session, ALICE, target=f"{PODS}/web"), never)
            await wait_all_tasks_blocked()
        levels = await table("dump_priority_levels")
        assert levels[0][:6] == [
            "PriorityLevelName",
            "ActiveQueues",
            "IsIdle",
            "IsQuiescing",
            "WaitingRequests",
            "ExecutingRequests",
        ]
        rows = {row[0]: row[1:] for row in levels[1:]}
        assert rows["mine"] == ["1", "false", "false", "1", "1", "1", "0", "0", "0"]
        assert rows["catch-all"][:2] == ["0", "true"]
        queues = [row for row in await table("dump_queues") if row[0] == "mine"]
        assert len(queues) == 8
        (used,) = (row for row in queues if row[2] == "1")
        assert (used[3], used[4], used[6], used[8]) == ("1", "1", "1", "0.00300000ss")
        requests = await table("dump_requests?includeRequestDetails=1")
        mine = [row for row in requests if row[0] == "mine"]
        assert [(row[1], row[3], row[4], row[10:12]) for row in mine] == [
            ("mine", "-1", "alice", ["alice", "get"]),
            ("mine", "0", "alice", ["alice", "get"]),
        ]
        assert mine[1][9] == "0001-01-01T00:00:00Z"
        answer = await kit.ask(session, "GET", "/debug/api_priority_and_fairness/nonsense", parts=(flow,))
        assert isinstance(answer, Full)
        assert answer.status == 404
        nursery.cancel_scope.cancel()


async def test_refused_again_and_again(autojump_clock: MockClock) -> None:
    """The more are refused the later they are to come again, at this level only."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, {"type": "Reject"})
    await add_schema(session, "mine", "mine", "alice")
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))
    chain = Chain(kit.make_api(session, user=ALICE, parts=(flow,)))
    told: list[tuple[str, int]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.answered, call_of(session, ALICE), never)
        await wait_all_tasks_blocked()
        for _ in range(3):
            for _ in range(4):
                answer = await chain(kit.make_request("GET", PODS))
            assert isinstance(answer, Full)
            told.append((dict(answer.headers)["Retry-After"], kit.json_of(answer)["details"]["retryAfterSeconds"]))
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert told == [("1", 1), ("2", 2), ("2", 2)]
    assert flow.levels["catch-all"].dropped.retry_after == 1


async def test_seats_while_watches_are_told(autojump_clock: MockClock) -> None:
    """Whoever waits for seats that a write keeps for its watches gets them as soon as those have been told."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, QUEUE)
    await add_schema(session, "mine", "mine", "alice")
    flow, begun = FlowControl(session.plane.store, FlowLimits(seats=2)), []

    async def watch(_: object) -> Response:
        async def write(_send: object) -> None:
            await trio.sleep_forever()

        return Streaming(200, write)

    async def follow() -> None:
        response = await flow.answered(call_of(session, kit.ADMIN, target=f"{PODS}?watch=1"), watch)
        assert isinstance(response, Streaming)
        await response.write(_nowhere)

    async def later(_: object) -> Response:
        begun.append(trio.current_time() - start)
        return Full(200, b"{}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.run)
        for _ in range(100):
            nursery.start_soon(follow)
        await wait_all_tasks_blocked()
        await flow.answered(call_of(session, ALICE, "POST"), ok)
        start = trio.current_time()
        assert flow.levels["mine"].set.seats == 1
        await flow.answered(call_of(session, ALICE), later)
        nursery.cancel_scope.cancel()
    assert begun == [pytest.approx(0.05)]


async def _nowhere(_data: bytes | tuple[bytes, ...], /) -> None:
    raise AssertionError("nothing is sent")


@pytest.mark.parametrize("query", ["watch=1", "watch=1&resourceVersion=0", INITIAL])
async def test_a_watch_keeps_its_seat_until_it_has_begun(query: str) -> None:
    """As long as a client is told what there is nobody has its seat; after that, the next one has."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, {"type": "Reject"})
    await add_schema(session, "mine", "mine", "alice")
    await kit.create(session, kit.pod())
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))
    chain = Chain(kit.make_api(session, user=ALICE, parts=(flow,)))
    sent, reads = [], trio.Event()

    async def send(data: bytes | tuple[bytes, ...], /) -> None:
        sent.append(data)
        await reads.wait()

    answer = await chain(kit.make_request("GET", f"{PODS}?{query}"))
    assert isinstance(answer, Streaming)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer.write, send)
        await wait_all_tasks_blocked()
        assert len(sent) == 1
        assert status_of(await chain(kit.make_request("GET", f"{PODS}/web"))) == 429
        reads.set()
        await wait_all_tasks_blocked()
        assert status_of(await chain(kit.make_request("GET", f"{PODS}/web"))) == 200
        nursery.cancel_scope.cancel()
    assert flow.levels["mine"].set.seats == 0


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", f"{PODS}?watch=1&resourceVersion=1000000&timeoutSeconds=1", 200),
        ("HEAD", f"{PODS}?watch=1", 405),
        ("GET", f"{PODS}?watch=1&labelSelector=!!", 400),
    ],
)
async def test_a_watch_that_does_not_begin(autojump_clock: MockClock, method: str, target: str, status: int) -> None:
    """One that is refused, or ends before there is anything to tell, leaves its seat to others."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, {"type": "Reject"})
    await add_schema(session, "mine", "mine", "alice")
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))
    chain = Chain(kit.make_api(session, user=ALICE, parts=(flow,)))
    answer = await chain(kit.make_request(method, target))
    assert status_of(answer) == status
    if isinstance(answer, Streaming):
        await kit.stream_of(answer)
    assert flow.levels["mine"].set.seats == 0
    assert status_of(await chain(kit.make_request("GET", f"{PODS}/web"))) == 404


@pytest.mark.parametrize("reads", [True, False], ids=["does not read", "has gone"])
async def test_a_client_that_is_not_told(autojump_clock: MockClock, reads: bool) -> None:
    """A client that does not read, or has gone before it was told anything, keeps the seat for a few seconds."""
    session = await kit.new_session()
    await add_level(session, "mine", 5, {"type": "Reject"})
    await add_schema(session, "mine", "mine", "alice")
    await kit.create(session, kit.pod())
    flow = FlowControl(session.plane.store, FlowLimits(seats=2))
    chain = Chain(kit.make_api(session, user=ALICE, parts=(flow,)))

    async def send(_: bytes | tuple[bytes, ...], /) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.run)
        for _ in range(2):
            answer = await chain(kit.make_request("GET", f"{PODS}?watch=1"))
            assert isinstance(answer, Streaming)
            if reads:
                nursery.start_soon(answer.write, send)
            await trio.sleep(4)
            assert status_of(await chain(kit.make_request("GET", f"{PODS}/web"))) == 429
            await trio.sleep(2)
            assert status_of(await chain(kit.make_request("GET", f"{PODS}/web"))) == 200
        nursery.cancel_scope.cancel()
    assert flow.levels["mine"].set.seats == 0


async def test_watches_that_begin_at_once(autojump_clock: MockClock) -> None:
    """They are no sooner noticed than gone, one after the other."""
    session = await kit.new_session()
    flow = FlowControl(session.plane.store)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.run)
        for _ in range(3):
            await wait_all_tasks_blocked()
            call = call_of(session, ALICE, target=f"{PODS}?watch=1")
            assert await flow.answered(call, ok) == Full(200, b"{}")
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
