"""Lists in pages that take longer than five minutes."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock

from kube_actors.server.reading.compaction import INTERVAL, keep_compact
from kube_actors.verbs.session import Session
from tests.server import kit

MAPS = "/api/v1/namespaces/default/configmaps"


async def get(session: Session, query: str) -> Any:
    """What a list answers."""
    return kit.json_of(await kit.ask(session, "GET", f"{MAPS}?{query}"))


def names(found: Any) -> list[str]:
    """The objects of a list."""
    return [item["metadata"]["name"] for item in found["items"]]


async def test_a_list_that_takes_too_long(autojump_clock: MockClock) -> None:
    """Within five minutes of a change the next page is as it was. After ten it is refused, with a token that goes on
    with the objects as they are then; watches go on from wherever they were."""
    session = await kit.new_session()
    for name in "abcd":
        await kit.create(session, kit.config_map(name))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_compact, session.plane.store)
        first = await get(session, "limit=1")
        version, token = first["metadata"]["resourceVersion"], first["metadata"]["continue"]
        await trio.sleep(10 * INTERVAL)
        assert names(await get(session, f"limit=2&continue={token}")) == ["b", "c"]
        await kit.create(session, kit.config_map("bb"))
        await trio.sleep(INTERVAL - 1)
        assert names(await get(session, f"limit=2&continue={token}")) == ["b", "c"]
        await trio.sleep(INTERVAL + 2)
        refused = await get(session, f"limit=2&continue={token}")
        assert (refused["code"], refused["reason"]) == (410, "Expired")
        assert (await get(session, f"resourceVersion={version}&resourceVersionMatch=Exact"))["code"] == 410
        goes_on = await get(session, f"limit=2&continue={refused['metadata']['continue']}")
        assert names(goes_on) == ["b", "bb"]
        assert goes_on["metadata"]["resourceVersion"] != version
        assert names(await get(session, f"limit=9&continue={goes_on['metadata']['continue']}")) == ["c", "d"]
        watched = await kit.ask(session, "GET", f"{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=1")
        assert b'"name":"bb"' in await kit.stream_of(watched)
        nursery.cancel_scope.cancel()
