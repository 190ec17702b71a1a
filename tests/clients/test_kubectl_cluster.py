"""kubectl on the cluster itself: events, information, versions, credentials, waiting, resizing, watching."""

from __future__ import annotations

import base64
import json
import os
import signal
from pathlib import Path

import attrs

from tests.clients.conftest import Served
from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, apply, pod, run, sh, started

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: cluster}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""
SLEEPS = sh("main", "sleep 1000")
ADDRESS = ("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")


def test_events(each_kubectl: Program) -> None:
    """Of everything, of one object, of one type, and as they come."""
    kubectl = each_kubectl
    nobody = kubectl("events", "--for=pod/one").stderr
    assert nobody == f"No events found in {kubectl.namespace} namespace.\n"
    with started(kubectl, "events", "-w") as watching:
        assert watching.stdout is not None
        run(kubectl, pod("one", SLEEPS))
        assert watching.stdout.readline().split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
        while "Container started" not in (line := watching.stdout.readline()):
            assert line
    failing = pod("two", {**sh("main", "true"), "image": "nowhere:1"})
    apply(kubectl, failing)
    eventually(lambda: "Failed" in kubectl("events", "--for=pod/two", "--types=Warning").stdout)
    reasons = [row[2] for row in kubectl("events", "--for", "pod/one").rows[1:]]
    assert set(reasons) == {"Scheduled", "Pulled", "Created", "Started"}
    warned = kubectl("events", "--types=Warning").rows[1:]
    assert {row[1] for row in warned} == {"Warning"}
    assert {row[3] for row in warned} == {"Pod/two"}
    assert kubectl("events", "--types=Odd", code=1).stderr == "error: valid --types are Normal or Warning\n"
    first = kubectl("events", "--for=pod/one", "-o", "json").json["items"][0]
    assert (first["kind"], first["involvedObject"]["name"]) == ("Event", "one")


def test_cluster_info(each_kubectl: Program, tmp_path: Path) -> None:
    """Where the API is; and everything about a namespace as files, logs too."""
    kubectl = each_kubectl
    server = kubectl(*ADDRESS).stdout
    assert kubectl("cluster-info").lines[0] == f"Kubernetes control plane is running at {server}"
    run(kubectl, pod("one", sh("main", "echo spoken; sleep 1000")))
    eventually(lambda: kubectl("logs", "one").stdout == "spoken\n")
    dumped = kubectl("cluster-info", "dump", f"--output-directory={tmp_path}", f"--namespaces={kubectl.namespace}")
    assert dumped.stdout == f"Cluster info dumped to {tmp_path}\n"
    assert [each["metadata"]["name"] for each in json.loads((tmp_path / "nodes.json").read_text())["items"]] == [
        "node-1"
    ]
    there = tmp_path / kubectl.namespace
    assert [each["metadata"]["name"] for each in json.loads((there / "pods.json").read_text())["items"]] == ["one"]
    assert "spoken\n" in (there / "one" / "logs.txt").read_text()


def test_version(each_kubectl: Program) -> None:
    """The server's is what its API is."""
    told = each_kubectl("version", "-o", "json").json
    assert (told["serverVersion"]["major"], told["serverVersion"]["minor"]) == ("1", "36")
    assert told["serverVersion"]["gitVersion"].startswith("v1.36.")
    assert f"Server Version: {told['serverVersion']['gitVersion']}" in each_kubectl("version").lines


def as_somebody(kubectl: Program, served: Served, name: str, *credentials: str) -> Program:
    """kubectl with a kubeconfig of its own, made by `kubectl config`: the same cluster, other credentials."""
    file = served.home / f"{kubectl.namespace}-{name}.kubeconfig"
    authority = served.home / "ca.crt"
    data = kubectl("config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.certificate-authority-data}")
    authority.write_bytes(base64.b64decode(data.stdout))
    somebody = attrs.evolve(kubectl, environment={**kubectl.environment, "KUBECONFIG": str(file)})
    server = f"--server={kubectl(*ADDRESS).stdout}"
    cluster = ("set-cluster", "here", server, f"--certificate-authority={authority}", "--embed-certs")
    assert somebody("config", *cluster).stdout == 'Cluster "here" set.\n'
    somebody("config", "set-credentials", name, *credentials)
    somebody("config", "set-context", "here", "--cluster=here", f"--user={name}")
    assert somebody("config", "use-context", "here").stdout == 'Switched to context "here".\n'
    assert somebody("config", "current-context").stdout == "here\n"
    return somebody


def test_a_certificate_of_ones_own(each_kubectl: Program, served: Served, tmp_path: Path) -> None:
    """Asked for, approved, taken out of the request, and used: its bearer is who it says, in its groups."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    kubectl, name = each_kubectl, f"jane-{each_kubectl.namespace}"
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "dev"), x509.NameAttribute(NameOID.COMMON_NAME, "jane")]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    encoded = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": encoded, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
    }
    apply(kubectl, body)
    assert kubectl("get", "csr", name).rows[1][-1] == "Pending"
    approved = kubectl("certificate", "approve", name).stdout
    assert approved == f"certificatesigningrequest.certificates.k8s.io/{name} approved\n"
    eventually(lambda: kubectl("get", "csr", name).rows[1][-1] == "Approved,Issued")
    issued = kubectl("get", "csr", name, "-o", "jsonpath={.status.certificate}").stdout
    (tmp_path / "crt").write_bytes(base64.b64decode(issued))
    none = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
    (tmp_path / "key").write_bytes(pem)
    files = (f"--client-certificate={tmp_path}/crt", f"--client-key={tmp_path}/key", "--embed-certs")
    jane = as_somebody(kubectl, served, "jane", *files)
    rows = jane("auth", "whoami").rows
    assert ["Username", "jane"] in rows
    assert ["Groups", "[dev system:authenticated]"] in rows
    assert 'User "jane" cannot list resource "pods"' in jane("get", "pods", code=1).stderr
    kubectl("create", "rolebinding", "jane", "--clusterrole=view", "--group=dev")
    assert jane("get", "pods").stderr == f"No resources found in {kubectl.namespace} namespace.\n"


def test_a_token_of_an_account(kubectl: Program, served: Served) -> None:
    """It is the account's, as long as the pod is there that it is bound to."""
    account = f"system:serviceaccount:{kubectl.namespace}:default"
    run(kubectl, pod("one", SLEEPS))
    bound = ("--bound-object-kind=Pod", "--bound-object-name=one", "--duration=20m")
    token = kubectl("create", "token", "default", *bound).stdout
    robot = as_somebody(kubectl, served, "robot", f"--token={token}")
    assert ["Username", account] in robot("auth", "whoami").rows
    assert f'User "{account}" cannot list resource "pods"' in robot("get", "pods", code=1).stderr
    kubectl("create", "rolebinding", "robot", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:default")
    assert [row[0] for row in robot("get", "pods").rows] == ["NAME", "one"]
    other = kubectl("create", "token", "default", "--audience=somebody-else").stdout
    stranger = as_somebody(kubectl, served, "stranger", f"--token={other}")
    assert "You must be logged in to the server" in stranger("get", "pods", code=1).stderr
    kubectl("delete", "pod", "one", "--now")
    eventually(lambda: "You must be logged in to the server" in robot("get", "pods", code=None).stderr)
    short = kubectl("create", "token", "default", "--duration=1s", code=1).stderr
    assert "may not specify a duration less than 10 minutes" in short


def test_wait(each_kubectl: Program) -> None:
    """For conditions, for values, for the end, and not longer than asked."""
    kubectl = each_kubectl
    with started(kubectl, "wait", "--for=create", "pod/one", WAIT) as waiting:
        apply(kubectl, pod("one", SLEEPS))
        assert waiting.communicate(timeout=60)[0] == "pod/one condition met\n"
    assert kubectl("wait", "pod/one", "--for=condition=Ready", WAIT).stdout == "pod/one condition met\n"
    value = "--for=jsonpath={.status.phase}=Running"
    assert kubectl("wait", "pod", "-l", "app=one", value, WAIT).stdout == "pod/one condition met\n"
    late = kubectl("wait", "pod/one", "--for=condition=Ready=false", "--timeout=200ms", code=1).stderr
    assert late == "error: timed out waiting for the condition on pods/one\n"
    missing = kubectl("wait", "pod/two", "--for=condition=Ready", code=1).stderr
    assert missing == 'Error from server (NotFound): pods "two" not found\n'
    with started(kubectl, "wait", "pod/one", "--for=delete", WAIT) as waiting:
        kubectl("delete", "pod", "one", "--wait=false")
        assert waiting.wait(60) == 0
        assert 'pods "one" not found' in kubectl("get", "pod", "one", code=1).stderr


def test_resize(kubectl: Program) -> None:
    """A running container gets other limits without a restart; what the node cannot give is told.

    Without root there are no control groups to change: then nothing can be given.
    """
    limits = {"cpu": "100m", "memory": "64Mi"}
    run(kubectl, pod("one", {**SLEEPS, "resources": {"limits": limits, "requests": limits}}))

    def resize(cpu: str, code: int = 0) -> str:
        change = {"name": "main", "resources": {"limits": {"cpu": cpu}, "requests": {"cpu": cpu}}}
        patch = json.dumps({"spec": {"containers": [change]}})
        return kubectl("patch", "pod", "one", "--subresource=resize", "-p", patch, code=code).stdout

    assert resize("200m") == "pod/one patched\n"
    running = "jsonpath={.status.containerStatuses[0]['resources.limits.cpu','restartCount']}"
    given = "200m 0" if os.geteuid() == 0 else "100m 0"
    if os.geteuid() == 0:
        eventually(lambda: kubectl("get", "pod", "one", "-o", running).stdout == given)
        resize("9999")
    pending = "jsonpath={.status.conditions[?(@.type=='PodResizePending')].reason}"
    eventually(lambda: kubectl("get", "pod", "one", "-o", pending).stdout == "Infeasible")
    assert kubectl("get", "pod", "one", "-o", running).stdout == given


def sockets(served: Served) -> int:
    """How many sockets the server has open."""
    process = Path(f"/proc/{served.running.process.pid}/fd")
    links = []
    for each in process.iterdir():
        try:
            links.append(os.readlink(each))
        except FileNotFoundError:
            continue
    return sum(link.startswith("socket:") for link in links)


def test_watches_that_are_interrupted(kubectl: Program, served: Served) -> None:
    """Ctrl-C ends kubectl, and nothing of its connection stays with the server."""
    run(kubectl, pod("one", sh("main", "while echo tick; do sleep 0.1; done")))
    before = sockets(served)
    for watch in (("get", "pods", "-w"), ("logs", "-f", "one"), ("events", "-w"), ("exec", "one", "--", "sleep", "99")):
        with started(kubectl, *watch) as watching:
            if watch[0] != "exec":
                assert watching.stdout is not None
                assert watching.stdout.readline()
            eventually(lambda: sockets(served) > before)
            watching.send_signal(signal.SIGINT)
            assert watching.wait(60) != 0
    eventually(lambda: sockets(served) <= before)
