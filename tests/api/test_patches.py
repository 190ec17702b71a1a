"""JSON patch and merge patch: what comes out, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.patches import clone, json_patch, merge_patch
from kube_actors.errors import ApiError

BODY = {"metadata": {"name": "a", "labels": {"x/y": "1"}}, "spec": {"ports": [80, 443], "paused": True}}

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/spec/ports/-", "value": 8080}], {"ports": [80, 443, 8080], "paused": True}),
        ([{"op": "add", "path": "/spec/ports/0", "value": 22}], {"ports": [22, 80, 443], "paused": True}),
        ([{"op": "remove", "path": "/spec/ports/1"}], {"ports": [80], "paused": True}),
        ([{"op": "remove", "path": "/spec/ports/-2"}], {"ports": [443], "paused": True}),
        ([{"op": "add", "path": "/spec/ports/-1", "value": 8080}], {"ports": [80, 443, 8080], "paused": True}),
        ([{"op": "replace", "path": "/spec/ports/01", "value": 22}], {"ports": [80, 22], "paused": True}),
        ([{"op": "replace", "path": "/spec/paused", "value": None}], {"ports": [80, 443], "paused": None}),
        (
            [{"op": "move", "from": "/spec/ports/0", "path": "/spec/first"}],
            {"ports": [443], "paused": True, "first": 80},
        ),
        (
            [{"op": "copy", "from": "/spec/ports", "path": "/spec/old"}],
            {"ports": [80, 443], "old": [80, 443], "paused": True},
        ),
        ([{"op": "test", "path": "/spec/none", "value": None}], {"ports": [80, 443], "paused": True}),
        ([{"op": "test", "path": "/spec/paused", "value": True}], {"ports": [80, 443], "paused": True}),
    ],
)
def test_json_patch_operations(operations: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    """Each operation of RFC 6902 does what it says, to the spec and nothing else."""
    assert json_patch(BODY, operations) == {**BODY, "spec": expected}


def test_escaped_pointers() -> None:
    """`~1` is a slash inside a key."""
    patched = json_patch(BODY, [{"op": "remove", "path": "/metadata/labels/x~1y"}])
    assert patched["metadata"] == {"name": "a", "labels": {}}


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({"op": "add"}, 400),
        (["add"], 400),
        ([{"op": "bend", "path": "/a"}], 422),
        ([{"op": "add", "path": "spec", "value": 1}], 422),
        ([{"op": "add", "path": "/spec"}], 422),
        ([{"op": "remove", "path": "/spec/none"}], 422),
        ([{"op": "replace", "path": "/spec/none", "value": 1}], 422),
        ([{"op": "add", "path": "/none/deeper", "value": 1}], 422),
        ([{"op": "add", "path": "/spec/ports/3", "value": 1}], 422),
        ([{"op": "add", "path": "/spec/ports/one", "value": 1}], 422),
        ([{"op": "remove", "path": "/spec/ports/-3"}], 422),
        ([{"op": "add", "path": "/metadata/name/x", "value": 1}], 422),
        ([{"op": "move", "from": "/spec", "path": "/spec/inner"}], 422),
        ([{"op": "test", "path": "/spec/paused", "value": 1}], 422),
        ([{"op": "test", "path": "/metadata/name", "value": "a"}] * 10_001, 413),
    ],
)
def test_json_patches_that_are_refused(operations: Any, code: int) -> None:
    """400 for what is no patch, 422 for what does not fit the object, 413 for far too many operations."""
    before = clone(BODY)
    with pytest.raises(ApiError) as caught:
        json_patch(BODY, operations)
    assert (caught.value.code, BODY) == (code, before)


def test_all_or_nothing() -> None:
    """An operation that fails undoes those before it: the given body is never touched."""
    before = clone(BODY)
    with pytest.raises(ApiError):
        json_patch(BODY, [{"op": "remove", "path": "/spec"}, {"op": "remove", "path": "/spec"}])
    assert before == BODY


@given(values, st.dictionaries(st.text("ab/~", min_size=1, max_size=2), values, min_size=1, max_size=3), st.data())
def test_add_and_remove_are_inverse(value: Any, body: dict[str, Any], data: st.DataObject) -> None:
    """Removing what was added gives the body back."""
    name = data.draw(st.text("cd/~", min_size=1, max_size=2).filter(lambda each: each not in body))
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    added = json_patch(body, [{"op": "add", "path": path, "value": value}])
    assert added == {**body, name: value}
    assert json_patch(added, [{"op": "remove", "path": path}]) == body


@pytest.mark.parametrize(
    ("body", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(body: Any, patch: Any, expected: Any) -> None:
    """The cases of RFC 7386, appendix A."""
    assert merge_patch(body, patch) == expected


def _difference(old: Any, new: Any) -> Any:
    """The merge patch from one object without nulls to another."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    return patch | {name: _difference(old.get(name), value) for name, value in new.items() if old.get(name) != value}


objects = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=1),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(objects.filter(lambda each: isinstance(each, dict)), objects.filter(lambda each: isinstance(each, dict)))
def test_merge_patch_reaches_any_object(old: Any, new: Any) -> None:
    """The difference of two objects, applied to the first, gives the second, and leaves the first alone."""
    before = clone(old)
    assert merge_patch(old, _difference(old, new)) == new
    assert old == before
