"""kubectl's ways to write: create, apply, diff, edit, replace, patch, label, annotate, set, scale, delete."""

from __future__ import annotations

from typing import Any

from tests.clients.kit import CLUSTER as USUAL
from tests.clients.kit import Program, eventually

CLUSTER = USUAL.replace("name: node-1", "name: node-1, runtime: simulated").replace(
    "name: node-2", "name: node-2, runtime: simulated"
)
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: "nginx:1"}
"""


def _web(kubectl: Program, *arguments: str) -> Any:
    return kubectl("get", "deployment", "web", "-o", "json", *arguments).json


def _managers(kubectl: Program) -> set[tuple[str, str]]:
    fields = _web(kubectl, "--show-managed-fields")["metadata"]["managedFields"]
    return {(each["manager"], each["operation"]) for each in fields}


def test_generators_of_create(each_kubectl: Program) -> None:
    """Typed objects go out as protobuf, and come back as what was asked for."""
    kubectl = each_kubectl
    for arguments, answer in (
        (("configmap", "c", "--from-literal=a=b"), "configmap/c created"),
        (("secret", "generic", "s", "--from-literal=a=b"), "secret/s created"),
        (("serviceaccount", "sa"), "serviceaccount/sa created"),
        (("deployment", "d", "--image=nginx", "--replicas=2"), "deployment.apps/d created"),
        (("service", "clusterip", "svc", "--tcp=80:8080"), "service/svc created"),
        (("role", "r", "--verb=get", "--resource=pods"), "role.rbac.authorization.k8s.io/r created"),
        (("rolebinding", "rb", "--role=r", "--user=bob"), "rolebinding.rbac.authorization.k8s.io/rb created"),
        (("quota", "q", "--hard=pods=20"), "resourcequota/q created"),
        (("poddisruptionbudget", "p", "--min-available=50%", "--selector=a=b"), "poddisruptionbudget.policy/p created"),
    ):
        assert kubectl("create", *arguments).stdout == f"{answer}\n"
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}").stdout == "Yg=="
    assert kubectl("get", "deployment", "d", "-o", "jsonpath={.spec.replicas}").stdout == "2"
    assert kubectl("get", "service", "svc", "-o", "jsonpath={.spec.ports[0].targetPort}").stdout == "8080"
    assert kubectl("get", "pdb", "p", "-o", "jsonpath={.spec.minAvailable}").stdout == "50%"
    again = kubectl("create", "configmap", "c", code=1).stderr
    assert again == 'error: failed to create configmap: configmaps "c" already exists\n'


def test_client_side_apply(each_kubectl: Program) -> None:
    """Created, unchanged, configured; a diff says what would change, a dry run changes nothing."""
    kubectl = each_kubectl
    changed = WEB.replace("replicas: 1", "replicas: 2")
    assert kubectl("apply", "-f", "-", stdin=WEB).stdout == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", stdin=WEB).stdout == "deployment.apps/web unchanged\n"
    assert kubectl("diff", "-f", "-", stdin=WEB).stdout == ""
    diff = kubectl("diff", "-f", "-", stdin=changed, code=1).stdout
    assert {"-  replicas: 1", "+  replicas: 2"} <= set(diff.splitlines())
    dry = kubectl("apply", "--dry-run=server", "-f", "-", stdin=changed).stdout
    assert (dry, _web(kubectl)["spec"]["replicas"]) == ("deployment.apps/web configured (server dry run)\n", 1)
    assert kubectl("apply", "-f", "-", stdin=changed).stdout == "deployment.apps/web configured\n"
    assert "replicas: 2" in kubectl("apply", "view-last-applied", "deployment/web").stdout


def test_fields_that_do_not_exist(each_kubectl: Program) -> None:
    """Refused by default; warned of and dropped when asked so."""
    kubectl = each_kubectl
    wrong = WEB.replace("replicas: 1", "replicas: 1\n  replicsa: 2")
    refused = kubectl("apply", "-f", "-", stdin=wrong, code=1).stderr
    assert 'strict decoding error: unknown field "spec.replicsa"' in refused
    warned = kubectl("apply", "--validate=warn", "-f", "-", stdin=wrong)
    assert 'Warning: unknown field "spec.replicsa"' in warned.stderr
    assert "replicsa" not in _web(kubectl)["spec"]
    server_side = kubectl("apply", "--server-side", "-f", "-", stdin=wrong, code=1).stderr
    assert ".spec.replicsa: field not declared in schema" in server_side


def test_server_side_apply(each_kubectl: Program) -> None:
    """Managers share an object, conflict about a field, and one takes it over."""
    kubectl = each_kubectl
    applied = kubectl("apply", "--server-side", "-f", "-", stdin=WEB).stdout
    assert applied == "deployment.apps/web serverside-applied\n"
    other = WEB.replace("replicas: 1", "replicas: 3")
    apply = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    refused = kubectl(*apply, stdin=other, code=1).stderr
    assert refused.startswith('error: Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas\n')
    kubectl(*apply, "--force-conflicts", stdin=other)
    assert _web(kubectl)["spec"]["replicas"] == 3
    assert {("kubectl", "Apply"), ("other", "Apply")} <= _managers(kubectl)


def test_from_client_side_to_server_side_apply(each_kubectl: Program) -> None:
    """kubectl takes over what it applied, without conflicts; what is dropped from the file goes."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=WEB.replace("replicas: 1", "replicas: 0\n  minReadySeconds: 1"))
    kubectl("apply", "--server-side", "-f", "-", stdin=WEB.replace("replicas: 1", "replicas: 0\n  paused: true"))
    assert "minReadySeconds" not in _web(kubectl)["spec"]
    assert ("kubectl-client-side-apply", "Update") not in _managers(kubectl)
    assert "paused" in kubectl("apply", "view-last-applied", "deployment/web").stdout


def test_patches(each_kubectl: Program) -> None:
    """The three kinds, and those of subresources."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=WEB)
    containers = '{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"nginx:2"}]}}}}'
    assert kubectl("patch", "deployment", "web", "-p", containers).stdout == "deployment.apps/web patched\n"
    again = kubectl("patch", "deployment", "web", "-p", containers).stdout
    assert again == "deployment.apps/web patched (no change)\n"
    kubectl("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}')
    operations = '[{"op":"replace","path":"/spec/replicas","value":2}]'
    kubectl("patch", "deployment", "web", "--type=json", "-p", operations)
    body = _web(kubectl)
    assert (body["metadata"]["labels"], body["spec"]["replicas"]) == ({"a": "b"}, 2)
    kubectl("patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":3}}')
    assert _web(kubectl)["spec"]["replicas"] == 3
    failed = kubectl("patch", "deployment", "web", "--type=json", "-p", '[{"op":"remove","path":"/spec/x"}]', code=1)
    assert failed.stderr.startswith("The request is invalid: the server rejected our request due to an error in our")


def test_small_changes(each_kubectl: Program) -> None:
    """label, annotate, set, scale, edit and replace."""
    kubectl = each_kubectl
    kubectl("create", "-f", "-", stdin=WEB)
    assert kubectl("label", "deployment", "web", "tier=front").stdout == "deployment.apps/web labeled\n"
    assert kubectl("annotate", "deployment", "web", "note=x").stdout == "deployment.apps/web annotated\n"
    assert kubectl("set", "image", "deployment/web", "app=nginx:3").stdout == "deployment.apps/web image updated\n"
    assert kubectl("set", "env", "deployment/web", "A=B").stdout == "deployment.apps/web env updated\n"
    assert kubectl("scale", "deployment", "web", "--replicas=2").stdout == "deployment.apps/web scaled\n"
    body = _web(kubectl)
    container = body["spec"]["template"]["spec"]["containers"][0]
    assert (body["metadata"]["labels"], container["image"], container["env"], body["spec"]["replicas"]) == (
        {"tier": "front"},
        "nginx:3",
        [{"name": "A", "value": "B"}],
        2,
    )
    edited = kubectl("edit", "deployment", "web", KUBE_EDITOR="sed -i s/nginx:3/nginx:4/")
    assert edited.stdout == "deployment.apps/web edited\n"
    assert _web(kubectl)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:4"
    assert kubectl("replace", "-f", "-", stdin=WEB).stdout == "deployment.apps/web replaced\n"
    assert _web(kubectl)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1"
    refused = kubectl("label", "deployment", "web", "a=b", "--resource-version=1", code=1).stderr
    assert "the object has been modified; please apply your changes to the latest version" in refused


def test_delete(each_kubectl: Program) -> None:
    """With its dependents, without them, and by selector."""
    kubectl = each_kubectl
    kubectl("create", "-f", "-", stdin=WEB)
    eventually(lambda: kubectl("get", "pods", "-l", "app=web", "-o", "name").lines)
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    assert kubectl("get", "replicasets", "-l", "app=web", "-o", "name").lines
    kubectl("delete", "replicasets", "-l", "app=web", "--cascade=foreground")
    eventually(lambda: not kubectl("get", "pods", "-l", "app=web", "-o", "name").lines)
    gone = kubectl("delete", "deployment", "web", code=1).stderr
    assert gone == 'Error from server (NotFound): deployments.apps "web" not found\n'
    assert kubectl("delete", "deployment", "web", "--ignore-not-found").stdout == ""
