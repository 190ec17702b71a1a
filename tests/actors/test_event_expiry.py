"""Events go in their time, whoever wrote them."""

from __future__ import annotations

from typing import Any

from kube_actors.store import Key

from .conftest import OpenSimulated


def event(name: str, **fields: Any) -> dict[str, Any]:
    """An Event as an operator writes one."""
    about = {"kind": "Pod", "namespace": "default", "name": "web"}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about, **fields}


async def test_events_of_others_go_too(open_simulated: OpenSimulated) -> None:
    """After an hour, but not while they are counted on."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        once, again = Key("events", "default", "once"), Key("events", "default", "again")
        newer = {"eventTime": "2025-01-01T00:00:00.000000Z", "reportingComponent": "op", "reportingInstance": "op-1"}
        await client.create(event("once", action="Look", reason="Seen", type="Normal", **newer))
        await client.create(event("again"))
        await clock.sleep(1800)
        stamp = "2025-01-01T00:30:00Z"
        await client.mutate(again, lambda body: body.update(count=2, lastTimestamp=stamp))
        await clock.sleep(1790)
        assert client.get(once) is not None
        await clock.sleep(30)
        assert client.get(once) is None
        assert client.get(again) is not None
        await clock.sleep(1800)
        assert client.get(again) is None
        assert not cluster.failures
