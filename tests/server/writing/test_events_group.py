"""Events written through `events.k8s.io`, which asks for more than the core group does."""

from __future__ import annotations

from typing import Any

from tests.server.kit import ask, json_of, new_session

NEW = "/apis/events.k8s.io/v1/namespaces/default/events"
OLD = "/api/v1/namespaces/default/events"
EVENT: dict[str, Any] = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "a", "namespace": "default"},
    "regarding": {"kind": "Pod", "namespace": "default", "name": "web"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "type": "Normal",
    "reason": "Tested",
    "action": "Test",
    "reportingController": "example.com/test",
    "reportingInstance": "test-1",
}


async def _causes(session: Any, method: str, path: str, body: dict[str, Any]) -> list[str]:
    answer = json_of(await ask(session, method, path, body))
    found = (answer.get("details") or {}).get("causes") or ()
    return [f"{each['field']}: {each['message']}" for each in found]


async def test_what_the_newer_group_asks_for() -> None:
    """A time, a known type, none of the old fields, and a series that is one."""
    session = await new_session()
    wrong = {**EVENT, "type": "Odd", "deprecatedCount": 2, "series": {"count": 1}}
    del wrong["eventTime"]
    assert await _causes(session, "POST", NEW, wrong) == [
        'series.count: Invalid value: "": should be at least 2',
        "series.lastObservedTime: Required value",
        "eventTime: Required value",
        'type: Invalid value: "": has invalid value: Odd',
        'count: Invalid value: "": needs to be unset',
    ]
    core = {**wrong, "apiVersion": "v1", "involvedObject": EVENT["regarding"], "count": 2}
    for name in ("regarding", "deprecatedCount", "reportingController", "series"):
        del core[name]
    assert await _causes(session, "POST", OLD, core) == []


async def test_only_the_series_changes() -> None:
    """What happened does not become something else."""
    session = await new_session()
    assert await _causes(session, "POST", NEW, EVENT) == []
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}
    assert await _causes(session, "PUT", f"{NEW}/a", {**EVENT, "series": series}) == []
    changed = {**EVENT, "series": series, "note": "x", "action": "Other"}
    assert await _causes(session, "PUT", f"{NEW}/a", changed) == [
        'message: Invalid value: "x": field is immutable',
        'action: Invalid value: "Other": field is immutable',
    ]
