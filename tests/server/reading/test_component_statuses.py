"""`kubectl get componentstatuses`."""

from __future__ import annotations

import pytest

from tests.server import kit

PATH = "/api/v1/componentstatuses"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def test_all_of_them() -> None:
    """The three that a cluster has, healthy, and a warning that nobody should rely on them."""
    response = await kit.ask(await kit.new_session(), "GET", PATH)
    answer = kit.json_of(response)
    assert answer["kind"] == "ComponentStatusList"
    conditions = {item["metadata"]["name"]: item["conditions"] for item in answer["items"]}
    healthy = [{"type": "Healthy", "status": "True", "message": "ok"}]
    assert conditions == dict.fromkeys(("scheduler", "controller-manager", "etcd-0"), healthy)
    assert ("Warning", '299 - "v1 ComponentStatus is deprecated in v1.19+"') in response.headers


async def test_one_of_them() -> None:
    """By name; 404 for another."""
    session = await kit.new_session()
    assert kit.json_of(await kit.ask(session, "GET", f"{PATH}/etcd-0"))["metadata"]["name"] == "etcd-0"
    missing = kit.json_of(await kit.ask(session, "GET", f"{PATH}/etcd-9"))
    assert missing["message"] == 'componentstatuses "etcd-9" not found'


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("fieldSelector=metadata.name%3Dscheduler", ["scheduler"]), ("labelSelector=a%3Db", [])],
)
async def test_selectors(selector: str, expected: list[str]) -> None:
    """They have names and no labels."""
    answer = kit.json_of(await kit.ask(await kit.new_session(), "GET", f"{PATH}?{selector}"))
    assert [item["metadata"]["name"] for item in answer["items"]] == expected


async def test_a_table() -> None:
    """What kubectl prints: name, status, message, error."""
    response = await kit.ask(await kit.new_session(), "GET", PATH, headers={"accept": TABLE})
    cells = [row["cells"] for row in kit.json_of(response)["rows"]]
    assert ["scheduler", "Healthy", "ok", ""] in cells
