"""`kubectl apply`, `get`, `describe` and `delete` of one object of every kind, and what describing tells of some."""

from __future__ import annotations

from typing import Final

import pytest

from kube_actors.api.registry import Registry, Resource
from tests.clients.conftest import Served, newest_kubectl
from tests.clients.kit import Program, eventually
from tests.clients.one_of_each import CLUSTER_WIDE, NAMESPACED, manifest, name_of

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: described}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""

ROWS: Final[list[Resource]] = [Registry.built_in().by_id(id_) for id_ in (*NAMESPACED, *CLUSTER_WIDE)]
SPACE: Final = "described"
ONE_ONLY: Final = frozenset(row.id for row in ROWS if name_of(row.id, "gone") != "gone")


@pytest.fixture(scope="module")
def every(served: Served) -> Program:
    """One object of every kind, called `each`, and kubectl at work in their namespace."""
    kubectl = served.program(newest_kubectl())
    kubectl("create", "namespace", SPACE)
    made = kubectl("apply", "-f", "-", stdin="---\n".join(manifest(row, "each", SPACE) for row in ROWS))
    assert len(made.lines) == len(ROWS)
    assert all(line.endswith(" created") for line in made.lines)
    return kubectl.within(SPACE)


def test_the_table_is_complete() -> None:
    """A kind that can be made and kept has a manifest here; events have one for their two versions."""
    kept = {each.id for each in Registry.built_in() if {"create", "get"} <= set(each.verbs)}
    assert kept - {row.id for row in ROWS} == {"events.events.k8s.io"}


def test_describe_every_kind(every: Program) -> None:
    """Each description begins with the name of its object, and all are there in the order asked for."""
    told = every("describe", "-f", "-", stdin="---\n".join(manifest(row, "each", SPACE) for row in ROWS)).lines
    names = [line.split()[1] for line in told if line.startswith("Name: ")]
    assert names == [name_of(row.id, "each") for row in ROWS]
    places = [line.split()[1] for line in told if line.startswith("Namespace: ") and line.split()[1:]]
    # Roles and their bindings do not say where they are.
    assert places == [SPACE] * (len(NAMESPACED) - 2)


def test_get_every_kind_at_once(every: Program) -> None:
    """A table for each kind, narrow and wide, and all their names."""
    wanted = [f"{row.id}/{name_of(row.id, 'each')}" for row in ROWS]
    for output in ("", "wide"):
        rows = every("get", *wanted, f"--output={output}").lines
        assert sum(line.startswith("NAME ") or line.startswith("LAST SEEN ") for line in rows) == len(ROWS)
    assert len(every("get", *wanted, "--output=name").lines) == len(ROWS)
    assert len(every("get", *wanted, "--output=json").json["items"]) == len(ROWS)


def test_applying_again_changes_little(every: Program) -> None:
    """Dry, and by the server: what was applied is what there is."""
    again = "---\n".join(
        manifest(row, "each", SPACE) for row in ROWS if row.id != "certificatesigningrequests.certificates.k8s.io"
    )
    told = every("apply", "--dry-run=server", "-f", "-", stdin=again).lines
    changed = {line.split()[0] for line in told if "unchanged" not in line}
    # Lists that are replaced as a whole are sent again when the server has completed them; so are selectors of budgets
    # and what is only ever written (stringData).
    assert changed <= {
        "endpoints/each",
        "endpointslice.discovery.k8s.io/each",
        "mutatingadmissionpolicy.admissionregistration.k8s.io/each",
        "networkpolicy.networking.k8s.io/each",
        "poddisruptionbudget.policy/each",
        "resourceclaim.resource.k8s.io/each",
        "resourceclaimtemplate.resource.k8s.io/each",
        "secret/each",
        "validatingadmissionpolicy.admissionregistration.k8s.io/each",
    }


def test_secrets_are_not_shown(every: Program) -> None:
    """Only how long they are."""
    told = every("describe", "secret", "each").stdout
    assert "password:  6 bytes" in told
    assert "hidden" not in told


def test_a_pod_and_its_node(every: Program) -> None:
    """Where it runs, its containers, conditions, limits by default and events; and what its node gives to it."""
    every("wait", "pod/each", "--for=condition=Ready", "--timeout=60s")
    told = eventually(lambda: _describes(every, "pod/each", "Container started"))
    for part in (
        "Node:             node-1/",
        "kubernetes.io/limit-ranger: LimitRanger plugin set: cpu request for container c; cpu limit for container c",
        "Status:           Running",
        "QoS Class:                   Burstable",
        "ContainersReady             True",
        "kube-api-access-",
        "Successfully assigned described/each to node-1",
    ):
        assert part in told
    node = every("describe", "node", "node-1").stdout
    assert "KubeletReady" in node
    assert next(line.split()[2] for line in node.split("\n") if line.split()[:2] == [SPACE, "each"]) == "100m"


def _describes(kubectl: Program, what: str, part: str) -> str:
    told = kubectl("describe", *what.split("/")).stdout
    return told if part in told else ""


def test_quota_limits_and_the_namespace(every: Program) -> None:
    """What is used and what is allowed."""
    eventually(lambda: "pods        1     20" in every("describe", "quota", "each").stdout)
    assert "Container   cpu       -    2    100m             500m" in every("describe", "limits", "each").stdout
    space = every("describe", "namespace", SPACE).stdout
    for part in ("Resource Quotas", "Resource Limits", "pods      1     20", "Status:       Active"):
        assert part in space


def test_a_service_and_its_endpoints(every: Program) -> None:
    """Addresses appear with the pods behind them."""
    every("run", "backend", "--image=host", "--labels=serves=each", "--", "sleep", "1000")
    told = eventually(lambda: text if ":80\n" in (text := every("describe", "service", "each").stdout) else "")
    assert "Selector:                 serves=each" in told
    assert "Type:                     ClusterIP" in told
    slices = every("describe", "endpointslices", "-l", "kubernetes.io/service-name=each").stdout
    assert "TargetRef:  Pod/backend" in slices
    every("delete", "pod", "backend", "--now")


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("deployment/each", ["StrategyType:           RollingUpdate", "0 desired | 0 updated", "NewReplicaSet:"]),
        ("hpa/each", ["Reference:", "Deployment/each", "<unknown> / 70%", "Max replicas:"]),
        ("ingress/each", ["certificate terminates a.example", "/shop   each:80", "Ingress Class:    each"]),
        ("pdb/each", ["Min available:  1", "Allowed disruptions:  0", "Selector:       app=each"]),
        ("serviceaccount/each", ["Image pull secrets:  pull"]),
        ("role/each", ["pods       []                 []              [get]"]),
        ("clusterrole/each", ["[/logs]"]),
        ("rolebinding/each", ["User  ann"]),
        (
            "csr/each",
            ["Common Name:    described", "Status:             Pending", "Requesting User:    kubernetes-admin"],
        ),
        ("lease/each", ["Holder Identity:         somebody"]),
        ("networkpolicy/each", ["CIDR: 192.0.2.0/24", "To Port: 80/TCP"]),
        ("storageclass/each", ["ReclaimPolicy:         Delete", "VolumeBindingMode:     Immediate"]),
        ("cronjob/each", ["Schedule:                      0 3 * * *"]),
        ("job/each", ["Pods Statuses:    0 Active"]),
        ("event/each", ["Reason:                Tested"]),
        ("configmap/each", ["colour:\n----\nblue"]),
        ("priorityclass/each", ["Value:             7", "PreemptionPolicy:  PreemptLowerPriority"]),
        ("podtemplate/each", ["Restart Policy:", "Image Pull Policy:"]),
    ],
)
def test_what_is_told(every: Program, what: str, parts: list[str]) -> None:
    """The parts of a description that a person looks for."""
    told = every("describe", *what.split("/")).stdout
    for part in parts:
        assert part in told


def test_describe_many(every: Program) -> None:
    """By a prefix of the name, by a selector, from a file; nothing there is no success."""
    assert every("describe", "configmap", "eac").stdout.startswith("Name:         each\n")
    told = every(
        "describe", "-f", "-", stdin=manifest(next(row for row in ROWS if row.id == "pods"), "each", SPACE)
    ).stdout
    assert told.startswith("Name:             each\n")
    assert "No resources found" in every("describe", "pods", "-l", "app=nope").stderr
    assert every("describe", "pod", "nope", code=1).stderr == 'Error from server (NotFound): pods "nope" not found\n'


def test_delete_every_kind(every: Program) -> None:
    """Everything can be made and taken away again."""
    wanted = "---\n".join(manifest(row, "gone", SPACE) for row in ROWS if row.id not in ONE_ONLY)
    every("create", "-f", "-", stdin=wanted)
    gone = every("delete", "-f", "-", "--wait=false", stdin=wanted).lines
    assert len(gone) == len(ROWS) - len(ONE_ONLY)
    eventually(lambda: not every("get", "-f", "-", "--ignore-not-found", "-o", "name", stdin=wanted).lines)
