"""`kubectl delete` in its forms, what is left behind, `kubectl wait`, and the end of namespaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.kit import Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: deleted}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""

HELD = "example.com/hold"


def config_map(name: str, *finalizers: str) -> str:
    """A config map, which these finalizers keep."""
    metadata = {"name": name, "finalizers": list(finalizers)}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def release(kubectl: Program, name: str) -> None:
    """Take the finalizers away."""
    kubectl("patch", "configmap", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')


def metadata_of(kubectl: Program, *what: str) -> Any:
    """The metadata of an object."""
    return kubectl("get", *what, "-o", "json").json["metadata"]


def left(kubectl: Program, kinds: str) -> list[str]:
    """The kinds of what there is."""
    return sorted({line.partition("/")[0] for line in kubectl("get", kinds, "-o", "name").lines})


def test_by_name_selector_file_and_all(each_kubectl: Program) -> None:
    """What is deleted is named; what is not there is an error unless it may be missing."""
    kubectl = each_kubectl
    for name in "abcdef":
        kubectl("create", "configmap", name)
    kubectl("label", "configmap", "a", "b", "x=y")
    assert len(kubectl("delete", "configmap", "-l", "x=y").lines) == 2
    missing = kubectl("delete", "configmap", "a", "c", code=1)
    assert missing.stdout.startswith('configmap "c" deleted')
    assert missing.stderr == 'Error from server (NotFound): configmaps "a" not found\n'
    assert kubectl("delete", "cm/d", "cm/a", "--ignore-not-found", "-o", "name").stdout == "configmap/d\n"
    assert kubectl("delete", "-f", "-", stdin=config_map("e")).stdout.startswith('configmap "e" deleted')
    assert "(NotFound)" in kubectl("delete", "-f", "-", stdin=config_map("e"), code=1).stderr
    assert kubectl("delete", "configmap", "-l", "x=y").stdout == "No resources found\n"
    assert "(server dry run)" in kubectl("delete", "configmap", "f", "--dry-run=server").stdout
    assert kubectl("get", "configmap", "f", "-o", "name").stdout == "configmap/f\n"
    kubectl("delete", "configmap", "--field-selector=metadata.name=f")
    kubectl("get", "configmap", "f", code=1)
    kubectl("delete", "configmaps", "--all")
    # The certificates of the cluster come back by themselves.
    eventually(lambda: kubectl("get", "cm", "-o", "name").lines == ["configmap/kube-root-ca.crt"])


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_cascades(kubectl: Program, cascade: str) -> None:
    """What belongs to a deployment goes with it, before it, or not at all."""
    kubectl("create", "deployment", "web", "--image=a:1", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    told = kubectl("delete", "deployment", "web", f"--cascade={cascade}", "--timeout=60s").stdout
    assert told.startswith('deployment.apps "web" deleted')
    if cascade == "orphan":
        assert left(kubectl, "deployments,replicasets,pods") == ["pod", "replicaset.apps"]
        kubectl("delete", "replicasets,pods", "--all", "--now")
    elif cascade == "foreground":
        assert left(kubectl, "deployments,replicasets,pods") == []
    else:
        eventually(lambda: not left(kubectl, "deployments,replicasets,pods"))


def test_orphans_are_adopted(kubectl: Program) -> None:
    """A new deployment takes over the pods that the old one left behind."""
    kubectl("create", "deployment", "web", "--image=a:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    before = kubectl("get", "pods", "-o", "name").stdout
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    kubectl("create", "deployment", "web", "--image=a:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert kubectl("get", "pods", "-o", "name").stdout == before


def test_foreground_waits_for_what_it_owns(kubectl: Program) -> None:
    """An owner stays, marked, until its blocking dependent is gone."""
    kubectl("create", "configmap", "owner")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "blockOwnerDeletion": True}
    owner["uid"] = metadata_of(kubectl, "cm", "owner")["uid"]
    body = json.loads(config_map("dependent", HELD))
    body["metadata"]["ownerReferences"] = [owner]
    kubectl("create", "-f", "-", stdin=json.dumps(body))
    kubectl("delete", "cm", "owner", "--cascade=foreground", "--wait=false")
    eventually(lambda: "deletionTimestamp" in metadata_of(kubectl, "cm", "dependent"))
    assert metadata_of(kubectl, "cm", "owner")["finalizers"] == ["foregroundDeletion"]
    release(kubectl, "dependent")
    kubectl("wait", "cm/owner", "--for=delete", "--timeout=60s")


def test_finalizers(each_kubectl: Program) -> None:
    """What is held is only marked; waiting for it takes as long as one waits; no new finalizers are taken."""
    kubectl = each_kubectl
    kubectl("create", "-f", "-", stdin=config_map("held", HELD))
    late = kubectl("delete", "cm", "held", "--timeout=1s", code=1).stderr
    assert "timed out waiting for the condition on configmaps/held" in late
    assert "deletionTimestamp" in metadata_of(kubectl, "cm", "held")
    more = '[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/more"}]'
    refused = kubectl("patch", "cm", "held", "--type=json", "-p", more, code=1).stderr
    assert "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted" in refused
    kubectl("label", "cm", "held", "still=there")
    release(kubectl, "held")
    kubectl("wait", "cm/held", "--for=delete", "--timeout=60s")


def test_pods_by_force(each_kubectl: Program) -> None:
    """At once, with a warning; or in order, quickly."""
    kubectl = each_kubectl
    for name in ("a", "b"):
        kubectl("run", name, "--image=a:1")
    kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    forced = kubectl("delete", "pod", "a", "--force", "--grace-period=0")
    assert "Warning: Immediate deletion does not wait for confirmation" in forced.stderr
    assert forced.stdout.startswith('pod "a" force deleted')
    assert kubectl("delete", "pod", "b", "--now").stdout.startswith('pod "b" deleted')
    assert kubectl("get", "pods").stderr == f"No resources found in {kubectl.namespace} namespace.\n"
    assert "--force" in kubectl("delete", "pod", "b", "--grace-period=5", "--force", code=1).stderr


def test_preconditions(kubectl: Program) -> None:
    """Only that very object."""
    kubectl("create", "configmap", "one")
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps/one"
    refused = kubectl("delete", "--raw", path, "-f", "-", stdin=json.dumps(options), code=1).stderr
    assert "the UID in the precondition (other) does not match the UID in record" in refused
    kubectl("delete", "--raw", path)
    kubectl("get", "cm", "one", code=1)


def test_wait_for_conditions(each_kubectl: Program) -> None:
    """Conditions of either value, paths with and without a value, creation, several objects."""
    kubectl = each_kubectl
    kubectl("create", "deployment", "web", "--image=a:1", "--replicas=2")
    told = kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s").stdout
    assert told == "deployment.apps/web condition met\n"
    assert len(kubectl("wait", "pod", "-l", "app=web", "--for=condition=Ready", "--timeout=60s").lines) == 2
    kubectl("wait", "pod", "--all", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=60s")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.observedGeneration}", "--timeout=60s")
    kubectl("scale", "deployment", "web", "--replicas=0")
    kubectl("wait", "pod", "-l", "app=web", "--for=delete", "--timeout=60s")
    late = kubectl("wait", "deployment/web", "--for=condition=Available=false", "--timeout=1s", code=1).stderr
    assert late.endswith("error: timed out waiting for the condition on deployments/web\n")
    missing = kubectl("wait", "deployment/nope", "--for=condition=Available", "--timeout=5s", code=1).stderr
    assert missing == 'Error from server (NotFound): deployments.apps "nope" not found\n'
    none = kubectl("wait", "pod", "-l", "app=nope", "--for=condition=Ready", "--timeout=5s", code=1).stderr
    assert none == "error: no matching resources found\n"
    kubectl("wait", "pod/nope", "--for=delete", "--timeout=5s")


def test_wait_for_what_comes(each_kubectl: Program) -> None:
    """Of what is not there yet."""
    waiting = each_kubectl.start("wait", "cm/late", "--for=create", "--timeout=60s")
    each_kubectl("create", "configmap", "late")
    told, errors = waiting.communicate(timeout=60)
    assert (told, waiting.returncode) == ("configmap/late condition met\n", 0), errors
    late = each_kubectl("wait", "cm/never", "--for=create", "--timeout=1s", code=1).stderr
    assert late.endswith("error: timed out waiting for the condition\n")


def test_the_end_of_a_namespace(kubectl: Program) -> None:
    """Pods go before the rest; what remains and why stands in the conditions; then it is gone."""
    name = f"{kubectl.namespace}-end"
    kubectl("create", "namespace", name)
    inside = kubectl.within(name)
    held = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "finalizers": [HELD]}}
    held["spec"] = {"containers": [{"name": "c", "image": "a:1"}]}
    inside("create", "-f", "-", stdin=json.dumps(held))
    inside("create", "configmap", "kept-a-while")
    kubectl("delete", "namespace", name, "--wait=false")
    assert kubectl("get", "namespace", name).rows[1][1] == "Terminating"
    eventually(lambda: "deletionTimestamp" in metadata_of(inside, "pod", "p"))
    conditions = eventually(lambda: _true_conditions(kubectl, name))
    assert conditions["NamespaceContentRemaining"] == "Some resources are remaining: pods. has 1 resource instances"
    assert conditions["NamespaceFinalizersRemaining"] == (
        f"Some content in the namespace has finalizers remaining: {HELD} in 1 resource instances"
    )
    assert inside("get", "configmap", "kept-a-while", "-o", "name").stdout == "configmap/kept-a-while\n"
    inside("patch", "pod", "p", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    kubectl("wait", f"namespace/{name}", "--for=delete", "--timeout=60s")
    assert inside("get", "configmaps").stdout == ""


def _true_conditions(kubectl: Program, namespace: str) -> dict[str, str]:
    status = kubectl("get", "namespace", namespace, "-o", "json").json["status"]
    found = {each["type"]: each["message"] for each in status.get("conditions", ()) if each["status"] == "True"}
    return found if len(found) == 2 else {}


def test_namespaces_that_stay(kubectl: Program) -> None:
    """Those of the system."""
    for name in ("default", "kube-system", "kube-public"):
        refused = kubectl.within("")("delete", "namespace", name, code=1).stderr
        assert refused == (
            f'Error from server (Forbidden): namespaces "{name}" is forbidden: this namespace may not be deleted\n'
        )
    nowhere = kubectl.within("nowhere")("create", "configmap", "a", code=1).stderr
    assert 'namespaces "nowhere" not found' in nowhere
