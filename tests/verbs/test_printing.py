"""Tables, lists and descriptions, as text."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.codecs import json, yaml
from kube_actors.api.registry import Registry
from kube_actors.api.times import parse_rfc3339
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.printing.columns import align
from kube_actors.verbs.printing.describe import description
from kube_actors.verbs.printing.describe.facts import Facts
from kube_actors.verbs.printing.objects import Format, parse_format, print_objects, shown
from kube_actors.verbs.printing.tables import Table, TableStyle, header_of, row_of

REGISTRY = Registry.built_in()
CREATED = "2026-01-02T03:04:05Z"
NOW = parse_rfc3339(CREATED) + 300

CONFIG_MAP: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "shop", "creationTimestamp": CREATED, "labels": {"app": "web"}},
    "data": {"level": "debug"},
}


def table(body: dict[str, Any], resource: str, style: TableStyle) -> str:
    """The table of one object."""
    row = REGISTRY.by_id(resource)
    return Table(header_of(row, style), (row_of(row, body, NOW, style),)).text(headers=style.headers)


def test_columns_are_aligned_in_runs() -> None:
    """A column is as wide as its widest cell among neighbours; a line without cells ends it."""
    assert align("a\tb\nlonger\tc\nplain\nx\ty") == "a       b\nlonger  c\nplain\nx  y"
    assert align("Name:\tweb\nAddresses:\n  IP:\t1") == "Name:  web\nAddresses:\n  IP:  1"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (TableStyle(), "NAME       DATA   AGE\nsettings   1      5m\n"),
        (TableStyle(namespace=True), "NAMESPACE   NAME       DATA   AGE\nshop        settings   1      5m\n"),
        (TableStyle(kind=True), "NAME                 DATA   AGE\nconfigmap/settings   1      5m\n"),
        (TableStyle(show_labels=True), "NAME       DATA   AGE   LABELS\nsettings   1      5m    app=web\n"),
        (
            TableStyle(label_columns=("x.io/tier", "app")),
            "NAME       DATA   AGE   TIER     APP\nsettings   1      5m    <none>   web\n",
        ),
        (TableStyle(headers=False), "settings   1     5m\n"),
    ],
)
def test_tables(style: TableStyle, expected: str) -> None:
    """kubectl's columns, in every way they can be asked for."""
    assert table(CONFIG_MAP, "configmaps", style) == expected


def test_a_kind_without_columns_has_name_and_age() -> None:
    """No kind is left without a table."""
    body = {"metadata": {"name": "one", "creationTimestamp": CREATED}}
    assert table(body, "serviceaccounts", TableStyle()) == "NAME   AGE\none    5m\n"
    assert "CREATED AT" in table(body, "clusterroles.rbac.authorization.k8s.io", TableStyle())


def test_a_cell_stays_on_its_line() -> None:
    """A name of several lines, which only a hostile writer makes, ends at the first."""
    body = {**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "name": "a\nb"}}
    assert "a...   1" in table(body, "configmaps", TableStyle())


def test_several_objects_are_a_list() -> None:
    """YAML and JSON of several objects read back as one List of them."""
    bodies = [CONFIG_MAP, {**CONFIG_MAP, "data": {"text": "two\nlines"}}]
    whole = {"apiVersion": "v1", "items": bodies, "kind": "List", "metadata": {"resourceVersion": ""}}
    as_json = "".join(print_objects(Format("json"), bodies, REGISTRY, single=False))
    assert as_json == json.dumps_pretty(whole) + "\n"
    as_yaml = "".join(print_objects(Format("yaml"), bodies, REGISTRY, single=False))
    assert as_yaml == yaml.dump(whole)


@pytest.mark.parametrize("name", ["json", "yaml"])
def test_no_objects_are_an_empty_list(name: str) -> None:
    """Programs that read the output find a List with nothing in it."""
    text = "".join(print_objects(Format(name), [], REGISTRY, single=False))
    [document] = yaml.load_documents(text)
    assert document.body == {"apiVersion": "v1", "items": [], "kind": "List", "metadata": {"resourceVersion": ""}}


def test_one_object_by_name_is_itself() -> None:
    """Not a List of one."""
    assert "".join(print_objects(Format("yaml"), [CONFIG_MAP], REGISTRY, single=True)) == yaml.dump(CONFIG_MAP)


def test_names_and_columns_of_ones_own() -> None:
    """`-o name` and `-o custom-columns`."""
    assert list(print_objects(Format("name"), [CONFIG_MAP], REGISTRY, single=False)) == ["configmap/settings\n"]
    form = parse_format("custom-columns=WHO:.metadata.name,LEVEL:.data.level,NO:.data.no")
    assert "".join(print_objects(form, [CONFIG_MAP], REGISTRY, single=False)) == (
        "WHO        LEVEL   NO\nsettings   debug   <none>\n"
    )


@pytest.mark.parametrize("text", ["jsn", "jsonpath", "custom-columns=", "custom-columns=A"])
def test_unknown_formats_are_refused(text: str) -> None:
    """With what there is instead."""
    with pytest.raises(UsageError):
        list(print_objects(parse_format(text), [CONFIG_MAP], REGISTRY, single=False))


def test_managed_fields_are_hidden() -> None:
    """Unless somebody asks for them; the object itself keeps them."""
    body = {"metadata": {"name": "a", "managedFields": [{"manager": "x"}]}}
    assert shown(body) == {"metadata": {"name": "a"}}
    assert shown(body, managed_fields=True) is body


def test_a_secret_is_described_without_what_it_says() -> None:
    """Sizes only."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "type": "Opaque",
        "data": {"key": "aHVudGVyMg=="},
    }
    text = description("secrets", Facts(body, NOW))
    assert "key:  7 bytes" in text
    assert "aHVudGVyMg" not in text
    assert "hunter2" not in text


def test_a_pod_is_described_with_its_process() -> None:
    """The process id of a running container stands with its state."""
    body = {
        "metadata": {
            "name": "web",
            "namespace": "default",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "controller": True}],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {
                    "name": "main",
                    "image": "nginx",
                    "command": ["nginx"],
                    "args": ["-g", "daemon off;"],
                    "env": [
                        {"name": "A", "value": "b"},
                        {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    ],
                    "livenessProbe": {"httpGet": {"path": "/health", "port": 80}, "initialDelaySeconds": 5},
                    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
                }
            ],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
        "status": {
            "phase": "Running",
            "hostIP": "10.0.0.1",
            "podIP": "10.1.0.1",
            "podIPs": [{"ip": "10.1.0.1"}],
            "qosClass": "BestEffort",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": "main",
                    "containerID": "process://x",
                    "state": {"running": {"startedAt": CREATED}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "Error", "signal": 9}},
                    "ready": True,
                    "restartCount": 1,
                }
            ],
        },
    }
    event = {
        "metadata": {"name": "e", "creationTimestamp": CREATED},
        "type": "Normal",
        "reason": "Started",
        "message": "Container started",
        "firstTimestamp": CREATED,
        "lastTimestamp": CREATED,
        "count": 3,
        "source": {"component": "kubelet"},
    }
    text = description("pods", Facts(body, NOW, events=[event], pids={"main": 4711}))
    for line in (
        "Node:             node-1/10.0.0.1",
        "Controlled By:  ReplicaSet/r",
        "    PID:           4711",
        "      daemon off;",
        "      Started:      Fri, 02 Jan 2026 03:04:05 +0000",
        "      Exit Code:    137",
        "    Restart Count:  1",
        "    Liveness:       http-get http://:80/health delay=5s timeout=1s period=10s #success=1 #failure=3",
        "      P:  <set to the key 'k' of secret 's'>  Optional: false",
        "      /data from data (ro)",
        "  Normal  Started  5m (x3 over 5m)  kubelet  Container started",
    ):
        assert f"{line}\n" in text
    assert "Type: EmptyDir (a temporary directory that shares a pod's lifetime)" in " ".join(text.split())


def test_any_kind_can_be_described() -> None:
    """Every field of an object without a text of its own is told, with readable names."""
    body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot", "namespace": "shop", "uid": "1"},
        "secrets": [{"name": "token"}],
        "automountServiceAccountToken": False,
        "imagePullSecrets": [],
    }
    text = description("serviceaccounts", Facts(body, NOW))
    assert "API Version:  v1\n" in text
    assert "Automount Service Account Token:  false\n" in text
    assert "Image Pull Secrets:               <none>\n" in text
    assert "Secrets:\n  Name:  token\n" in text
    assert text.endswith("Events:  <none>\n")
