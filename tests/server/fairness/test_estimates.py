"""How much work requests are taken for: lists by what they hold, writes by who watches."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from kube_actors.server.fairness.estimates import Estimates
from kube_actors.server.fairness.work import ONE_SEAT, Work
from tests.server import kit

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


async def seats(count: int, size: int, *targets: str, widest: int = 100) -> list[int]:
    """What lists take where so many ConfigMaps of about so many bytes are stored."""
    session = await kit.new_session()
    for number in range(count):
        await kit.create(session, kit.config_map(f"c{number}", text="x" * size))
    estimates = Estimates(session.plane.store)
    return [estimates.work_of(kit.make_call(session, "GET", target), widest, 10).seats for target in targets]


async def test_lists_take_seats_by_their_bytes() -> None:
    """A seat for every 100 kB of what is asked for; a page only for what it has, and one object for one."""
    asked = {
        MAPS: 5,
        f"{MAPS}?resourceVersion=0": 5,
        f"{MAPS}?limit=50": 3,
        f"{MAPS}?limit=50&resourceVersion=0": 5,
        f"{MAPS}?limit=0": 5,
        f"{MAPS}?limit=-1": 5,
        f"{MAPS}?limit={'9' * 18}": 5,
        f"{MAPS}?fieldSelector=metadata.name=c1": 1,
        f"{MAPS}?watch=1": 1,
        f"{MAPS}?watch=1&sendInitialEvents=true": 5,
        f"{MAPS}/c1": 1,
        PODS: 1,
        "/api/v1/nonsense": 1,
        "/version": 1,
    }
    assert await seats(100, 4200, *asked) == list(asked.values())


async def test_what_is_read_at_a_revision_counts_in_full() -> None:
    """Only that is held as a whole, and with a selector half of all objects are; other lists are held by the piece."""
    asked = {
        MAPS: 10,
        f"{MAPS}?resourceVersion=5": 10,
        f"{MAPS}?resourceVersion=5&resourceVersionMatch=NotOlderThan&limit=80": 10,
        f"{MAPS}?resourceVersion=5&resourceVersionMatch=Exact": 21,
        f"{MAPS}?resourceVersion=5&limit=10": 3,
        f"{MAPS}?resourceVersion=5&limit=10&labelSelector=a": 11,
        f"{MAPS}?continue=x&limit=60": 13,
        f"{MAPS}?limit=many": 100,
    }
    assert await seats(100, 20_500, *asked) == list(asked.values())


async def test_no_request_takes_more_than_its_level_gives() -> None:
    """Not even one that cannot be read."""
    assert await seats(20, 20_000, MAPS, f"{MAPS}?limit=many", widest=3) == [3, 3]
    assert await seats(20, 20_000, MAPS, f"{MAPS}?limit=many", widest=1) == [1, 1]


@pytest.mark.parametrize(
    ("watched", "method", "target", "final"),
    [
        (PODS, "POST", PODS, 2),
        (PODS, "PUT", f"{PODS}/web", 2),
        (PODS, "PATCH", f"{PODS}/web/status", 2),
        (PODS, "DELETE", f"{PODS}/web", 2),
        ("/api/v1/pods", "DELETE", f"{PODS}/web", 2),
        (f"{PODS}?fieldSelector=metadata.name=web", "DELETE", f"{PODS}/web", 2),
        (f"{PODS}?fieldSelector=metadata.name=web", "DELETE", f"{PODS}/other", 0),
        (f"{PODS}?fieldSelector=spec.nodeName=node-1", "POST", PODS, 0),
        (f"{PODS}?fieldSelector=spec.nodeName=", "POST", PODS, 2),
        ("/api/v1/namespaces/other/pods", "POST", PODS, 0),
        (MAPS, "POST", PODS, 0),
        (PODS, "DELETE", PODS, 0),
        (PODS, "GET", PODS, 0),
        ("/api/v1/serviceaccounts", "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", 0),
        ("/api/v1/serviceaccounts", "PUT", "/api/v1/namespaces/default/serviceaccounts/default", 2),
    ],
)
async def test_writes_take_seats_by_those_who_watch(watched: str, method: str, target: str, final: int) -> None:
    """Watches of the object, of its namespace and of all are told, those of anything else are not."""
    session = await kit.new_session()
    estimates = Estimates(session.plane.store)

    def call(method: str, target: str) -> Any:
        return kit.make_call(session, method, target)

    with ExitStack() as watching:
        for _ in range(12):
            connector = "&" if "?" in watched else "?"
            watching.enter_context(estimates.watchers.counted(call("GET", f"{watched}{connector}watch=1")))
        expected = Work(1, final, 0.005) if final else ONE_SEAT
        assert estimates.work_of(call(method, target), 100, 10) == expected
    assert estimates.work_of(call(method, target), 100, 10) == ONE_SEAT
