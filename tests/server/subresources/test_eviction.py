"""POST pods/NAME/eviction, as clients meet it."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.server.http import Full
from kube_actors.store import Key
from kube_actors.verbs.session import Session

from ..kit import ask, json_of, new_session

PATH = "/api/v1/namespaces/default/pods/web/eviction"
WEB = Key("pods", "default", "web")
BUDGET = Key("poddisruptionbudgets.policy", "default", "web")


def eviction(name: str = "web", **options: Any) -> dict[str, Any]:
    """The body kubectl sends."""
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}


@pytest.fixture
async def session() -> Session:
    """A pod that runs, without a node to end it on."""
    session = await new_session()
    containers = [{"name": "app", "image": "nginx"}]
    metadata = {"name": "web", "labels": {"app": "web"}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}
    await session.client.create(body)
    ready = {"type": "Ready", "status": "True"}
    status = {"phase": "Running", "conditions": [ready]}
    await session.client.mutate(WEB, lambda pod: pod["status"].update(status), subresource="status")
    return session


async def with_budget(session: Session, **status: Any) -> None:
    """A budget for the pod, with this status."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    await session.client.create({**kind, "metadata": {"name": "web"}, "spec": spec})
    numbers = {"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0, "expectedPods": 1}
    whole = {**numbers, "observedGeneration": 1, **status}
    await session.client.mutate(BUDGET, lambda body: body.update(status=whole), subresource="status")


async def test_granted(session: Session) -> None:
    """201 with a Status, and the pod goes."""
    response = await ask(session, "POST", PATH, eviction(gracePeriodSeconds=0))
    assert isinstance(response, Full)
    assert (response.status, json_of(response)["status"], json_of(response)["code"]) == (201, "Success", 201)
    assert session.plane.store.get(WEB) is None


async def test_the_old_version_of_an_eviction(session: Session) -> None:
    """What clients of before v1.22 send means the same."""
    body = {**eviction(gracePeriodSeconds=0), "apiVersion": "policy/v1beta1"}
    response = await ask(session, "POST", PATH, body)
    assert isinstance(response, Full)
    assert response.status == 201
    assert session.plane.store.get(WEB) is None


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
async def test_an_evicted_pod_tells_so(session: Session, phase: str) -> None:
    """Also one that needs no leave: as long as somebody holds it, its status says why it ends."""
    await with_budget(session, disruptionsAllowed=1)
    await session.client.mutate(WEB, lambda pod: pod["metadata"].update(finalizers=["example.com/held"]))
    await session.client.mutate(WEB, lambda pod: pod["status"].update(phase=phase), subresource="status")
    response = await ask(session, "POST", PATH, eviction(gracePeriodSeconds=0))
    assert isinstance(response, Full)
    assert response.status == 201
    held = session.client.live(WEB).body()
    (target,) = [each for each in held["status"]["conditions"] if each["type"] == "DisruptionTarget"]
    assert (target["status"], target["reason"]) == ("True", "EvictionByEvictionAPI")
    assert held["metadata"]["deletionTimestamp"]


async def test_refused(session: Session) -> None:
    """429 with the cause; a budget not counted yet names the seconds to wait."""
    await with_budget(session)
    response = await ask(session, "POST", PATH, eviction())
    assert isinstance(response, Full)
    status = json_of(response)
    assert (response.status, status["reason"]) == (429, "TooManyRequests")
    (cause,) = status["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"] == "The disruption budget web needs 1 healthy pods and has 1 currently"
    assert not [name for name, _ in response.headers if name == "Retry-After"]
    await session.client.mutate(BUDGET, lambda body: body["status"].update(observedGeneration=0), subresource="status")
    later = await ask(session, "POST", PATH, eviction())
    assert isinstance(later, Full)
    assert ("Retry-After", "10") in later.headers


@pytest.mark.parametrize(
    ("target", "body", "code", "message"),
    [
        (PATH, eviction("other"), 400, "name in URL does not match name in Eviction object"),
        (PATH.replace("web", "gone"), eviction("gone"), 404, 'pods "gone" not found'),
        (PATH, eviction(preconditions={"uid": "another"}), 409, "the UID in the precondition (another) does not match"),
        (PATH, eviction(dryRun=["Some"]), 422, 'dryRun: Unsupported value: ["Some"]: supported values: "All"'),
        (PATH, eviction(propagationPolicy="Odd"), 422, 'propagationPolicy: Unsupported value: "Odd"'),
        (
            PATH,
            {**eviction(), "apiVersion": "policy/v2"},
            400,
            "the API version in the data (policy/v2) does not match",
        ),
        (PATH, {**eviction(), "kind": "Pod", "apiVersion": "v1"}, 400, "does not match"),
    ],
)
async def test_bad_requests(session: Session, target: str, body: dict[str, Any], code: int, message: str) -> None:
    """Nothing is evicted."""
    response = await ask(session, "POST", target, body)
    assert isinstance(response, Full)
    assert (response.status, message in json_of(response)["message"]) == (code, True), json_of(response)
    assert session.plane.store.get(WEB) is not None


@pytest.mark.parametrize("query", ["?dryRun=All", ""])
async def test_dry_run(session: Session, query: str) -> None:
    """Asked for in the query or in the body: the budget is not charged, the pod stays."""
    await with_budget(session, disruptionsAllowed=1)
    before = session.plane.store.get(WEB)
    body = eviction() if query else eviction(dryRun=["All"])
    response = await ask(session, "POST", PATH + query, body)
    assert isinstance(response, Full)
    assert response.status == 201
    pod, budget = session.plane.store.get(WEB), session.plane.store.get(BUDGET)
    assert pod is before
    assert budget is not None
    assert budget.body()["status"]["disruptionsAllowed"] == 1


async def test_a_pod_of_another_namespace(session: Session) -> None:
    """What the eviction says of its namespace has to fit its path; it may say nothing."""
    body = eviction()
    body["metadata"]["namespace"] = "elsewhere"
    refused = await ask(session, "POST", PATH, body)
    assert isinstance(refused, Full)
    assert refused.status == 400
    why = "the namespace of the provided object does not match the namespace sent on the request"
    assert json_of(refused)["message"] == why
    del body["metadata"]["namespace"]
    granted = await ask(session, "POST", PATH, body)
    assert isinstance(granted, Full)
    assert granted.status == 201
