"""What is wrong with an object, in Kubernetes' words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.registry import Registry
from kube_actors.api.schema import NOT_SUPPORTED, REQUIRED, UNKNOWN_FIELD, WRONG_TYPE
from kube_actors.errors import Cause

REGISTRY = Registry.built_in()
POD = REGISTRY.by_id("pods").schema
DEPLOYMENT = REGISTRY.by_id("deployments.apps").schema


def pod(**container: Any) -> dict[str, Any]:
    """A pod with one container."""
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i", **container}]}}


def test_a_good_pod() -> None:
    """Quantities as text and numbers, ports by name and number, nulls and empty words."""
    body = pod(
        resources={"limits": {"cpu": 1, "memory": "128Mi"}, "requests": {"cpu": 0.5}},
        readinessProbe={"httpGet": {"port": "http", "scheme": ""}},
        livenessProbe={"httpGet": {"port": 80}},
        imagePullPolicy="",
        env=None,
    )
    body["metadata"]["creationTimestamp"] = None
    assert POD.validate(body) == []


def test_null_in_a_list() -> None:
    """An item that is null is one of which nothing was set: a text may be empty, a container needs a name."""
    assert POD.validate(pod(args=[None, "a"])) == []
    assert [(each.reason, each.field) for each in POD.validate({"spec": {"containers": [None]}})] == [
        (REQUIRED, "spec.containers[0].name")
    ]


@pytest.mark.parametrize(
    ("container", "reason", "message", "field"),
    [
        ({"imag": "x"}, UNKNOWN_FIELD, 'unknown field "spec.containers[0].imag"', "imag"),
        (
            {"image": 3},
            WRONG_TYPE,
            "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string",
            "image",
        ),
        (
            {"stdin": "yes"},
            WRONG_TYPE,
            "json: cannot unmarshal string into Go struct field Container.spec.containers.stdin of type bool",
            "stdin",
        ),
        (
            {"args": "x"},
            WRONG_TYPE,
            "json: cannot unmarshal string into Go struct field Container.spec.containers.args of type []string",
            "args",
        ),
        (
            {"args": ["a", True]},
            WRONG_TYPE,
            "json: cannot unmarshal bool into Go struct field Container.spec.containers.args of type string",
            "args[1]",
        ),
        (
            {"env": {"A": "b"}},
            WRONG_TYPE,
            "json: cannot unmarshal object into Go struct field Container.spec.containers.env of type []v1.EnvVar",
            "env",
        ),
        (
            {"resources": []},
            WRONG_TYPE,
            "json: cannot unmarshal array into Go struct field Container.spec.containers.resources"
            " of type v1.ResourceRequirements",
            "resources",
        ),
        (
            {"resources": {"limits": {"cpu": "1x"}}},
            WRONG_TYPE,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            "resources.limits[cpu]",
        ),
        (
            {"imagePullPolicy": "Sometimes"},
            NOT_SUPPORTED,
            'Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
            "imagePullPolicy",
        ),
        ({"name": None}, REQUIRED, "Required value", "name"),
        ({"ports": [{"name": "http"}]}, REQUIRED, "Required value", "ports[0].containerPort"),
        (
            {"ports": [{"containerPort": 80.5}]},
            WRONG_TYPE,
            "json: cannot unmarshal number 80.5 into Go struct field"
            " ContainerPort.spec.containers.ports.containerPort of type int32",
            "ports[0].containerPort",
        ),
        (
            {"ports": [{"containerPort": 1 << 31}]},
            WRONG_TYPE,
            "json: cannot unmarshal number 2147483648 into Go struct field"
            " ContainerPort.spec.containers.ports.containerPort of type int32",
            "ports[0].containerPort",
        ),
        (
            {"ports": [{"containerPort": True}]},
            WRONG_TYPE,
            "json: cannot unmarshal bool into Go struct field"
            " ContainerPort.spec.containers.ports.containerPort of type int32",
            "ports[0].containerPort",
        ),
    ],
)
def test_one_error_in_a_container(container: dict[str, Any], reason: str, message: str, field: str) -> None:
    """Each kind of error: its machine word, Kubernetes' sentence, and the place."""
    assert POD.validate(pod(**container)) == [Cause(reason, message, f"spec.containers[0].{field}")]


def test_whole_objects_of_the_wrong_type() -> None:
    """A list is no Pod."""
    message = "json: cannot unmarshal array into Go value of type v1.Pod"
    assert POD.validate([]) == [Cause(WRONG_TYPE, message)]


TIME, MICRO_TIME = "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000000Z07:00"


@pytest.mark.parametrize(
    ("value", "trouble"),
    [
        ("", f'parsing time "" as "{TIME}": cannot parse "" as "2006"'),
        ("now", f'parsing time "now" as "{TIME}": cannot parse "now" as "2006"'),
        ("2026-01-02", f'parsing time "2026-01-02" as "{TIME}": cannot parse "" as "T"'),
        ("2026-01-02T00:00:00", f'parsing time "2026-01-02T00:00:00" as "{TIME}": cannot parse "" as "Z07:00"'),
        ("2026-13-01T00:00:00Z", 'parsing time "2026-13-01T00:00:00Z": month out of range'),
        ("2026-02-30T00:00:00Z", 'parsing time "2026-02-30T00:00:00Z": day out of range'),
        ("2026-01-01T00:00:00Z!", 'parsing time "2026-01-01T00:00:00Z!": extra text: "!"'),
        ("2026-01-01T00:00:00+00:60", 'parsing time "2026-01-01T00:00:00+00:60": time zone offset minute out of range'),
    ],
)
def test_times(value: str, trouble: str) -> None:
    """A time that is none says where it ceases to be one."""
    causes = POD.validate({"metadata": {"creationTimestamp": value}, "spec": {"containers": []}})
    assert causes == [Cause(WRONG_TYPE, trouble, "metadata.creationTimestamp")]


@pytest.mark.parametrize(
    ("value", "rest", "part"),
    [("2026-01-01T00:00:00Z", "Z", ".000000"), ("2026-01-01T00:00:00.1234567Z", "7Z", "Z07:00")],
)
def test_times_with_microseconds(value: str, rest: str, part: str) -> None:
    """They have six decimals, neither more nor fewer."""
    schema = REGISTRY.by_id("leases.coordination.k8s.io").schema
    trouble = f'parsing time "{value}" as "{MICRO_TIME}": cannot parse "{rest}" as "{part}"'
    assert schema.validate({"spec": {"renewTime": value}}) == [Cause(WRONG_TYPE, trouble, "spec.renewTime")]
    assert not schema.validate({"spec": {"renewTime": "2026-01-01T02:00:00.123456+02:00"}})
    assert not schema.validate({"spec": {"renewTime": "2026-01-01T02:00:00,123456Z"}})


def test_base64() -> None:
    """A Secret's data is base64."""
    schema = REGISTRY.by_id("secrets").schema
    assert schema.validate({"data": {"a": "aGVsbG8=", "b": ""}}) == []
    assert schema.validate({"data": {"a": "not base64!"}}) == [
        Cause(WRONG_TYPE, "illegal base64 data at input byte 3", "data[a]")
    ]


def test_all_errors_come_at_once_in_the_order_of_the_text() -> None:
    """One answer for everything that is wrong."""
    body = {"kind": 1, "spec": {"replicas": "3", "template": {"spec": {"containers": [{}]}}}, "extra": {}}
    fields = [cause.field for cause in DEPLOYMENT.validate(body)]
    assert fields == ["kind", "spec.replicas", "spec.template.spec.containers[0].name", "spec.selector", "extra"]


def test_reporters_of_status_write_what_they_know() -> None:
    """Below the object's status nothing is demanded; types and names still count."""
    body = {**pod(), "status": {"containerStatuses": [{"name": "c", "ready": "yes"}]}}
    assert [cause.field for cause in POD.validate(body)] == ["status.containerStatuses[0].ready"]


def test_a_missing_spec_is_an_empty_one() -> None:
    """What is asked for stands inside it, as with Kubernetes."""
    assert [cause.field for cause in POD.validate({"metadata": {"name": "p"}})] == ["spec.containers"]
    body: dict[str, Any] = {"spec": {"selector": {}, "template": {"metadata": {}}}}
    assert [cause.field for cause in DEPLOYMENT.validate(body)] == ["spec.template.spec.containers"]
    assert REGISTRY.by_id("configmaps").schema.validate({}) == []


def test_numbers_that_may_be_left_out() -> None:
    """An absent number is 0 where the server takes it so."""
    assert POD.validate(pod(lifecycle={"preStop": {"sleep": {}}})) == []
    assert REGISTRY.find("priorityclass").schema.validate({"metadata": {"name": "p"}}) == []


def test_unchanged_parts_are_not_looked_at_again() -> None:
    """With the object as it was, only what differs is checked."""
    old = pod(imag="stored long ago")
    assert POD.validate({**old, "status": {"phase": "Running"}}, old) == []
    assert [cause.field for cause in POD.validate({**old, "status": {"phase": 1}}, old)] == ["status.phase"]
    changed = {**old, "spec": {**old["spec"], "nodeName": "n"}}
    assert POD.validate(changed, old) == []
    assert len(POD.validate(pod(imag="changed"), old)) == 1


def test_true_is_not_one() -> None:
    """Python thinks they are equal; JSON does not."""
    old = pod(stdin=True)
    assert [cause.field for cause in POD.validate(pod(stdin=1), old)] == ["spec.containers[0].stdin"]


def test_lists_of_restricted_words() -> None:
    """An enum on a list restricts its items."""
    schema = REGISTRY.find("pvc").schema
    body = {"spec": {"accessModes": ["ReadWriteOnce", "Whatever"]}}
    assert [cause.field for cause in schema.validate(body)] == ["spec.accessModes[1]"]


NAMES = st.sampled_from(["spec", "metadata", "status", "containers", "name", "labels", "ports", "resources", "limits"])
SHAPES = st.dictionaries(
    NAMES,
    st.recursive(
        st.sampled_from([None, True, 0, -1.5, "", "text", [], {}]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


@given(SHAPES)
def test_whatever_comes_is_answered(body: dict[str, Any]) -> None:
    """No shape of JSON breaks the walk."""
    for cause in POD.validate(body):
        assert cause.message


@given(SHAPES)
def test_an_object_that_did_not_change_is_fine_as_far_as_this_write_goes(body: dict[str, Any]) -> None:
    """Compared with itself, nothing in spec, metadata and status is wrong."""
    known = {key: value for key, value in body.items() if key in ("spec", "metadata", "status") and value}
    known = {key: value for key, value in known.items() if isinstance(value, dict)}
    assert POD.validate(known, known) == []
