"""`kubectl get` in its awkward forms, watching, selectors, pages, `explain` and `api-resources`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from tests.clients.conftest import Served, newest_kubectl
from tests.clients.kit import Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: read}
spec:
  nodes: [{name: node-1, runtime: simulated}, {name: node-2, runtime: simulated}]
"""

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, labels: {app: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, tier: front}}
    spec: {containers: [{name: main, image: "a:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop, labels: {app: shop}}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, labels: {app: lone, weight: "7"}}
spec: {nodeName: node-1, containers: [{name: main, image: "a:1"}]}
"""
SPACE = "shop"


@pytest.fixture(scope="module")
def shop(served: Served) -> Program:
    """A namespace with a deployment of two pods, its service, and a pod by itself; all ready."""
    kubectl = served.program(newest_kubectl())
    kubectl("create", "namespace", SPACE)
    kubectl.within(SPACE)("apply", "-f", "-", stdin=SHOP)
    kubectl.within(SPACE)("wait", "--for=condition=Ready", "pod/lone", "--timeout=60s")
    kubectl.within(SPACE)("rollout", "status", "deployment/shop", "--timeout=60s")
    return kubectl.within(SPACE)


def names(kubectl: Program, *arguments: str) -> list[str]:
    """The names that `get` finds, without the generated ends of pods."""
    lines = kubectl("get", *arguments, "-o", "name").lines
    return sorted("-".join(line.partition("/")[2].split("-")[:1]) for line in lines)


def test_formats(shop: Program) -> None:
    """Templates, paths, columns, from files too."""
    get = ("get", "deployment", "shop", "-o")
    assert shop(*get, "go-template={{.metadata.name}} {{.spec.replicas}}").stdout == "shop 2"
    assert shop(*get, "jsonpath={.spec.template.spec.containers[0].image}").stdout == "a:1"
    assert shop("get", "pods", "-o", "jsonpath-as-json={.items[*].spec.containers[*].image}").json == ["a:1"] * 3
    (shop.directory / "template").write_text("{{range .items}}<{{.metadata.name}}>{{end}}")
    assert shop("get", "services", "-o", "go-template-file=template").stdout == "<shop>"
    (shop.directory / "columns").write_text("NAME          PORT\nmetadata.name spec.ports[0].port\n")
    assert shop("get", "services", "-o", "custom-columns-file=columns").rows == [["NAME", "PORT"], ["shop", "80"]]
    assert shop("get", "svc", "-o", "custom-columns=A:.spec.nothing,B:.metadata.labels.app", "--no-headers").rows == [
        ["<none>", "shop"]
    ]
    assert 'name: "shop",' in shop("get", "service", "shop", "-o", "kyaml").stdout
    assert "managedFields" not in shop(*get, "yaml").stdout
    assert "managedFields" in shop(*get, "yaml", "--show-managed-fields").stdout


def test_tables(shop: Program) -> None:
    """Labels as columns, kinds before names, sorted by a field, wide, without headers."""
    rows = shop("get", "pods", "-L", "app,weight", "--sort-by=.metadata.name").rows
    assert rows[0][-2:] == ["APP", "WEIGHT"]
    assert [row[0].split("-")[0] for row in rows[1:]] == ["lone", "shop", "shop"]
    assert rows[1][-2:] == ["lone", "7"]
    assert "app=shop" in shop("get", "services", "--show-labels").lines[1]
    assert shop("get", "pods", "--show-kind", "--no-headers").lines[0].startswith("pod/lone ")
    wide = shop("get", "pod", "lone", "-o", "wide").rows
    assert wide[0] == [
        "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE", "READINESS GATES",
    ]  # fmt: skip
    assert wide[1][1:3] == ["1/1", "Running"]
    assert wide[1][6] == "node-1"
    by_time = shop("get", "pods", "--sort-by=.spec.nodeName", "-o", "jsonpath={.items[0].spec.nodeName}").stdout
    assert by_time == "node-1"


def test_several_kinds(shop: Program) -> None:
    """A table each; `all` is what a person means by it; a mixture of kinds and names."""
    told = shop("get", "all").stdout
    for head in ("NAME                        READY", "service/shop", "deployment.apps/shop", "replicaset.apps/shop-"):
        assert head.split("/")[0] in told
    both = shop("get", "deployments,services", "-l", "app=shop").lines
    assert [line.split()[0] for line in both if "/" in line.split(" ")[0]] == ["deployment.apps/shop", "service/shop"]
    mixed = shop("get", "deployment/shop", "service/shop", "-o", "name").lines
    assert mixed == ["deployment.apps/shop", "service/shop"]
    part = shop("get", "pod", "lone", "nope", code=1)
    assert part.rows[1][0] == "lone"
    assert part.stderr == 'Error from server (NotFound): pods "nope" not found\n'
    assert shop("get", "pod", "nope", "--ignore-not-found").stdout == ""
    assert shop("get", "nopes", code=1).stderr == 'error: the server doesn\'t have a resource type "nopes"\n'
    found = shop("get", "-f", "-", "-o", "name", stdin=SHOP).lines
    assert found == ["deployment.apps/shop", "service/shop", "pod/lone"]
    assert shop("get", "deployments.v1.apps", "shop", "-o", "name").stdout == "deployment.apps/shop\n"
    everywhere = shop("get", "services", "--all-namespaces").rows
    assert everywhere[0][:2] == ["NAMESPACE", "NAME"]
    assert [SPACE, "shop"] in [row[:2] for row in everywhere]
    assert ["default", "kubernetes"] in [row[:2] for row in everywhere]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=shop", ["shop", "shop"]),
        ("app==lone", ["lone"]),
        ("app!=shop", ["lone"]),
        ("app in (shop, lone)", ["lone", "shop", "shop"]),
        ("app notin (shop)", ["lone"]),
        ("tier", ["shop", "shop"]),
        ("!tier", ["lone"]),
        ("weight>6,weight<8", ["lone"]),
        ("weight>7", []),
        ("app=shop,tier=back", []),
        ("", ["lone", "shop", "shop"]),
    ],
)
def test_label_selectors(shop: Program, selector: str, found: list[str]) -> None:
    """Every form of it."""
    assert names(shop, "pods", "-l", selector) == found


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("metadata.name=lone", ["lone"]),
        ("metadata.name!=lone", ["shop", "shop"]),
        ("status.phase=Running,spec.nodeName=node-1,spec.restartPolicy=Always,metadata.name=lone", ["lone"]),
        ("status.phase!=Running", []),
        ("spec.schedulerName=default-scheduler", ["lone", "shop", "shop"]),
    ],
)
def test_field_selectors(shop: Program, selector: str, found: list[str]) -> None:
    """Those that pods have."""
    assert names(shop, "pods", "--field-selector", selector) == found


def test_selectors_that_are_wrong(shop: Program) -> None:
    """Are refused with a word on why."""
    assert "found '=', expected: ',' or 'end of string'" in shop("get", "pods", "-l", "a=b=c", code=1).stderr
    refused = shop("get", "pods", "--field-selector", "spec.nope=1", code=1).stderr
    assert "field label not supported: spec.nope" in refused
    refused = shop("get", "cm", "--field-selector", "data.a=1", code=1).stderr
    assert '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"' in refused


def test_pages(each_kubectl: Program) -> None:
    """Seven objects in pages of two are one list, in every format; each page tells how many are left."""
    kubectl = each_kubectl
    seven = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"n{n}"}} for n in range(7)]
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": seven}))
    paged = ("get", "configmaps", "--chunk-size=2", "--field-selector=metadata.name!=kube-root-ca.crt")
    wanted = [f"n{n}" for n in range(7)]
    assert [row[0] for row in kubectl(*paged).rows] == ["NAME", *wanted]
    assert [each["metadata"]["name"] for each in kubectl(*paged, "-o", "json").json["items"]] == wanted
    assert kubectl(*paged, "-o", "name").lines == [f"configmap/{name}" for name in wanted]
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps?limit=3"
    page = json.loads(kubectl("get", "--raw", path).stdout)["metadata"]
    assert page["remainingItemCount"] == 5
    rest = json.loads(kubectl("get", "--raw", f"{path}&continue={page['continue']}").stdout)
    assert len(rest["items"]) == 3


def test_raw_and_subresources(shop: Program) -> None:
    """Any path as the server answers; the scale and the status by themselves."""
    raw = shop("get", "--raw", f"/apis/apps/v1/namespaces/{SPACE}/deployments/shop/scale").json
    assert (raw["kind"], raw["spec"], raw["status"]["selector"]) == ("Scale", {"replicas": 2}, "app=shop")
    assert "NotFound" in shop("get", "--raw", "/apis/nope/v1", code=1).stderr
    scale = shop("get", "deployment", "shop", "--subresource=scale").rows
    assert scale[0] == ["NAME", "DESIRED", "AVAILABLE", "AGE"]
    assert scale[1][:3] == ["shop", "2", "2"]
    status = shop("get", "deployment", "shop", "--subresource=status", "-o", "json").json
    assert status["status"]["readyReplicas"] == 2


@contextmanager
def watching(kubectl: Program, *arguments: str) -> Iterator[Callable[[], list[str]]]:
    """`kubectl get` in the background; the lines it has printed so far."""
    process = kubectl.start("get", *arguments)
    lines: list[str] = []

    def read(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))

    reader = Thread(target=read, args=(process,))
    reader.start()
    try:
        yield lambda: list(lines)
    finally:
        process.terminate()
        reader.join()  # before its file is closed
        process.communicate()


def test_watch(each_kubectl: Program) -> None:
    """First what there is, then what happens, a line each."""
    kubectl = each_kubectl
    kubectl("create", "configmap", "before", "--from-literal=a=1")
    with watching(kubectl, "configmaps", "-w", "--output-watch-events", "-l", "!nothing") as lines:
        eventually(lambda: any("before" in line for line in lines()))
        kubectl("create", "configmap", "new")
        kubectl("patch", "configmap", "new", "-p", '{"data": {"a": "1", "b": "2"}}')
        kubectl("delete", "configmap", "new")
        eventually(lambda: any(line.startswith("DELETED") for line in lines()))
        told = [line.split()[:3] for line in lines() if line.split()[1] == "new"]
    assert told == [["ADDED", "new", "0"], ["MODIFIED", "new", "2"], ["DELETED", "new", "2"]]
    assert lines()[0].split() == ["EVENT", "NAME", "DATA", "AGE"]


def test_watch_only(kubectl: Program) -> None:
    """Nothing of what there is; JSON objects; one object by its name."""
    kubectl("create", "configmap", "before")
    with watching(kubectl, "configmaps", "--watch-only", "-o", "jsonpath={.metadata.name}{'\\n'}") as lines:
        eventually(lambda: kubectl("create", "configmap", "x", code=None) and kubectl("delete", "cm", "x") and lines())
    assert set(lines()) == {"x"}
    with watching(kubectl, "configmap", "before", "-w", "-o", "name") as lines:
        eventually(lines)
        kubectl("label", "configmap", "before", "a=b")
        eventually(lambda: len(lines()) == 2)
    assert lines() == ["configmap/before"] * 2


def test_watch_pods_of_all_namespaces(kubectl: Program) -> None:
    """The life of a pod is seen from everywhere."""
    kubectl("run", "there", "--image=a:1")
    with watching(kubectl.within(""), "pods", "-A", "-w", "--no-headers") as lines:
        eventually(lines)
        kubectl("run", "seen", "--image=a:1")
        eventually(lambda: any(line.split()[:4] == [kubectl.namespace, "seen", "1/1", "Running"] for line in lines()))
        kubectl("delete", "pod", "seen", "--now")
        eventually(lambda: any(line.split()[1] == "seen" and line.split()[3] != "Running" for line in lines()))
    assert next(line.split()[3] for line in lines() if line.split()[1] == "seen") == "Pending"


def test_events(shop: Program) -> None:
    """Of everything, of one object, of one type, as `get` shows them."""
    told = eventually(lambda: shop("events", "--for", "deployment/shop").lines[1:])
    assert "Scaled up replica set" in told[0]
    assert eventually(
        lambda: shop("get", "events", "--field-selector=reason=Started,involvedObject.name=lone").lines[1:]
    )
    assert f"No events found in {SPACE} namespace." in shop("events", "--types=Warning").stderr
    sorted_ = shop("get", "events", "--sort-by=.lastTimestamp", "-o", "jsonpath={.items[*].lastTimestamp}").stdout
    assert sorted_.split() == sorted(sorted_.split())


def test_explain(each_kubectl: Program) -> None:
    """Fields with types, trees of them, other versions, old documents."""
    explain = ("explain",)
    kubectl = each_kubectl
    pod = kubectl(*explain, "pods.spec.containers.resources").stdout
    assert pod.startswith("KIND:       Pod\nVERSION:    v1\n\nFIELD: resources <ResourceRequirements>\n")
    tree = kubectl(*explain, "cronjob.spec", "--recursive").stdout
    assert "concurrencyPolicy\t<string>" in tree
    assert kubectl(*explain, "hpa", "--api-version=autoscaling/v1").stdout.startswith("GROUP:      autoscaling\n")
    assert "FIELDS" in kubectl(*explain, "configmap", "--output=plaintext-openapiv2").stdout
    assert 'field "nope" does not exist' in kubectl(*explain, "pods.nope", code=1).stderr
    assert 'the server doesn\'t have a resource type "nopes"' in kubectl(*explain, "nopes", code=1).stderr


def test_api_resources(each_kubectl: Program) -> None:
    """By group, scope, verb and category, sorted."""
    listed = ("api-resources", "-o", "name")
    assert each_kubectl(*listed, "--api-group=batch").lines == ["cronjobs.batch", "jobs.batch"]
    assert "nodes" in each_kubectl(*listed, "--namespaced=false").lines
    assert "pods" not in each_kubectl(*listed, "--namespaced=false").lines
    assert set(each_kubectl(*listed, "--verbs=create", "--namespaced=true", "--api-group=").lines) >= {
        "bindings",
        "pods",
    }
    assert set(each_kubectl(*listed, "--categories=all").lines) == {
        "cronjobs.batch",
        "daemonsets.apps",
        "deployments.apps",
        "horizontalpodautoscalers.autoscaling",
        "jobs.batch",
        "pods",
        "replicasets.apps",
        "replicationcontrollers",
        "services",
        "statefulsets.apps",
    }
    rows = each_kubectl("api-resources", "--sort-by=kind", "--no-headers", "--api-group=policy").lines
    assert [row.split() for row in rows] == [
        ["poddisruptionbudgets", "pdb", "policy/v1", "true", "PodDisruptionBudget"]
    ]
    assert "apps/v1" in each_kubectl("api-versions").lines
    assert each_kubectl("api-resources", "--api-group=nope", "--no-headers").stdout == ""
