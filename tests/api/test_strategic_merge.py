"""Strategic merge patch: lists merge by the keys the schema names, and directives are obeyed."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry
from kube_actors.api.strategic_merge import strategic_merge_patch
from kube_actors.errors import ApiError

REGISTRY = Registry.built_in()
POD = REGISTRY.by_id("pods").schema
DEPLOYMENT = REGISTRY.by_id("deployments.apps").schema


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": spec}


A, B, C = ({"name": name, "image": f"{name}:1"} for name in "abc")


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        pytest.param({"containers": [A, B]}, {"containers": [{"name": "b", "image": "b:2"}]},
                     {"containers": [A, {"name": "b", "image": "b:2"}]}, id="an item is merged by its key"),
        pytest.param({"containers": [A]}, {"containers": [B]}, {"containers": [B, A]}, id="a new item comes first"),
        pytest.param({"containers": [A, B]}, {"containers": [{"name": "a", "$patch": "delete"}]},
                     {"containers": [B]}, id="an item is deleted"),
        pytest.param({"containers": [A, B]}, {"containers": [C, {"$patch": "replace"}]},
                     {"containers": [C]}, id="the list is replaced"),
        pytest.param({"containers": [A, B, C]}, {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]},
                     {"containers": [B, C, A]}, id="order without values"),
        pytest.param({"containers": [A]}, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                      "containers": [B]},
                     {"containers": [B, A]}, id="order with a new item"),
        pytest.param({"nodeSelector": {"x": "1", "y": "2"}}, {"nodeSelector": {"$patch": "replace", "z": "3"}},
                     {"nodeSelector": {"z": "3"}}, id="a map is replaced"),
        pytest.param({"nodeSelector": {"x": "1", "y": "2"}}, {"nodeSelector": {"x": None}},
                     {"nodeSelector": {"y": "2"}}, id="null removes"),
        pytest.param({"nodeSelector": {"x": "1"}}, {"nodeSelector": {"$patch": "delete"}},
                     {"nodeSelector": {}}, id="emptied"),
        pytest.param({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]},
                     {"tolerations": [{"key": "b"}]}, id="a list without merge key is replaced"),
        pytest.param({}, {"containers": [A, {"name": "b", "$patch": "delete"}]},
                     {"containers": [A]}, id="no such item"),
        pytest.param({"volumes": [{"name": "v", "emptyDir": {}}]},
                     {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]},
                     {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, id="retained keys"),
    ],
)  # fmt: skip
def test_pod_specs(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    """What becomes of a pod's spec."""
    body = _pod(**clone(before))
    assert strategic_merge_patch(body, {"spec": patch}, POD) == _pod(**after)
    assert body == _pod(**before)


def test_strategy_retains_keys() -> None:
    """Changing the strategy's type takes the parameters of the other type away, as kubectl patches it."""
    body = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge_patch(body, patch, DEPLOYMENT) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_lists_of_values() -> None:
    """Finalizers are added and deleted by value."""
    body = {"metadata": {"finalizers": ["a/b", "c/d"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/b"], "finalizers": ["e/f", "c/d"]}}
    assert strategic_merge_patch(body, patch, POD) == {"metadata": {"finalizers": ["e/f", "c/d"]}}
    only_delete = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["c/d"]}}
    assert strategic_merge_patch(body, only_delete, POD) == {"metadata": {"finalizers": ["a/b"]}}


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"spec": {"$patch": "explode"}},
        {"spec": {"$unknown": 1}},
        {"spec": {"containers": [{"image": "no name"}]}},
        {"spec": {"containers": ["a"]}},
        {"spec": {"$retainKeys": "containers"}},
        {"spec": {"$retainKeys": ["volumes"], "containers": [B]}},
        {"spec": {"$setElementOrder/containers": [{"name": "a"}], "containers": [B]}},
    ],
)
def test_patches_that_make_no_sense(patch: Any) -> None:
    """400, and the object stays as it was."""
    body = _pod(containers=[clone(A)])
    with pytest.raises(ApiError) as caught:
        strategic_merge_patch(body, patch, POD)
    assert (caught.value.code, body) == (400, _pod(containers=[A]))


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"finalizers": [["a"]]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": [{}]}},
        {"metadata": {"finalizers": ["b"], "$deleteFromPrimitiveList/finalizers": "a"}},
    ],
)
def test_plain_values_are_plain(patch: dict[str, Any]) -> None:
    """A list of texts takes no lists and objects: 400, as for everything else that cannot be read."""
    with pytest.raises(ApiError) as refused:
        strategic_merge_patch({"metadata": {"finalizers": ["a/b"]}}, patch, POD)
    assert refused.value.code == 400
