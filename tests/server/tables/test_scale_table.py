"""What `kubectl get deployment web --subresource=scale` is sent."""

from __future__ import annotations

import pytest

from tests.server import kit

PATH = "/apis/apps/v1/namespaces/default/deployments/web/scale"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
POD = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "img"}]}}
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": POD},
}


@pytest.mark.parametrize(("asked", "kind"), [("", "PartialObjectMetadata"), ("Object", "Scale"), ("None", "")])
async def test_the_table(asked: str, kind: str) -> None:
    """Its name, how many there should be and how many there are, its age; and as much of it as is asked for."""
    session = await kit.new_session()
    await kit.create(session, WEB)
    query = f"?includeObject={asked}" if asked else ""
    table = kit.json_of(await kit.ask(session, "GET", PATH + query, headers=TABLE))
    columns = [(each["name"], each["type"], each["format"]) for each in table["columnDefinitions"]]
    assert columns == [
        ("Name", "string", "name"),
        ("Desired", "integer", ""),
        ("Available", "integer", ""),
        ("Age", "string", ""),
    ]
    (row,) = table["rows"]
    assert row["cells"] == ["web", 3, 0, "0s"]
    assert (row["object"] or {"kind": ""})["kind"] == kind


async def test_without_a_table() -> None:
    """The Scale itself."""
    session = await kit.new_session()
    await kit.create(session, WEB)
    assert kit.json_of(await kit.ask(session, "GET", PATH))["kind"] == "Scale"
