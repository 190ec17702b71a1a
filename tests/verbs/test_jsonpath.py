"""JSONPath as kubectl's users write it."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.verbs.jsonpath import JsonPathError, parse_path, parse_template

PODS: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}},
            "status": {
                "phase": "Running",
                "restarts": 3,
                "ready": True,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
            "spec": {"containers": [{"name": "c1", "image": "i1"}, {"name": "c2", "image": "i2"}]},
        },
        {
            "metadata": {"name": "b"},
            "status": {
                "phase": "Pending",
                "restarts": 0,
                "ready": False,
                "conditions": [{"type": "Ready", "status": "False"}],
            },
            "spec": {"containers": [{"name": "c3", "image": "i3"}]},
        },
    ],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}", "a"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[0,1].metadata.name}", "a b"),
        ("{.items[0:1].metadata.name}", "a"),
        ("{.items[*].status.restarts}", "3 0"),
        ("{.items[0].status.ready}", "true"),
        ("{.items[0].spec.containers[0]}", '{"image":"i1","name":"c1"}'),
        ("{..image}", "i1 i2 i3"),
        ("{$.kind}", "List"),
        ("{['kind']}", "List"),
        ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"),
        ("{.items[0].metadata.labels['app.kubernetes.io/name']}", "x"),
        ('{.items[?(@.status.phase=="Running")].metadata.name}', "a"),
        ("{.items[?(@.status.restarts>1)].metadata.name}", "a"),
        ("{.items[?(@.status.restarts<=0)].metadata.name}", "b"),
        ("{.items[?(@.status.phase!='Running')].metadata.name}", "b"),
        ("{.items[?(@.metadata.labels)].metadata.name}", "a"),
        ('{.items[*].status.conditions[?(@.type=="Ready")].status}', "True False"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}', "a\tRunning\nb\tPending\n"),
        ("{range .items[*]}[{range .spec.containers[*]}{.name};{end}]{end}", "[c1;c2;][c3;]"),
        ("names: {.items[*].metadata.name}!", "names: a b!"),
        ("{.nothing.there}", ""),
        (".kind", "List"),
        ("kind", "List"),
    ],
)
def test_templates(template: str, text: str) -> None:
    """Fields, indexes, slices, filters, recursion and ranges."""
    assert parse_template(template).render(PODS) == text


@pytest.mark.parametrize(
    "template",
    [
        "{.items[",
        "{.a",
        "{range .items[*]}{.a}",
        "{end}",
        "{.items[x]}",
        "{'a}",
        "{.a[?(@.b==c)]}",
        "{.items[-:]}",
        "{.items[:-]}",
        "{.items[0:2:0]}",
        "{.items[::-1]}",
        "{.items[99999999999999999999]}",
        "{.items[:" + "9" * 5000 + "]}",
    ],
)
def test_unreadable_templates(template: str) -> None:
    """What cannot be read is an error, never an empty answer."""
    with pytest.raises(JsonPathError):
        parse_template(template)


def test_a_path_answers_values() -> None:
    """Not text but what is there."""
    assert parse_path("{.items[*].status.restarts}").values(PODS) == [3, 0]
    assert parse_path(".nope").values(PODS) == []
