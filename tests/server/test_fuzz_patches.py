"""Patches of any shape, and those made to cost: each is applied or refused, and none grows without bound."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api.codecs import json
from kube_actors.api.patches import MAXIMUM_COPIED
from kube_actors.server.http import Full
from kube_actors.verbs.session import Session
from tests.server.kit import ask, body_of, config_map, create, json_of, new_session

JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
FINE = {200, 400, 409, 413, 415, 422}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "finalizers": ["a/b", "a/c"]},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "a", "image": "a"}, {"name": "b", "image": "b"}]},
        },
    },
}
WEB = "/apis/apps/v1/namespaces/default/deployments/web?dryRun=All"
MAP = "/api/v1/namespaces/default/configmaps/a?dryRun=All"

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 9),
    st.sampled_from(["a", "b", "", "replace", "delete", "merge", "$patch", "a/b"]),
)
NAMES = st.sampled_from(
    [
        *("name", "image", "ports", "env", "command", "metadata", "finalizers", "labels", "spec", "strategy", "type"),
        *("$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers"),
        *("$setElementOrder/finalizers", "$setElementOrder/", "$nonsense/x"),
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=8,
)
POINTERS = st.sampled_from(
    [
        *("", "/", "//", "x", "/~", "/~2", "/spec", "/spec/selector", "/spec/template/spec/containers/1"),
        *("/metadata", "/metadata/name", "/metadata/finalizers/-", "/metadata/finalizers/0", "/metadata/finalizers/01"),
    ]
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "nothing", None]),
            "path": st.one_of(POINTERS, LEAVES),
            "from": st.one_of(POINTERS, LEAVES),
            "value": VALUES,
        },
    ),
    max_size=4,
)


async def session_of_web() -> Session:
    """A Deployment to be patched."""
    session = await new_session()
    await create(session, DEPLOYMENT)
    await create(session, config_map("a", text="x" * 1000))
    return session


async def patched(session: Session, target: str, patch: Any, type_: str) -> Full:
    """The answer to a patch."""
    response = await ask(session, "PATCH", target, json.dumps(patch), {"content-type": type_})
    assert isinstance(response, Full)
    return response


def placed(containers: Any, pod: Any, whole: Any) -> Any:
    """A strategic patch that has such values where directives matter."""
    spec = {**(pod if isinstance(pod, dict) else {}), "containers": containers}
    return {**(whole if isinstance(whole, dict) else {}), "spec": {"template": {"spec": spec}}}


def is_answered(response: Full, type_: str = STRATEGIC) -> bool:
    """Whether somebody foresaw it. Directives that make no sense are 500 without a reason, as in Kubernetes."""
    nameless = type_ == STRATEGIC and response.status == 500 and "reason" not in json_of(response)
    return nameless or response.status in FINE


@settings(max_examples=150)
@given(containers=VALUES, pod=VALUES, whole=VALUES, type_=st.sampled_from([STRATEGIC, MERGE]))
def test_any_merge_patch(containers: Any, pod: Any, whole: Any, type_: str) -> None:
    """Directives wherever they make no sense."""

    async def check() -> None:
        response = await patched(await session_of_web(), WEB, placed(containers, pod, whole), type_)
        assert is_answered(response, type_), body_of(response)

    trio.run(check)


@settings(max_examples=150)
@given(operations=OPERATIONS)
def test_any_json_patch(operations: Any) -> None:
    """Pointers that lead nowhere, and operations nobody knows."""

    async def check() -> None:
        response = await patched(await session_of_web(), WEB, operations, JSON_PATCH)
        assert response.status in FINE, body_of(response)

    trio.run(check)


@pytest.mark.parametrize(
    "containers",
    [[{"$patch": "replace"}, 7], [{"$patch": "replace"}, None], [None], 7, [[{"name": "a"}]], [{"name": {}}]],
)
async def test_items_that_are_no_objects(containers: Any) -> None:
    """Beside a directive, too."""
    response = await patched(await session_of_web(), WEB, placed(containers, {}, {}), STRATEGIC)
    assert response.status != 200
    assert is_answered(response), body_of(response)


@pytest.mark.parametrize("order", [5, "a", {"name": "a"}, [None], [["a"]]])
async def test_an_order_that_is_no_list(order: Any) -> None:
    """Of objects and of plain values."""
    session = await session_of_web()
    for patch in (
        placed([{"name": "a"}], {"$setElementOrder/containers": order}, {}),
        {"spec": {"template": {"spec": {"$setElementOrder/containers": order}}}},
        {"metadata": {"$setElementOrder/finalizers": order, "finalizers": ["a/d"]}},
    ):
        response = await patched(session, WEB, patch, STRATEGIC)
        assert is_answered(response), body_of(response)


async def test_copies_do_not_double_without_end() -> None:
    """Forty operations that each copy the object into itself would make a trillion of them."""
    operations = [{"op": "add", "path": "/metadata/annotations", "value": {}}]
    operations += [{"op": "copy", "from": "/metadata", "path": f"/metadata/annotations/{step}"} for step in range(40)]
    response = await patched(await session_of_web(), MAP, operations, JSON_PATCH)
    assert response.status == 422
    assert f"exceeding the limit {MAXIMUM_COPIED}" in json_of(response)["message"]


async def test_small_copies_are_fine() -> None:
    """As many as a patch may have operations."""
    operations = [{"op": "copy", "from": "/data/text", "path": f"/data/k{step}"} for step in range(100)]
    response = await patched(await session_of_web(), MAP, operations, JSON_PATCH)
    assert response.status == 200
    assert len(json_of(response)["data"]) == 101
