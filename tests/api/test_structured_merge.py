"""Server-side apply on plain objects: merging, ownership, conflicts, pruning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry
from kube_actors.api.structured_merge import OwnerKey, Owners, apply, check_applied, update_ownership
from kube_actors.api.structured_values import compare, field_set_of
from kube_actors.api.versioned_change import Change
from kube_actors.errors import ApiError
from kube_actors.kinds.versions import ServedVersions

DEPLOYMENTS = Registry.built_in().by_id("deployments.apps")
SCHEMA = DEPLOYMENTS.schema
VERSIONS = ServedVersions({DEPLOYMENTS.api_version: DEPLOYMENTS})
ALICE = OwnerKey("alice", "Apply", "", "")
BOB = OwnerKey("bob", "Apply", "", "")
EDITOR = OwnerKey("editor", "Update", "apps/v1", "")


def _deployment(containers: dict[str, dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    if containers is not None:
        items = [{"name": name, **fields} for name, fields in containers.items()]
        spec["template"] = {"spec": {"containers": items}}
    return {**body, "spec": spec} if spec else body


def _paths(owners: Owners) -> dict[str, list[str]]:
    return {owner.manager: sorted(owned.fields.paths()) for owner, owned in owners.items()}


def test_first_apply_owns_what_it_says() -> None:
    """Leaves and keyed items are owned; structs on the way and system fields are not."""
    merged, owners = apply({}, _deployment({"a": {"image": "x"}}, replicas=2), {}, ALICE, VERSIONS)
    assert merged == _deployment({"a": {"image": "x"}}, replicas=2)
    item = '.spec.template.spec.containers[name="a"]'
    assert _paths(owners) == {"alice": sorted([".spec.replicas", item, f"{item}.image", f"{item}.name"])}


def test_dropped_fields_go() -> None:
    """What a manager applied before and applies no more is removed when nobody else owns it; a container too."""
    live, owners = apply({}, _deployment({"a": {"image": "x"}, "b": {"image": "y"}}, replicas=2), {}, ALICE, VERSIONS)
    merged, owners = apply(live, _deployment({"a": {"image": "x"}}), owners, ALICE, VERSIONS)
    assert merged == _deployment({"a": {"image": "x"}})
    assert '.spec.template.spec.containers[name="b"]' not in _paths(owners)["alice"]


def test_defaults_stay_with_what_was_applied() -> None:
    """A field nobody applied stays when its neighbours are dropped, but goes with the item it stands in."""
    live, owners = apply(
        {}, _deployment({"a": {"image": "x"}, "b": {"image": "y"}}, minReadySeconds=3), {}, ALICE, VERSIONS
    )
    live["spec"]["replicas"] = 1
    for container in live["spec"]["template"]["spec"]["containers"]:
        container["imagePullPolicy"] = "Always"
    merged, _ = apply(live, _deployment({"a": {"image": "x"}}), owners, ALICE, VERSIONS)
    assert merged == _deployment({"a": {"image": "x", "imagePullPolicy": "Always"}}, replicas=1)


def test_shared_fields_stay_until_the_last_owner_drops_them() -> None:
    """Two managers that apply the same value own it together."""
    live, owners = apply({}, _deployment(replicas=2, paused=True), {}, ALICE, VERSIONS)
    live, owners = apply(live, _deployment(replicas=2), owners, BOB, VERSIONS)
    live, owners = apply(live, _deployment(paused=True), owners, ALICE, VERSIONS)
    assert (live, _paths(owners)) == (
        _deployment(replicas=2, paused=True),
        {"alice": [".spec.paused"], "bob": [".spec.replicas"]},
    )
    live, owners = apply(live, _deployment(), owners, BOB, VERSIONS)
    assert (live, _paths(owners)) == (_deployment(paused=True), {"alice": [".spec.paused"]})


def test_conflicts_name_every_field_and_owner() -> None:
    """One conflict on a line, several as a list; nothing changes."""
    live, owners = apply({}, _deployment(replicas=2, paused=True), {}, ALICE, VERSIONS)
    with pytest.raises(ApiError) as caught:
        apply(live, _deployment(replicas=3), owners, BOB, VERSIONS)
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas'
    assert (caught.value.reason, caught.value.code) == ("Conflict", 409)
    with pytest.raises(ApiError) as caught:
        apply(live, _deployment(replicas=3, paused=False), owners, BOB, VERSIONS)
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.replicas\n- .spec.paused'
    )
    assert [(cause.reason, cause.field) for cause in caught.value.causes] == [
        ("FieldManagerConflict", ".spec.replicas"),
        ("FieldManagerConflict", ".spec.paused"),
    ]


def test_conflict_with_an_editor_names_its_version() -> None:
    """A manager that updated is named with the version it used."""
    owners = update_ownership({}, EDITOR, Change(_deployment(replicas=1), _deployment(replicas=5), VERSIONS), "apps/v1")
    with pytest.raises(ApiError, match=r'conflict with "editor" using apps/v1: \.spec\.replicas'):
        apply(_deployment(replicas=5), _deployment(replicas=3), owners, ALICE, VERSIONS)


def test_force_takes_over() -> None:
    """With force the field changes hands."""
    live, owners = apply({}, _deployment(replicas=2, paused=True), {}, ALICE, VERSIONS)
    live, owners = apply(live, _deployment(replicas=3), owners, BOB, VERSIONS, force=True)
    assert live == _deployment(replicas=3, paused=True)
    assert _paths(owners) == {"alice": [".spec.paused"], "bob": [".spec.replicas"]}


def test_same_value_is_no_conflict() -> None:
    """Applying the value that is there shares it, whoever owns it."""
    live, owners = apply({}, _deployment(replicas=2), {}, ALICE, VERSIONS)
    merged, owners = apply(live, _deployment(replicas=2), owners, BOB, VERSIONS)
    assert (merged, _paths(owners)) == (live, {"alice": [".spec.replicas"], "bob": [".spec.replicas"]})


def test_null_is_a_value() -> None:
    """An applied null is owned and takes the place of a value, which conflicts with whoever owns that; what has parts
    of its own it leaves alone."""
    live, applied = _deployment(replicas=2, paused=True), _deployment(replicas=None, template=None)
    merged, owners = apply(live, applied, {}, ALICE, VERSIONS)
    assert merged == _deployment(replicas=None, paused=True, template=None)
    assert _paths(owners) == {"alice": [".spec.replicas", ".spec.template"]}
    live, bobs = apply({}, _deployment({"web": {"image": "a"}}, replicas=2), {}, BOB, VERSIONS)
    with pytest.raises(ApiError) as caught:
        apply(live, applied, bobs, ALICE, VERSIONS)
    assert [cause.field for cause in caught.value.causes] == [".spec.replicas"]
    merged, _ = apply(live, applied, bobs, ALICE, VERSIONS, force=True)
    assert merged["spec"] == {**live["spec"], "replicas": None}


def test_emptiness() -> None:
    """Null and an empty object are owned, and so is an empty list that has one owner; one of items is not."""
    template = {"metadata": {"annotations": {}}, "spec": {"volumes": [], "tolerations": [], "affinity": None}}
    _, owners = apply({}, _deployment(template=template), {}, ALICE, VERSIONS)
    spec = ".spec.template.spec"
    expected = [".spec.template.metadata.annotations", f"{spec}.affinity", f"{spec}.tolerations"]
    assert _paths(owners) == {"alice": expected}


def test_key_defaults_identify_items() -> None:
    """A port applied without protocol is the TCP port that is there."""
    live = _deployment({"a": {"ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]}})
    applied = _deployment({"a": {"ports": [{"containerPort": 80, "hostPort": 8080}]}})
    merged, _ = apply(live, applied, {}, ALICE, VERSIONS)
    ports = [{"containerPort": 80, "protocol": "TCP", "name": "http", "hostPort": 8080}]
    assert merged == _deployment({"a": {"ports": ports}})


def test_applied_order_wins_and_others_keep_their_place() -> None:
    """Live items that are not applied stay before the neighbour they stood before."""
    live = _deployment({"a": {}, "x": {}, "b": {}})
    merged, _ = apply(live, _deployment({"b": {"image": "1"}, "a": {}, "c": {}}), {}, ALICE, VERSIONS)
    assert merged == _deployment({"x": {}, "b": {"image": "1"}, "a": {}, "c": {}})


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [("b", "a", "ba"), ("ab", "c", "abc"), ("bxc", "abdc", "abxdc"), ("ab", "ca", "cab"), ("axby", "bca", "xbyca")],
)
def test_new_items_stand_behind_those_of_others(live: str, applied: str, merged: str) -> None:
    """A new item comes as late as the applied order lets it."""
    body, _ = apply(
        _deployment({name: {} for name in live}), _deployment({name: {} for name in applied}), {}, ALICE, VERSIONS
    )
    assert "".join(item["name"] for item in body["spec"]["template"]["spec"]["containers"]) == merged


def test_items_that_cannot_be_told_apart() -> None:
    """A configuration that names an item twice, or one without its key, is refused in Kubernetes' words."""
    body = _deployment({"a": {"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]}, "b": {}})
    body["spec"]["template"]["spec"]["containers"] += [{"name": "b"}, {"image": "x"}]
    body |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    body["metadata"] = {"namespace": "default", "name": "web"}
    with pytest.raises(ApiError) as caught:
        check_applied(body, SCHEMA)
    assert caught.value.message == (
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): errors:\n"
        '  .spec.template.spec.containers[name="a"].ports: duplicate entries for key '
        '[containerPort=80,protocol="TCP"]\n'
        '  .spec.template.spec.containers: duplicate entries for key [name="b"]\n'
        "  .spec.template.spec.containers: element 3: associative list with keys has an element that omits key field "
        '"name" (and doesn\'t have default value)'
    )


def test_updates_move_ownership() -> None:
    """Who changes a field owns it, alone; what is removed is owned by nobody."""
    live, owners = apply({}, _deployment(replicas=2, paused=True), {}, ALICE, VERSIONS)
    owners = update_ownership(owners, EDITOR, Change(live, _deployment(replicas=3), VERSIONS), "apps/v1")
    assert _paths(owners) == {"editor": [".spec.replicas"]}


def _env(*items: tuple[str, str]) -> dict[str, Any]:
    return _deployment({"a": {"env": [{"name": name, "value": value} for name, value in items]}})


ENV = '.spec.template.spec.containers[name="a"].env'


def test_items_that_are_there_twice_count_as_one_value() -> None:
    """What names itself twice cannot be told apart: it is owned as one, without what is in it."""
    before = _env(("A", "1"), ("P", "1"), ("P", "2"))
    difference = compare(before, _env(("A", "1"), ("P", "1"), ("P", "3")), SCHEMA)
    assert list(difference.changed.paths()) == [f'{ENV}[name="P"]']
    assert not list(difference.removed.paths())
    inside = [f'{ENV}[name="P"]', f'{ENV}[name="P"].name', f'{ENV}[name="P"].value']
    single = compare(before, _env(("A", "1"), ("P", "1")), SCHEMA)
    assert sorted(single.changed.paths()) == inside
    double = compare(_env(("P", "1")), before, SCHEMA)
    assert f'{ENV}[name="P"]' in list(double.changed.paths())
    assert sorted(double.removed.paths()) == inside


def test_what_is_there_twice_stays_until_it_is_applied() -> None:
    """Applying something else leaves repeated items in their places; applying one of them puts it in theirs."""
    live = _env(("P", "1"), ("A", "$P"), ("P", "2"))
    merged, owners = apply(live, _env(("B", "1")), {}, ALICE, VERSIONS)
    assert merged == _env(("P", "1"), ("A", "$P"), ("P", "2"), ("B", "1")) or merged == _env(
        ("B", "1"), ("P", "1"), ("A", "$P"), ("P", "2")
    )
    merged, _ = apply(merged, _env(("P", "3")), owners, ALICE, VERSIONS)
    assert merged == _env(("P", "3"), ("A", "$P"))


def test_atomic_fields_have_one_owner() -> None:
    """A label selector is owned as a whole."""
    selector = {"matchLabels": {"app": "web"}}
    assert list(field_set_of(_deployment(selector=selector), SCHEMA).paths()) == [
        ".apiVersion",
        ".kind",
        ".metadata.name",
        ".spec.selector",
    ]


containers = st.dictionaries(
    st.sampled_from("abc"),
    st.fixed_dictionaries({}, optional={"image": st.sampled_from("12"), "tty": st.booleans()}),
    min_size=1,
    max_size=3,
)
configurations = st.builds(
    lambda items, spec: _deployment(items, **spec),
    st.none() | containers,
    st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 2), "paused": st.booleans()}),
)


@given(configurations, configurations)
def test_applying_twice_changes_nothing(live: dict[str, Any], applied: dict[str, Any]) -> None:
    """The second time, object and owners stay as they are."""
    merged, owners = apply(live, applied, {}, ALICE, VERSIONS)
    again, owners_again = apply(merged, applied, owners, ALICE, VERSIONS)
    assert (again, owners_again) == (merged, owners)


@given(configurations, configurations, configurations)
def test_what_is_applied_is_there_and_owned(
    live: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> None:
    """After any history every applied field has the applied value and its owner; inputs are never changed."""
    kept = [clone(live), clone(first), clone(second)]
    merged, owners = apply(live, first, {}, ALICE, VERSIONS)
    merged, owners = apply(merged, second, owners, ALICE, VERSIONS)
    applied = field_set_of(second, SCHEMA)
    assert not compare(second, merged, SCHEMA).removed & applied
    assert not applied - field_set_of(merged, SCHEMA)
    unowned = {".apiVersion", ".kind", ".metadata.name"}
    assert set(owners[ALICE].fields.paths() if ALICE in owners else ()) == set(applied.paths()) - unowned
    assert kept == [live, first, second]


@given(configurations, configurations)
def test_two_managers_never_own_different_values(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Either the second apply conflicts, or the owners' values are those of the object; with force the second's."""
    live, owners = apply({}, first, {}, ALICE, VERSIONS)
    try:
        merged, after = apply(live, second, owners, BOB, VERSIONS)
    except ApiError:
        merged, after = apply(live, second, owners, BOB, VERSIONS, force=True)
        assert after.get(ALICE) != owners.get(ALICE)
    for owner, owned in after.items():
        wanted = first if owner == ALICE else second
        assert not compare(merged, wanted, SCHEMA).changed & owned.fields
