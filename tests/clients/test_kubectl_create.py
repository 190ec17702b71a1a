"""`kubectl create` with every generator, from files, dry, and with fields that do not exist."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.kit import Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: created}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""

RBAC = "rbac.authorization.k8s.io"


def spec_of(kubectl: Program, *what: str) -> Any:
    """The spec of an object."""
    return kubectl("get", *what, "-o", "json").json["spec"]


def test_config_maps(each_kubectl: Program) -> None:
    """From literals, files under their own and other names, whole directories, environment files, bytes."""
    kubectl = each_kubectl
    files = kubectl.directory / "files"
    files.mkdir(exist_ok=True)
    (files / "a.txt").write_text("one\ntwo\n")
    (files / "b.bin").write_bytes(b"\xff\x00")
    (kubectl.directory / "env").write_text("# comment\nX=1\nY=2=3\n")
    told = kubectl("create", "configmap", "literal", "--from-literal=a=1", "--from-literal=b=x=y").stdout
    assert told == "configmap/literal created\n"
    kubectl("create", "configmap", "file", "--from-file=files/a.txt", "--from-file=other=files/b.bin")
    kubectl("create", "configmap", "directory", "--from-file=files")
    kubectl("create", "cm", "env", "--from-env-file=env")
    found = {each["metadata"]["name"]: each for each in kubectl("get", "cm", "-o", "json").json["items"]}
    assert found["literal"]["data"] == {"a": "1", "b": "x=y"}
    assert found["file"]["data"] == {"a.txt": "one\ntwo\n"}
    assert found["file"]["binaryData"] == {"other": "/wA="}
    assert set(found["directory"]["data"]) | set(found["directory"]["binaryData"]) == {"a.txt", "b.bin"}
    assert found["env"]["data"] == {"X": "1", "Y": "2=3"}
    again = kubectl("create", "cm", "env", code=1).stderr
    assert again == 'error: failed to create configmap: configmaps "env" already exists\n'


def test_secrets(kubectl: Program) -> None:
    """Generic, for TLS (a pair that belongs together), for registries."""
    kubectl("create", "secret", "generic", "plain", "--from-literal=password=hush", "--type=example.com/own")
    plain = kubectl("get", "secret", "plain", "-o", "json").json
    assert (plain["type"], plain["data"]) == ("example.com/own", {"password": base64.b64encode(b"hush").decode()})
    kubectl("create", "secret", "docker-registry", "pull", "--docker-server=r.example", *_account())
    pull = kubectl("get", "secret", "pull", "-o", "jsonpath={.data.\\.dockerconfigjson}").stdout
    assert json.loads(base64.b64decode(pull))["auths"]["r.example"]["username"] == "ann"
    certificate, key = _pair(kubectl.directory)
    assert kubectl("create", "secret", "tls", "web", f"--cert={certificate}", f"--key={key}").stdout == (
        "secret/web created\n"
    )
    assert kubectl("get", "secrets").rows[1:] != []
    assert [row[:3] for row in kubectl("get", "secrets", "--no-headers").rows] == [
        ["plain", "example.com/own", "1"],
        ["pull", "kubernetes.io/dockerconfigjson", "1"],
        ["web", "kubernetes.io/tls", "2"],
    ]


def _account() -> tuple[str, ...]:
    return ("--docker-username=ann", "--docker-password=hush", "--docker-email=ann@example.com")


def _pair(directory: Path) -> tuple[Path, Path]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = directory / "web.crt", directory / "web.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    encoding, format_ = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(encoding, format_, plain))
    return paths


def test_workloads(kubectl: Program) -> None:
    """Deployments, jobs (of a cron job too) and cron jobs."""
    kubectl("create", "deployment", "web", "--image=a:1", "--image=b:2", "--replicas=2", "--port=8080")
    web = spec_of(kubectl, "deployment", "web")
    containers = web["template"]["spec"]["containers"]
    assert (web["replicas"], [each["image"] for each in containers]) == (2, ["a:1", "b:2"])
    assert kubectl("create", "cronjob", "nightly", "--image=a:1", "--schedule=0 3 * * *", "--", "date").stdout == (
        "cronjob.batch/nightly created\n"
    )
    kubectl("create", "job", "once", "--image=a:1", "--", "date", "-u")
    assert spec_of(kubectl, "job", "once")["template"]["spec"]["containers"][0]["command"] == ["date", "-u"]
    kubectl("create", "job", "now", "--from=cronjob/nightly")
    job = kubectl("get", "job", "now", "-o", "json").json
    assert job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert job["metadata"]["ownerReferences"][0]["name"] == "nightly"
    refused = kubectl("create", "cronjob", "never", "--image=a:1", "--schedule=99 3 * * *", code=1).stderr
    assert "spec.schedule: Invalid value" in refused


def test_services(kubectl: Program) -> None:
    """Of all types; addresses are given, and node ports are kept apart."""
    kubectl("create", "service", "clusterip", "inner", "--tcp=80:8080", "--tcp=443")
    kubectl("create", "service", "clusterip", "headless", "--clusterip=None")
    kubectl("create", "service", "loadbalancer", "outer", "--tcp=80")
    kubectl("create", "service", "externalname", "away", "--external-name=www.example")
    kubectl("create", "service", "nodeport", "node", "--tcp=80:8080")
    port = spec_of(kubectl, "service", "node")["ports"][0]["nodePort"]
    assert 30000 <= port < 32768
    taken = kubectl("create", "service", "nodeport", "more", "--tcp=80", f"--node-port={port}", code=1).stderr
    assert f"spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated" in taken
    rows = {row[0]: row for row in kubectl("get", "services", "--no-headers").rows}
    assert rows["inner"][1:5:3] == ["ClusterIP", "80/TCP,443/TCP"]
    assert rows["headless"][1:5] == ["ClusterIP", "None", "<none>", "<none>"]
    assert rows["away"][1:5] == ["ExternalName", "<none>", "www.example", "<none>"]
    assert rows["outer"][1] == "LoadBalancer"
    assert rows["node"][4] == f"80:{port}/TCP"


def test_access(kubectl: Program) -> None:
    """Roles, bindings, accounts and tokens."""
    own = f"made-{kubectl.namespace}"
    told = kubectl("create", "clusterrole", own, "--verb=get,list", "--resource=pods,deployments.apps/scale").stdout
    assert told == f"clusterrole.{RBAC}/{own} created\n"
    rules = kubectl("get", "clusterrole", own, "-o", "json").json["rules"]
    assert rules == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "list"]},
    ]
    kubectl("create", "clusterrole", f"{own}-paths", "--verb=get", "--non-resource-url=/logs/*")
    kubectl("create", "clusterrole", f"{own}-sum", "--aggregation-rule=of=them")
    kubectl("create", "clusterrolebinding", own, f"--clusterrole={own}", "--user=ann", "--group=ops")
    kubectl("create", "role", "one", "--verb=get", "--resource=configmaps", "--resource-name=only")
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "rolebinding", "one", "--role=one", f"--serviceaccount={kubectl.namespace}:robot")
    account = f"system:serviceaccount:{kubectl.namespace}:robot"
    assert kubectl("auth", "can-i", "get", "cm/only", "--as", account).stdout == "yes\n"
    token = kubectl("create", "token", "robot", "--duration=10m", "--audience=api").stdout.strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["aud"], claims["exp"] - claims["iat"]) == (account, ["api"], 600)
    kubectl("delete", "clusterrole", own, f"{own}-paths", f"{own}-sum")
    kubectl("delete", "clusterrolebinding", own)


def test_policies(kubectl: Program) -> None:
    """Quotas, disruption budgets, priority classes, ingresses, namespaces."""
    refused = kubectl("create", "quota", "small", "--hard=pods=1,configmaps=5", "--scopes=BestEffort", code=1).stderr
    assert "unsupported scope applied to resource" in refused
    kubectl("create", "quota", "small", "--hard=pods=1", "--scopes=BestEffort")
    assert spec_of(kubectl, "quota", "small") == {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}
    kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--max-unavailable=1")
    assert spec_of(kubectl, "pdb", "web")["maxUnavailable"] == 1
    own = f"high-{kubectl.namespace}"
    kubectl("create", "priorityclass", own, "--value=1000", "--preemption-policy=Never", "--description=own")
    assert kubectl("get", "pc", own).rows[1][:3] == [own, "1000", "false"]
    kubectl("delete", "pc", own)
    rule = "--rule=shop.example/cart*=web:http,tls=certificate"
    kubectl("create", "ingress", "shop", "--class=front", rule, "--annotation=a=b")
    shop = spec_of(kubectl, "ingress", "shop")
    path = shop["rules"][0]["http"]["paths"][0]
    assert (path["path"], path["pathType"], path["backend"]["service"]["port"]) == ("/cart", "Prefix", {"name": "http"})
    assert shop["tls"] == [{"hosts": ["shop.example"], "secretName": "certificate"}]
    assert kubectl("create", "namespace", kubectl.namespace, code=1).stderr == (
        f'Error from server (AlreadyExists): namespaces "{kubectl.namespace}" already exists\n'
    )


def test_dry_runs(each_kubectl: Program) -> None:
    """The client shows what it would send, the server what would be; nothing is kept."""
    kubectl = each_kubectl
    client = kubectl("create", "deployment", "web", "--image=a:1", "--dry-run=client", "-o", "yaml").stdout
    assert "image: a:1" in client
    assert "uid:" not in client
    server = kubectl("create", "deployment", "web", "--image=a:1", "--dry-run=server", "-o", "json").json
    assert server["metadata"]["uid"]
    assert server["spec"]["progressDeadlineSeconds"] == 600
    told = kubectl("create", "deployment", "web", "--image=a:1", "--dry-run=server").stdout
    assert told == "deployment.apps/web created (server dry run)\n"
    assert kubectl("get", "deployments").stderr == f"No resources found in {kubectl.namespace} namespace.\n"


MANY = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
---
# nothing here
---
apiVersion: v1
kind: ConfigMap
metadata: {generateName: d-}
"""


def test_from_files(each_kubectl: Program) -> None:
    """Lists, several documents, generated names; what is wrong does not keep the rest from being made."""
    kubectl = each_kubectl
    told = kubectl("create", "-f", "-", stdin=MANY).lines
    assert told[:3] == ["configmap/a created", "configmap/b created", "configmap/c created"]
    assert told[3].startswith("configmap/d-")
    again = kubectl("create", "-f", "-", stdin=MANY, code=1)
    assert again.stderr.count("(AlreadyExists)") == 3
    assert again.stdout.startswith("configmap/d-")
    assert len(kubectl("get", "cm", "-o", "name").lines) == 6  # with the certificates of every namespace
    none = kubectl("create", "-f", "-", stdin="apiVersion: v2\nkind: Nope\nmetadata: {name: a}", code=1).stderr
    assert 'no matches for kind "Nope" in version "v2"' in none


WRONG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: wrong}
data: {a: b}
dada: {a: b}
"""


@pytest.mark.parametrize(
    ("how", "code", "told"),
    [
        ("strict", 1, 'unknown field "dada"'),
        ("warn", 0, 'Warning: unknown field "dada"'),
        ("ignore", 0, ""),
    ],
)
def test_validation_of_fields(each_kubectl: Program, how: str, code: int, told: str) -> None:
    """Unknown fields are refused, told or passed over."""
    done = each_kubectl("create", f"--validate={how}", "-f", "-", stdin=WRONG, code=code)
    assert told in done.stderr
    each_kubectl("get", "cm", "wrong", code=code)


def test_fields_given_twice(kubectl: Program) -> None:
    """Are named by the server; without validation the last one counts."""
    twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}'
    raw = f"/api/v1/namespaces/{kubectl.namespace}/configmaps"
    refused = kubectl("create", "--raw", f"{raw}?fieldValidation=Strict", "-f", "-", stdin=twice, code=1).stderr
    assert 'duplicate field "data.a"' in refused
    made = kubectl("create", "--raw", f"{raw}?fieldValidation=Ignore", "-f", "-", stdin=twice).json
    assert made["data"] == {"a": "2"}


def test_invalid_objects(kubectl: Program) -> None:
    """Every cause at once, in Kubernetes' words."""
    refused = kubectl("create", "deployment", "Web", "--image=a:1", code=1).stderr
    assert refused.startswith('error: failed to create deployment: Deployment.apps "Web" is invalid: ')
    body = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {'bad key': a}}\nspec: {containers: [{name: C}]}"
    refused = kubectl("create", "-f", "-", stdin=body, code=1).stderr
    for part in (
        'The Pod "x" is invalid:',
        "metadata.labels: ",
        "spec.containers[0].name: ",
        "spec.containers[0].image: ",
    ):
        assert part in refused


def test_what_is_being_deleted_takes_nothing(kubectl: Program) -> None:
    """A namespace on its way out refuses new objects, and says why."""
    own = f"{kubectl.namespace}-gone"
    kubectl("create", "namespace", own)
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    kubectl.within(own)("create", "-f", "-", stdin=json.dumps(held))
    kubectl("delete", "namespace", own, "--wait=false")
    refused = kubectl.within(own)("create", "configmap", "late", code=1).stderr
    assert "(Forbidden)" in refused or "is forbidden" in refused
    assert f"unable to create new content in namespace {own} because it is being terminated" in refused
    free = '[{"op": "remove", "path": "/metadata/finalizers"}]'
    kubectl.within(own)("patch", "cm", "held", "--type=json", "-p", free)
    eventually(lambda: kubectl("get", "namespace", own, code=None).returncode == 1)
