"""Field sets: reading, writing and reckoning with `FieldsV1`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.field_set import FieldSet

ELEMENTS = ("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "i:0")


def _node(children: dict[str, Any], member: bool) -> dict[str, Any]:
    return {".": {}, **children} if children and member else children


def _tries(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if depth == 0:
        return st.just({})
    nodes = st.builds(_node, _tries(depth - 1), st.booleans())
    return st.dictionaries(st.sampled_from(ELEMENTS), nodes, max_size=3)


sets = _tries(3).map(FieldSet.from_fields_v1)


def _paths(fields: FieldSet) -> set[str]:
    return set(fields.paths())


def test_paths_as_people_read_them() -> None:
    """Fields, keyed items, set items and indexes."""
    fields = FieldSet.from_fields_v1(
        {
            "f:metadata": {"f:finalizers": {".": {}, 'v:"a/b"': {}}},
            "f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}}, "f:args": {"i:2": {}}},
        }
    )
    assert list(fields.paths()) == [
        ".metadata.finalizers",
        '.metadata.finalizers[="a/b"]',
        '.spec.containers[name="web"]',
        '.spec.containers[name="web"].image',
        ".spec.args[2]",
    ]


@pytest.mark.parametrize(
    "fields",
    [[], {"spec": {}}, {"x:spec": {}}, {"f:a": 1}, {"k:name": {}}, {"k:[1]": {}}, {"i:x": {}}, {".": {"f:a": {}}}],
)
def test_what_is_no_field_set(fields: Any) -> None:
    """Each is refused with a word about what is wrong."""
    with pytest.raises(ValueError, match="fieldsV1"):
        FieldSet.from_fields_v1(fields)


@given(sets, sets)
def test_operations_are_those_of_sets(left: FieldSet, right: FieldSet) -> None:
    """Union, intersection and difference of the tries hold exactly the paths that those of the path sets hold."""
    assert _paths(left | right) == _paths(left) | _paths(right)
    assert _paths(left & right) == _paths(left) & _paths(right)
    assert _paths(left - right) == _paths(left) - _paths(right)


@given(sets, sets)
def test_equal_sets_are_written_alike(left: FieldSet, right: FieldSet) -> None:
    """However a set came about, its FieldsV1 is the same, and an empty one is false."""
    assert ((left - right) | (left & right)) == left
    assert hash((left - right) | (left & right)) == hash(left)
    assert not left - left
    assert (left | right) == (right | left)
