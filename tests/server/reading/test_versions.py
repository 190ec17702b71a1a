"""Kinds that are served in two versions and stored in one."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from kube_actors.api.codecs import json
from kube_actors.verbs.session import Session
from tests.server import kit

PATHS = ("/apis/autoscaling/v2", "/apis/autoscaling/v1")
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
async def session() -> Session:
    """A cluster with a HorizontalPodAutoscaler and an Event."""
    session = await kit.new_session()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    spec = {"maxReplicas": 3, "scaleTargetRef": target, "metrics": [{"type": "Resource", "resource": metric}]}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}
    await kit.create(session, {**scaler, "spec": spec})
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "action": "Starting",  # a field that comes before apiVersion
        "message": "hello",
    }
    await kit.create(session, event)
    return session


async def answer_of(session: Session, target: str, **headers: str) -> Any:
    """What GET answers through the whole chain."""
    return kit.json_of(await kit.ask(session, "GET", target, headers=headers))


async def watched(session: Session, target: str, **headers: str) -> list[Any]:
    """The events of a watch that ends by itself at once."""
    response = await kit.ask(session, "GET", f"{target}?watch=1&timeoutSeconds=1", headers=headers)
    return [json.loads(line) for line in (await kit.stream_of(response)).splitlines()]


@pytest.mark.parametrize("path", PATHS)
async def test_each_path_speaks_its_version(
    session: Session, path: str, autojump_clock: trio.testing.MockClock
) -> None:
    """One object, its list and its watch are all in the version of the path."""
    version = path.removeprefix("/apis/")
    collection = f"{path}/namespaces/default/horizontalpodautoscalers"
    one = await answer_of(session, f"{collection}/web")
    listed = await answer_of(session, collection)
    [event] = await watched(session, collection)
    assert one["apiVersion"] == listed["apiVersion"] == event["object"]["apiVersion"] == version
    assert listed["items"] == [one] == [event["object"]]
    target = one["spec"].get("targetCPUUtilizationPercentage")
    assert target == (60 if version == "autoscaling/v1" else None)


async def test_events_of_both_groups_are_the_same_objects(
    session: Session, autojump_clock: trio.testing.MockClock
) -> None:
    """What one group calls `message` the other calls `note`."""
    core = (await answer_of(session, "/api/v1/namespaces/default/events"))["items"]
    newer = (await answer_of(session, "/apis/events.k8s.io/v1/namespaces/default/events"))["items"]
    assert [(each["kind"], each["apiVersion"], each["message"]) for each in core] == [("Event", "v1", "hello")]
    assert [(each["apiVersion"], each["note"]) for each in newer] == [("events.k8s.io/v1", "hello")]
    assert core[0]["metadata"] == newer[0]["metadata"]
    [event] = await watched(session, "/apis/events.k8s.io/v1/namespaces/default/events")
    assert event["object"] == newer[0]


async def test_metadata_is_the_same_in_every_version(session: Session) -> None:
    """PartialObjectMetadata knows no version of the kind."""
    answers = [
        await answer_of(session, f"{path}/namespaces/default/horizontalpodautoscalers/web", accept=PARTIAL)
        for path in PATHS
    ]
    assert answers[0] == answers[1]
    assert answers[0]["kind"] == "PartialObjectMetadata"
