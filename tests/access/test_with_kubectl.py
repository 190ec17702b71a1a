"""kubectl itself, against a cluster that serves its API: who it is, tokens, certificates."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kube_actors.access.authority import Authority
from kube_actors.api.codecs import json
from kube_actors.cluster import open_cluster
from kube_actors.config.types import ApiConfig, ClusterConfig, NodeConfig
from kube_actors.records import frozen
from kube_actors.state import StateDirectory
from tests.access.requests import KUBELET_CLIENT, encoded_request, request_body

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
PATIENCE = 90.0
CAPACITY = {"cpu": "1", "memory": "1Gi", "pods": "10"}


@frozen
class Ended:
    """What a command printed, and how it ended."""

    status: int
    output: str
    errors: str


@frozen
class Kubectl:
    """Runs kubectl as a user of the cluster; nothing of the one who runs the tests is read or written."""

    kubeconfig: Path
    home: Path

    async def run(self, *arguments: str, stdin: str = "") -> Ended:
        """Run one command to its end."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        with trio.fail_after(PATIENCE * 2):
            done = await trio.run_process(
                ["kubectl", *arguments],
                stdin=stdin.encode(),
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env=environment,
            )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    async def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run one command that must succeed; answers what it printed."""
        ended = await self.run(*arguments, stdin=stdin)
        assert ended.status == 0, ended.errors
        return ended.output

    async def until(self, wanted: str, *arguments: str) -> str:
        """Run a command again and again until it prints this."""
        with trio.move_on_after(PATIENCE):
            while wanted not in (output := await self(*arguments)):
                await trio.sleep(0.05)
        assert wanted in output
        return output


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    """The administrator's kubectl; the cluster knows the static token `secret` of the user `joe`."""
    tokens = tmp_path / "tokens.csv"
    tokens.write_text("secret,joe,7,staff\n")
    state = StateDirectory(tmp_path / "state", ephemeral=True)
    nodes = (NodeConfig("a", "simulated", CAPACITY),)
    config = ClusterConfig(nodes=nodes, api=ApiConfig(token_file=str(tokens)))
    async with open_cluster(config, state=state, serve=True):
        yield Kubectl(state.kubeconfig, tmp_path)


def with_token(kubectl: Kubectl, token: str) -> Kubectl:
    """Another user's kubectl: the same server and authority, a token in place of the certificate."""
    lines = kubectl.kubeconfig.read_text().splitlines()
    kept = [line for line in lines if "client-certificate-data" not in line and "client-key-data" not in line]
    path = kubectl.home / "other"
    path.write_text("\n".join([*kept, f"    token: {token}"]) + "\n")
    return attrs.evolve(kubectl, kubeconfig=path)


def with_certificate(kubectl: Kubectl, encoded: str, key: ec.EllipticCurvePrivateKey) -> Kubectl:
    """Another user's kubectl, with a certificate in base64."""
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = base64.b64encode(key.private_bytes(*form)).decode()
    lines = kubectl.kubeconfig.read_text().splitlines()
    kept = [line for line in lines if "client-certificate-data" not in line and "client-key-data" not in line]
    shown = [f"    client-certificate-data: {encoded}", f"    client-key-data: {private}"]
    path = kubectl.home / "certified"
    path.write_text("\n".join([*kept, *shown]) + "\n")
    return attrs.evolve(kubectl, kubeconfig=path)


async def whoami(kubectl: Kubectl) -> dict[str, Any]:
    """Name and groups as `kubectl auth whoami` has them."""
    info: dict[str, Any] = json.loads(await kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    return info


async def test_who_one_is(kubectl: Kubectl) -> None:
    """By certificate, by static token, with a wrong one, and with the certificate of another cluster."""
    shown = await kubectl("auth", "whoami")
    assert "kubernetes-admin" in shown
    assert "[system:masters system:authenticated]" in shown
    joe = await whoami(with_token(kubectl, "secret"))
    assert (joe["username"], joe["uid"], joe["groups"]) == ("joe", "7", ["staff", "system:authenticated"])
    wrong = await with_token(kubectl, "wrong").run("get", "pods")
    assert wrong.status == 1
    assert "You must be logged in to the server" in wrong.errors
    stranger = Authority.open(kubectl.home / "another").admin
    key = serialization.load_pem_private_key(stranger.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    unknown = with_certificate(kubectl, base64.b64encode(stranger.certificate).decode(), key)
    assert "You must be logged in to the server" in (await unknown.run("get", "pods")).errors
    may = await with_token(kubectl, "secret").run("get", "pods")
    assert 'pods is forbidden: User "joe" cannot list resource "pods"' in may.errors


async def test_create_token(kubectl: Kubectl) -> None:
    """With its flags; the token makes its bearer the account, for as long as that is there."""
    await kubectl("create", "serviceaccount", "robot")
    robot = with_token(kubectl, (await kubectl("create", "token", "robot")).strip())
    assert (await whoami(robot))["username"] == "system:serviceaccount:default:robot"
    token = await kubectl("create", "token", "robot", "--audience", "vault", "--duration", "20m")
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (["vault"], 1200)
    refused = await kubectl.run("create", "token", "robot", "--duration", "30s")
    assert "may not specify a duration less than 10 minutes" in refused.errors
    missing = await kubectl.run("create", "token", "nobody")
    assert 'failed to create token: serviceaccounts "nobody" not found' in missing.errors
    bound = await kubectl.run("create", "token", "robot", "--bound-object-kind", "Pod", "--bound-object-name", "none")
    assert 'pods "none" not found' in bound.errors
    await kubectl("delete", "serviceaccount", "robot")
    assert (await robot.run("auth", "whoami")).status == 1


async def test_certificates(kubectl: Kubectl) -> None:
    """Asked for, approved, issued and described; another one denied."""
    for name in ("jane", "jack"):
        body = request_body(encoded_request(name, ("dev",)), name, expirationSeconds=3600)
        await kubectl("create", "-f", "-", stdin=json.dumps(body).decode())
    assert "kubernetes-admin   60m                 Pending" in await kubectl("get", "csr", "jane")
    assert await kubectl("certificate", "approve", "jane") == (
        "certificatesigningrequest.certificates.k8s.io/jane approved\n"
    )
    await kubectl.until("Approved,Issued", "get", "csr", "jane")
    described = await kubectl("describe", "csr", "jane")
    assert "Common Name:    jane" in described
    assert "Organization:   dev" in described
    await kubectl("certificate", "deny", "jack")
    assert "Denied" in await kubectl("get", "csr", "jack")
    again = await kubectl.run("certificate", "approve", "jack")
    assert 'certificate signing request "jack" is already Denied' in again.errors


async def test_a_token_in_a_secret(kubectl: Kubectl) -> None:
    """The old way: the Secret is filled, and its token good."""
    await kubectl("create", "serviceaccount", "robot")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "kept", "annotations": {"kubernetes.io/service-account.name": "robot"}},
        "type": "kubernetes.io/service-account-token",
    }
    await kubectl("apply", "-f", "-", stdin=json.dumps(secret).decode())
    await kubectl.until("ca.crt:", "describe", "secret", "kept")
    encoded = await kubectl("get", "secret", "kept", "-o", "jsonpath={.data.token}")
    user = await whoami(with_token(kubectl, base64.b64decode(encoded).decode()))
    assert user["username"] == "system:serviceaccount:default:robot"


async def test_the_kubeconfig_of_the_command_line(kubectl: Kubectl) -> None:
    """Merged into a file of one's own, it leads kubectl to the cluster."""
    from kube_actors.cli.kubeconfig_merge import merge_into

    path = kubectl.home / "merged"
    path.write_text("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n")
    merge_into(path, kubectl.kubeconfig.read_text(), kubectl.kubeconfig)
    assert "kubernetes-admin" in await attrs.evolve(kubectl, kubeconfig=path)("auth", "whoami")


async def test_a_kubelet(kubectl: Kubectl) -> None:
    """With the certificate that was signed for it, it sees and changes what is its own and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = encoded_request("system:node:a", ("system:nodes",), key=key)
    body = request_body(request, "node-a", signerName=KUBELET_CLIENT)
    await kubectl("create", "-f", "-", stdin=json.dumps(body).decode())
    await kubectl("certificate", "approve", "node-a")
    await kubectl.until("Approved,Issued", "get", "csr", "node-a")
    certificate = await kubectl("get", "csr", "node-a", "-o", "jsonpath={.status.certificate}")
    kubelet = with_certificate(kubectl, certificate, key)
    assert (await whoami(kubelet))["groups"] == ["system:nodes", "system:authenticated"]
    for name in ("needed", "other"):
        await kubectl("create", "secret", "generic", name, "--from-literal=a=b")
    overrides = {"spec": {"nodeName": "a", "volumes": [{"name": "v", "secret": {"secretName": "needed"}}]}}
    await kubectl("run", "web", "--image=app:1", f"--overrides={json.dumps(overrides).decode()}")
    assert "needed" in await kubelet("get", "secret", "needed")
    assert "web" in await kubelet("get", "pods", "-A", "--field-selector", "spec.nodeName=a")
    await kubelet("label", "node", "a", "example.com/rack=7")
    for arguments, why in (
        (("get", "secret", "other"), "no relationship found between node 'a' and this object"),
        (("get", "pods"), "can only list/watch pods with spec.nodeName field selector"),
        (("get", "nodes"), "node 'a' cannot read all nodes, only its own Node object"),
        (("label", "node", "a", "node-restriction.kubernetes.io/x=y"), "is not allowed to modify labels"),
        (("create", "token", "default"), "node requested token not bound to a pod"),
        (("delete", "node", "a"), 'User "system:node:a" cannot delete resource "nodes"'),
    ):
        refused = await kubelet.run(*arguments)
        assert refused.status == 1
        assert why in refused.errors
