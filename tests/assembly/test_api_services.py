"""The groups of the API as objects: one APIService for each group and version that is served."""

from __future__ import annotations

from kube_actors.assembly.default_api_services import api_service_keys, publish_api_services
from tests.server.kit import ask, json_of, new_session

TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
PATH = "/apis/apiregistration.k8s.io/v1/apiservices"


async def test_every_group_is_shown_as_local_and_available() -> None:
    """`kubectl get apiservices` lists them as a real cluster does."""
    session = await new_session()
    await publish_api_services(session.client)
    rows = [row["cells"][:3] for row in json_of(await ask(session, "GET", PATH, headers=TABLE))["rows"]]
    assert ["v1.", "Local", "True"] in rows
    assert ["v2.autoscaling", "Local", "True"] in rows
    assert "v1.apiregistration.k8s.io" not in [row[0] for row in rows]
    apps = json_of(await ask(session, "GET", f"{PATH}/v1.apps"))
    assert apps["spec"] == {"group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15}
    assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    assert apps["status"]["conditions"][0]["reason"] == "Local"


async def test_what_was_changed_or_deleted_comes_back_and_nothing_else_is_written() -> None:
    """Publishing again mends what is not right."""
    session = await new_session()
    await publish_api_services(session.client)
    head = session.plane.store.head
    await publish_api_services(session.client)
    assert session.plane.store.head == head
    key = next(key for key in api_service_keys() if key.name == "v1.apps")
    await session.client.mutate(key, lambda body: body["spec"].update(versionPriority=1))
    await session.client.delete(next(key for key in api_service_keys() if key.name == "v1."))
    await publish_api_services(session.client)
    apps = session.client.get(key)
    assert apps is not None
    assert apps.body()["spec"]["versionPriority"] == 15
    assert len(session.plane.store.list(key.resource)) == len(api_service_keys())


async def test_another_server_is_kept_and_not_available() -> None:
    """Nobody forwards requests: the object says nothing of availability, and its author is warned."""
    session = await new_session()
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "metrics-server", "namespace": "kube-system"},
    }
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": spec,
    }
    answer = await ask(session, "POST", PATH, body)
    made = json_of(answer)
    assert "conditions" not in (made.get("status") or {})
    assert any("no requests are forwarded" in value for name, value in answer.headers)
    body["spec"] = {**spec, "groupPriorityMinimum": 0, "service": {"name": "metrics-server"}}
    body["metadata"] = {"name": "v1beta1.metrics.k8s.i"}
    causes = [cause["field"] for cause in json_of(await ask(session, "POST", PATH, body))["details"]["causes"]]
    assert causes == ["metadata.name", "spec.groupPriorityMinimum", "spec.service.namespace"]
