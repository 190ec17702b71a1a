"""What kubectl finds out about the server: its resources, versions, types, health, and the tables it prints."""

from __future__ import annotations

import json

from kube_actors.api.registry import Registry
from tests.clients.kit import Program

SHOWN = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: "img:1"}, {name: d, image: "img:2"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: front
  rules: [{host: a.example}, {host: b.example}, {host: c.example}, {host: d.example}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 30%, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
"""


def test_resources_and_versions(each_kubectl: Program) -> None:
    """Every resource with its short names, group, scope, kind, verbs and categories."""
    kubectl = each_kubectl
    listed = [line.split() for line in kubectl("api-resources", "--no-headers", "-o", "wide").lines]
    pods = next(row for row in listed if row[0] == "pods")
    assert pods == [
        "pods",
        "po",
        "v1",
        "true",
        "Pod",
        "create,delete,deletecollection,get,list,patch,update,watch",
        "all",
    ]
    preferred = {each.id for each in Registry.built_in()}
    assert set(kubectl("api-resources", "-o", "name").lines) == preferred
    assert set(kubectl("api-versions").lines) == {each.api_version for each in Registry.built_in()}
    namespaced = kubectl("api-resources", "--namespaced=false", "--api-group=rbac.authorization.k8s.io", "-o", "name")
    assert set(namespaced.lines) == {
        "clusterrolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
    }


def test_explain(each_kubectl: Program) -> None:
    """Types, required fields and allowed values of any depth, of every version that is served."""
    kubectl = each_kubectl
    told = kubectl("explain", "deployment.spec.template.spec.containers").stdout
    assert "FIELD: containers <[]Container>" in told
    assert "  name\t<string> -required-" in told
    assert "enum: Always, IfNotPresent, Never" in told
    everything = kubectl("explain", "pod.spec", "--recursive").stdout
    assert "    limits\t<map[string]Quantity>" in everything
    assert "VERSION:    v1" in kubectl("explain", "hpa.spec", "--api-version=autoscaling/v1").stdout
    kubectl("explain", "crd", "--recursive")
    assert 'field "nope" does not exist' in kubectl("explain", "pod.spec.nope", code=1).stderr
    assert "RESOURCE: spec <Object>" in kubectl("explain", "pod.spec", "--output=plaintext-openapiv2").stdout


def test_version_and_health(kubectl: Program) -> None:
    """`version`, `cluster-info` and the paths of health."""
    server = kubectl("version", "-o", "json").json["serverVersion"]
    assert (server["major"], server["minor"]) == ("1", "36")
    assert kubectl("get", "--raw", "/readyz").stdout == "ok"
    assert kubectl("get", "--raw", "/livez?verbose").stdout.endswith("livez check passed\n")
    assert kubectl("get", "--raw", "/readyz/etcd").stdout == "ok"
    assert "[+]poststarthook/rbac/bootstrap-roles ok\n" in kubectl("get", "--raw", "/healthz?verbose").stdout
    assert kubectl("get", "--raw", "/livez/poststarthook/rbac/bootstrap-roles").stdout == "ok"
    assert "/apis/apps/v1" in json.loads(kubectl("get", "--raw", "/").stdout)["paths"]


def test_fields_are_validated_by_the_server(each_kubectl: Program) -> None:
    """kubectl reads from the documents that the server checks fields, and lets it."""
    kubectl = each_kubectl
    wrong = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ncolour: blue\n"
    refused = kubectl("apply", "-f", "-", stdin=wrong, code=1).stderr
    assert 'strict decoding error: unknown field "colour"' in refused
    warned = kubectl("apply", "--validate=warn", "-f", "-", stdin=wrong).stderr
    assert 'Warning: unknown field "colour"' in warned


def test_tables_of_other_kinds(each_kubectl: Program) -> None:
    """Rows of kinds that are stored and not acted on look as they do anywhere."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=SHOWN)
    stateful = kubectl("get", "sts", "-o", "wide").rows
    assert stateful[0] == ["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"]
    assert stateful[1][:2] + stateful[1][3:] == ["db", "0/2", "c,d", "img:1,img:2"]
    assert kubectl("get", "cj").rows[1][:6] == ["nightly", "0 3 * * *", "Europe/Berlin", "False", "0", "<none>"]
    assert kubectl("get", "ing").rows[1][:3] == ["web", "front", "a.example,b.example,c.example + 1 more..."]
    assert kubectl("get", "pdb").rows[1][:4] == ["web", "N/A", "30%", "0"]
    assert kubectl("get", "pvc").rows[1][:4] == ["disk", "Pending", "fast", "<unset>"]
    several = kubectl("get", "sts,pdb", "--no-headers").lines
    assert any(line.startswith("statefulset.apps/db ") for line in several)
    assert any(line.startswith("poddisruptionbudget.policy/web ") for line in several)
    assert kubectl("get", "ns", "default", "--show-labels").rows[0][-1] == "LABELS"
