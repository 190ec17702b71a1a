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


NO_NAME = "map: map[image:x] does not contain declared merge key: name"
ORDER = "the order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]"


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"$patch": "explode"}, 500, "unknown patch type: explode in map: map[$patch:explode]"),
        ({"nodeSelector": {"$patch": "merge"}}, 500, "unknown patch type: merge in map: map[$patch:merge]"),
        ({"containers": [{"image": "x"}]}, 500, NO_NAME),
        ({"containers": [{"$patch": "delete", "image": "x"}]}, 500, "map: map[$patch:delete image:x] does not contain"),
        ({"containers": [{"$patch": "explode", "name": "a"}]}, 500, "unknown patch type: explode in map: map["),
        ({"containers": [{"$patch": "merge", "name": "a"}]}, 500, "merging lists cannot yet be specified in the patch"),
        ({"containers": ["a"]}, 500, "list element types are not identical"),
        (
            {"containers": [["a"]]},
            422,
            "the server rejected our request due to an error in our request: lists of lists",
        ),
        ({"$retainKeys": "containers"}, 400, "invalid patch format of retainKeys"),
        ({"$retainKeys": ["volumes"], "containers": [B]}, 400, "invalid patch format of retainKeys"),
        ({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}, 500, ORDER),
        ({"$setElementOrder/containers": [{"image": "x"}], "containers": [B]}, 500, NO_NAME),
        ({"$setElementOrder/containers": "a"}, 500, "expected a []interface {}, but received a string"),
        ({"$setElementOrder/containers": ["a"]}, 500, "expected a map[string]interface {}, but received a string"),
        ({"$setElementOrder": []}, 400, "invalid patch format of setElementOrder list"),
        ({"$deleteFromPrimitiveList": []}, 400, "invalid patch format of primitive list"),
    ],
)
def test_patches_that_make_no_sense(patch: Any, code: int, message: str) -> None:
    """Few of them were foreseen by Kubernetes; the others are answered as faults of the server. The object stays."""
    body = _pod(containers=[clone(A)], nodeSelector={"a": "b"})
    with pytest.raises(ApiError) as caught:
        strategic_merge_patch(body, {"spec": patch}, POD)
    assert (caught.value.code, body) == (code, _pod(containers=[A], nodeSelector={"a": "b"}))
    assert caught.value.message.startswith(message)


def test_what_is_no_object() -> None:
    """A patch is an object."""
    with pytest.raises(ApiError) as caught:
        strategic_merge_patch(_pod(), [], POD)
    assert caught.value.code == 400


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"finalizers": [["a"]]}, 422),
        ({"finalizers": [1]}, 500),
        ({"$deleteFromPrimitiveList/finalizers": [{}]}, 500),
        ({"$setElementOrder/finalizers": ["x/y"], "finalizers": ["b"]}, 500),
    ],
)
def test_plain_values_are_plain(patch: dict[str, Any], code: int) -> None:
    """A list of texts takes nothing but texts, and an order has to name those that are added."""
    with pytest.raises(ApiError) as refused:
        strategic_merge_patch({"metadata": {"finalizers": ["a/b"]}}, {"metadata": patch}, POD)
    assert refused.value.code == code


def test_two_items_of_one_key_both_stay() -> None:
    """A port may be there for TCP and for UDP: what is merged by the number goes into the first of them."""
    tcp, udp, web = {"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80}
    body = _pod(containers=[{"name": "a", "ports": [tcp, udp, web]}])
    order = [{"containerPort": 80}, {"containerPort": 53}]
    named = [{"containerPort": 53, "name": "dns"}]
    patch = {"containers": [{"name": "a", "$setElementOrder/ports": order, "ports": named}]}
    merged = strategic_merge_patch(body, {"spec": patch}, POD)["spec"]["containers"][0]["ports"]
    assert merged == [web, {**tcp, "name": "dns"}, udp]


def test_directives_where_there_is_nothing_to_merge_with() -> None:
    """What says how it is to be merged is left out; a list named in no other way is left alone."""
    patch = {"nodeSelector": {"$patch": "replace", "a": "b"}, "$deleteFromPrimitiveList/tolerations": ["a"]}
    assert strategic_merge_patch(_pod(), {"spec": patch}, POD) == _pod()


def test_a_value_of_another_type_is_taken() -> None:
    """What does not fit is for those to refuse who read the outcome."""
    body = _pod(containers=[A], nodeSelector={"a": "b"})
    assert strategic_merge_patch(body, {"spec": {"nodeSelector": 5}}, POD) == _pod(containers=[A], nodeSelector=5)
