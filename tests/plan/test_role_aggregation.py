"""ClusterRoles that gather the rules of others."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.role_aggregation import cluster_role, plan_aggregation

GET: dict[str, Any] = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
LIST: dict[str, Any] = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}


def role(name: str, *rules: dict[str, Any], labels: str = "", gathers: str = "") -> dict[str, Any]:
    """A ClusterRole with labels `a b`; `gathers` are the labels it gathers by, one selector each."""
    body: dict[str, Any] = {"metadata": {"name": name, "labels": dict.fromkeys(labels.split(), "true")}}
    if gathers:
        selectors = [{"matchLabels": {label: "true"}} for label in gathers.split()]
        body["aggregationRule"] = {"clusterRoleSelectors": selectors}
    return {**body, "rules": [*rules]}


@pytest.mark.parametrize(
    ("roles", "plan"),
    [
        ([role("own", GET)], {}),
        ([role("all", gathers="x"), role("a", GET, labels="x")], {"all": (GET,)}),
        ([role("all", GET, gathers="x"), role("a", GET, labels="x")], {}),
        ([role("all", GET, gathers="x"), role("a", GET)], {"all": ()}),
        ([role("all", gathers="x"), role("b", LIST, labels="x"), role("a", GET, labels="x")], {"all": (GET, LIST)}),
        ([role("all", gathers="y x"), role("b", LIST, labels="y"), role("a", GET, labels="x")], {"all": (LIST, GET)}),
        (
            [role("all", gathers="x"), role("b", GET, labels="x"), role("a", GET, LIST, labels="x")],
            {"all": (GET, LIST)},
        ),
        ([role("all", GET, labels="x", gathers="x")], {"all": ()}),
        ([role("top", gathers="y"), role("all", GET, labels="y", gathers="x")], {"top": (GET,), "all": ()}),
        ([{**role("all", GET), "aggregationRule": {}}], {"all": ()}),
    ],
    ids=["own", "gather", "done", "gone", "by name", "by selector", "once", "not itself", "in turn", "no selector"],
)
def test_what_is_written(roles: list[dict[str, Any]], plan: dict[str, tuple[dict[str, Any], ...]]) -> None:
    """Whole rules, selector by selector and by name, each once; only roles that are not right yet."""
    assert plan_aggregation(map(cluster_role, roles)) == plan
