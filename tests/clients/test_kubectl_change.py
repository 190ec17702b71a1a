"""`kubectl edit`, `replace`, `patch`, `label`, `annotate`, `set`, `scale`, `autoscale` and `expose`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.kit import Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: changed}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""


def body_of(kubectl: Program, *what: str) -> Any:
    """An object as it is."""
    return kubectl("get", *what, "-o", "json").json


def web(kubectl: Program, replicas: int = 1) -> None:
    """A deployment `web` whose container is called `main`."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(body))


def containers(kubectl: Program) -> Any:
    """The containers of `web`, by name."""
    spec = body_of(kubectl, "deployment", "web")["spec"]["template"]["spec"]
    return {each["name"]: each for each in spec["containers"]}


# -- edit


def test_edit(each_kubectl: Program) -> None:
    """What the editor changes is changed; no change is none; several objects at once; the status by itself."""
    kubectl = each_kubectl
    web(kubectl)
    told = kubectl("edit", "deployment", "web", KUBE_EDITOR="sed -i 's/replicas: 1/replicas: 2/'").stdout
    assert told == "deployment.apps/web edited\n"
    assert body_of(kubectl, "deployment", "web")["spec"]["replicas"] == 2
    assert "no changes made" in kubectl("edit", "deployment", "web", KUBE_EDITOR="true").stderr
    kubectl("create", "configmap", "a", "--from-literal=colour=blue")
    kubectl("create", "configmap", "b", "--from-literal=colour=blue")
    told = kubectl("edit", "cm", "a", "b", KUBE_EDITOR="sed -i s/blue/red/").stdout
    assert told == "configmap/a edited\nconfigmap/b edited\n"
    kubectl("create", "pdb", "budget", "--selector=app=nothing", "--min-available=1")
    eventually(lambda: "status" in body_of(kubectl, "pdb", "budget"))
    kubectl("edit", "cm", "a", "--output-patch", KUBE_EDITOR="sed -i s/red/green/")
    assert body_of(kubectl, "cm", "a")["data"] == {"colour": "green"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("s/replicas: 1/replicas: -1/", 'deployments.apps "web" is invalid'),
        ("s/replicas: 1/replicas: many/", 'deployments.apps "web" is invalid'),
        ("s/^spec:/spec:\\n  size: 3/", 'deployments.apps "web" is invalid'),
        ("s/  name: web/  name: other/", "At least one of apiVersion, kind and name was changed"),
    ],
)
def test_an_invalid_edit(kubectl: Program, change: str, told: str) -> None:
    """Nothing changes, and the text is not lost."""
    web(kubectl)
    place = str(kubectl.directory)  # where the text is kept
    refused = kubectl("edit", "deployment", "web", code=1, KUBE_EDITOR=f"sed -i '{change}'", TMPDIR=place).stderr
    assert told in refused
    assert "A copy of your changes has been stored to" in refused
    assert body_of(kubectl, "deployment", "web")["spec"]["replicas"] == 1


# -- replace


def config_map(**more: Any) -> str:
    """A config map `settings`; `more` goes into its metadata."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", **more}, "data": {"only": "this"}}
    return json.dumps(body)


def test_replace(each_kubectl: Program) -> None:
    """The whole object; only where there is one, and if it is still the one that was read."""
    kubectl = each_kubectl
    missing = kubectl("replace", "-f", "-", stdin=config_map(), code=1).stderr
    assert missing == ('Error from server (NotFound): error when replacing "STDIN": configmaps "settings" not found\n')
    kubectl("create", "configmap", "settings", "--from-literal=a=1")
    uid = body_of(kubectl, "cm", "settings")["metadata"]["uid"]
    assert kubectl("replace", "-f", "-", stdin=config_map()).stdout == "configmap/settings replaced\n"
    after = body_of(kubectl, "cm", "settings")
    assert (after["data"], after["metadata"]["uid"]) == ({"only": "this"}, uid)
    stale = kubectl("replace", "-f", "-", stdin=config_map(resourceVersion="1"), code=1).stderr
    assert "(Conflict)" in stale
    assert "the object has been modified; please apply your changes to the latest version and try again" in stale
    kubectl("replace", "--force", "-f", "-", stdin=config_map(labels={"new": "yes"}))
    assert body_of(kubectl, "cm", "settings")["metadata"]["uid"] != uid


def test_replace_what_may_not_change(kubectl: Program) -> None:
    """The status only by itself; a pod's restart policy never; the image of its container."""
    web(kubectl)
    eventually(lambda: body_of(kubectl, "deployment", "web")["status"].get("observedGeneration") == 1)
    kubectl("run", "one", "--image=a:1")
    pod = body_of(kubectl, "pod", "one")
    pod["spec"]["containers"][0]["image"] = "a:2"
    pod["metadata"].pop("resourceVersion")
    kubectl("replace", "-f", "-", stdin=json.dumps(pod))
    pod["spec"]["restartPolicy"] = "Never"
    refused = kubectl("replace", "-f", "-", stdin=json.dumps(pod), code=1).stderr
    assert "pod updates may not change fields other than `spec.containers[*].image`" in refused


# -- patch


def test_patches(each_kubectl: Program) -> None:
    """Strategic, merge and JSON patches; without effect they say so."""
    kubectl = each_kubectl
    web(kubectl)
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}}
    patch = ("patch", "deployment", "web")
    assert kubectl(*patch, "-p", json.dumps(side)).stdout == "deployment.apps/web patched\n"
    assert kubectl(*patch, "-p", json.dumps(side)).stdout == "deployment.apps/web patched (no change)\n"
    assert set(containers(kubectl)) == {"main", "side"}
    gone = {"spec": {"template": {"spec": {"containers": [{"name": "main", "$patch": "delete"}]}}}}
    kubectl(*patch, "-p", json.dumps(gone))
    assert set(containers(kubectl)) == {"side"}
    kubectl(*patch, "--type=merge", "-p", '{"metadata": {"labels": {"a": "b", "c": null}}, "spec": {"replicas": 2}}')
    operations = [
        {"op": "test", "path": "/metadata/labels/a", "value": "b"},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "copy", "from": "/metadata/labels/a", "path": "/metadata/labels/x~1y"},
    ]
    told = kubectl(*patch, "--type=json", "-p", json.dumps(operations), "-o", "json").json
    assert (told["spec"]["replicas"], told["metadata"]["labels"]) == (3, {"a": "b", "x/y": "b"})


def test_patches_of_subresources(kubectl: Program) -> None:
    """The scale and the status."""
    web(kubectl)
    told = kubectl("patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":4}}')
    assert told.stdout == "scale.autoscaling/web patched\n"
    assert body_of(kubectl, "deployment", "web")["spec"]["replicas"] == 4
    kubectl("create", "quota", "space", "--hard=pods=9")
    status = '{"spec": {"hard": {"pods": "1"}}, "status": {"used": {"example.com/own": "3"}}}'
    kubectl("patch", "quota", "space", "--subresource=status", "--type=merge", "-p", status)
    assert body_of(kubectl, "quota", "space")["spec"]["hard"] == {"pods": "9"}


@pytest.mark.parametrize(
    ("kind", "patch", "told"),
    [
        ("json", '[{"op": "remove", "path": "/data/nope"}]', "remove operation does not apply"),
        ("json", '[{"op": "test", "path": "/data/a", "value": "2"}]', "test operation does not apply"),
        ("json", '{"op": "remove"}', "error decoding patch"),
        (
            "merge",
            '{"data": {"a": 1}}',
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "strategic",
            '{"metadata": {"name": "other"}}',
            "the name of the object (other) does not match the name on the URL",
        ),
        ("merge", '{"metadata": {"uid": "1"}}', 'metadata.uid: Invalid value: "1": field is immutable'),
        ("merge", '{"metadata": {"resourceVersion": "1"}}', "the object has been modified"),
    ],
)
def test_patches_that_do_not_apply(kubectl: Program, kind: str, patch: str, told: str) -> None:
    """Are refused, and change nothing."""
    kubectl("create", "configmap", "settings", "--from-literal=a=1")
    assert told in kubectl("patch", "cm", "settings", f"--type={kind}", "-p", patch, code=1).stderr
    assert body_of(kubectl, "cm", "settings")["data"] == {"a": "1"}


# -- label and annotate


def test_label(each_kubectl: Program) -> None:
    """Given, kept, changed on demand, taken away, listed; by name, selector and all at once."""
    kubectl = each_kubectl
    for name in ("a", "b"):
        kubectl("create", "configmap", name)
    assert kubectl("label", "cm", "a", "x=1", "y=2").stdout == "configmap/a labeled\n"
    assert kubectl("label", "cm", "a", "x=1").stdout == "configmap/a not labeled\n"
    assert "'x' already has a value (1), and --overwrite is false" in kubectl("label", "cm", "a", "x=2", code=1).stderr
    assert kubectl("label", "cm", "a", "x=2", "--overwrite").stdout == "configmap/a labeled\n"
    assert sorted(kubectl("label", "cm", "a", "--list").lines) == ["x=2", "y=2"]
    kubectl("label", "cm", "-l", "y=2", "z=3")
    kubectl("label", "cm", "--all", "every=one")
    kubectl("label", "cm", "--field-selector=metadata.name=b", "only=b")
    told = kubectl("label", "cm", "a", "y-", "nope-")
    assert told.stdout == 'label "nope" not found.\nconfigmap/a unlabeled\n'
    labels = {each["metadata"]["name"]: each["metadata"]["labels"] for each in body_of(kubectl, "cm")["items"]}
    assert labels["a"] == {"x": "2", "z": "3", "every": "one"}
    assert labels["b"] == {"every": "one", "only": "b"}
    stale = kubectl("label", "cm", "a", "q=1", "--resource-version=1", code=1).stderr
    assert "(Conflict)" in stale
    assert "name part must consist of alphanumeric" in kubectl("label", "cm", "a", "bad key=1", code=1).stderr


def test_annotate(each_kubectl: Program) -> None:
    """As labels, but of any text."""
    kubectl = each_kubectl
    kubectl("create", "configmap", "a")
    assert kubectl("annotate", "cm", "a", "note=some text, with = signs").stdout == "configmap/a annotated\n"
    kept = kubectl("annotate", "cm", "a", "note=other", code=1).stderr
    assert "--overwrite is false but found the following declared annotation(s): 'note' already has a value" in kept
    kubectl("annotate", "cm", "a", "note=other", "--overwrite")
    assert kubectl("annotate", "cm", "a", "--list").stdout == "note=other\n"
    kubectl("annotate", "cm", "a", "note-")
    assert "annotations" not in body_of(kubectl, "cm", "a")["metadata"]
    dry = kubectl("annotate", "cm", "a", "b=c", "--dry-run=server", "-o", "json").json
    assert dry["metadata"]["annotations"] == {"b": "c"}
    assert "annotations" not in body_of(kubectl, "cm", "a")["metadata"]


# -- set


def test_set_of_pod_templates(each_kubectl: Program) -> None:
    """Images, environment, resources, the account: each a new generation of the template."""
    kubectl = each_kubectl
    web(kubectl)
    kubectl("create", "configmap", "settings", "--from-literal=colour=blue")
    assert kubectl("set", "image", "deployment/web", "main=a:2").stdout == "deployment.apps/web image updated\n"
    assert 'unable to find container named "nope"' in kubectl("set", "image", "deploy/web", "nope=a:2", code=1).stderr
    assert kubectl("set", "env", "deployment/web", "A=1", "B=2").stdout == "deployment.apps/web env updated\n"
    kubectl("set", "env", "deployment/web", "B-", "--from=configmap/settings", "--prefix=P_")
    listed = kubectl("set", "env", "deployment/web", "--list", "--resolve").lines
    assert listed[1:] == ["A=1", "P_COLOUR=blue"]
    kubectl("set", "resources", "deployment", "web", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=100m")
    kubectl("set", "serviceaccount", "deployment", "web", "robot")
    main = containers(kubectl)["main"]
    assert (main["image"], main["resources"]["requests"]) == ("a:2", {"cpu": "100m"})
    assert body_of(kubectl, "deployment", "web")["spec"]["template"]["spec"]["serviceAccountName"] == "robot"
    refused = kubectl("set", "resources", "deployment", "web", "--requests=cpu=1", code=1).stderr
    assert "must be less than or equal to cpu limit of 200m" in refused
    assert body_of(kubectl, "deployment", "web")["metadata"]["generation"] == 6


def test_set_of_others(kubectl: Program) -> None:
    """The selector of a service, the subjects of a binding."""
    kubectl("create", "service", "clusterip", "inner", "--tcp=80")
    kubectl("set", "selector", "service", "inner", "app=web,tier=front")
    assert body_of(kubectl, "service", "inner")["spec"]["selector"] == {"app": "web", "tier": "front"}
    kubectl("create", "rolebinding", "viewers", "--clusterrole=view", "--user=ann")
    kubectl("set", "subject", "rolebinding", "viewers", "--user=bob", "--group=ops")
    subjects = body_of(kubectl, "rolebinding", "viewers")["subjects"]
    assert [(each["kind"], each["name"]) for each in subjects] == [("User", "ann"), ("User", "bob"), ("Group", "ops")]


# -- scale, autoscale, expose


def test_scale(each_kubectl: Program) -> None:
    """If it is as many as thought, several at once, from a file; what cannot be scaled says so."""
    kubectl = each_kubectl
    web(kubectl)
    assert kubectl("scale", "deployment", "web", "--replicas=3").stdout == "deployment.apps/web scaled\n"
    wrong = kubectl("scale", "deployment", "web", "--replicas=1", "--current-replicas=2", code=1).stderr
    assert wrong == "error: Expected replicas to be 2, was 3\n"
    kubectl("scale", "deployment", "web", "--replicas=2", "--current-replicas=3")
    eventually(lambda: body_of(kubectl, "deployment", "web")["status"].get("readyReplicas") == 2)
    assert kubectl("get", "deployment", "web").rows[1][1] == "2/2"
    several = [
        {"kind": kind, "apiVersion": "apps/v1", "metadata": {"name": kind.lower()}, "spec": _workload(kind)}
        for kind in ("ReplicaSet", "StatefulSet")
    ]
    old = {"kind": "ReplicationController", "apiVersion": "v1", "metadata": {"name": "old"}}
    selector = {"app": "old"}
    template = {"metadata": {"labels": selector}, "spec": _workload("x")["template"]["spec"]}
    old["spec"] = {"replicas": 0, "selector": selector, "template": template}
    kubectl("create", "-f", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": [*several, old]}))
    told = kubectl("scale", "rs/replicaset", "sts/statefulset", "rc/old", "--replicas=1").lines
    assert told == [
        "replicaset.apps/replicaset scaled",
        "statefulset.apps/statefulset scaled",
        "replicationcontroller/old scaled",
    ]
    kubectl("create", "configmap", "fixed")
    assert "could not find the requested resource" in kubectl("scale", "cm", "fixed", "--replicas=1", code=1).stderr
    assert 'deployments.apps "nope" not found' in kubectl("scale", "deploy", "nope", "--replicas=1", code=1).stderr


def _workload(kind: str) -> dict[str, Any]:
    labels = {"app": kind.lower()}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {**spec, "serviceName": "x"} if kind == "StatefulSet" else spec


def test_autoscale(each_kubectl: Program) -> None:
    """An autoscaler for what can be scaled."""
    kubectl = each_kubectl
    web(kubectl)
    told = kubectl("autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu-percent=80").stdout
    assert told == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    row = kubectl("get", "hpa").rows[1]
    assert row[:5] == ["web", "Deployment/web", "cpu: <unknown>/80%", "2", "5"]
    old = kubectl("get", "horizontalpodautoscalers.v1.autoscaling", "web", "-o", "json").json
    assert (old["apiVersion"], old["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 80)
    kubectl("autoscale", "deployment", "web", "--name=wrong", "--min=5", "--max=2", code=1)


def test_expose(each_kubectl: Program) -> None:
    """Deployments, replica sets, pods and services, by what they have."""
    kubectl = each_kubectl
    web(kubectl)
    assert kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080").stdout == "service/web exposed\n"
    spec = body_of(kubectl, "service", "web")["spec"]
    assert (spec["selector"], spec["ports"]) == (
        {"app": "web"},
        [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
    )
    kubectl("expose", "service", "web", "--name=again", "--port=443", "--type=NodePort")
    assert body_of(kubectl, "service", "again")["spec"]["type"] == "NodePort"
    name = eventually(lambda: kubectl("get", "rs", "-l", "app=web", "-o", "name").stdout).strip()
    kubectl("expose", name, "--name=of-set", "--port=80", "--protocol=UDP")
    assert "pod-template-hash" in body_of(kubectl, "service", "of-set")["spec"]["selector"]
    kubectl("run", "single", "--image=a:1", "--port=9000", "--labels=own=label")
    kubectl("expose", "pod", "single", "--name=single")
    single = body_of(kubectl, "service", "single")["spec"]
    assert (single["selector"], single["ports"][0]["port"]) == ({"own": "label"}, 9000)
    kubectl("wait", "pod/single", "--for=condition=Ready", "--timeout=60s")
    slices = ("get", "endpointslices", "-l", "kubernetes.io/service-name=single", "--no-headers")
    eventually(lambda: "9000" in kubectl(*slices).stdout)
    assert "already exists" in kubectl("expose", "deployment", "web", "--port=80", code=1).stderr
