"""Certificate requests as programs make them, and a cluster with the actors that look after them."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from trio.testing import wait_all_tasks_blocked

from kube_actors.access.authority import Authority
from kube_actors.access.csr_signing import RequestSigner
from kube_actors.access.tokens import ServiceAccountTokens, day
from kube_actors.actors.certificates import CertificatesActor
from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.token_secrets import TokenSecretsActor, Used
from kube_actors.api.registry import Registry
from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ActorSystem, VirtualClock
from kube_actors.kinds import project
from kube_actors.records import frozen
from kube_actors.store import Commit, Key, Store
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.testing.kernel import running_system
from kube_actors.writes import Admission, Client, Identity, Pipeline
from kube_actors.writes.plugins.certificate_requests import CertificateRequests

RESOURCE = "certificatesigningrequests.certificates.k8s.io"
CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
CLIENT_USAGES = ("digital signature", "client auth")


def encoded_request(
    common_name: str = "jane",
    organizations: tuple[str, ...] = (),
    names: tuple[x509.GeneralName, ...] = (),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> str:
    """`spec.request` of this key, or a new one."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, each) for each in organizations]
    name = x509.Name([*parts, x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    request = builder.sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


def request_body(request: str = "", name: str = "jane", **spec: Any) -> dict[str, Any]:
    """A CertificateSigningRequest for a client's certificate."""
    fields = {"request": request or encoded_request(), "signerName": CLIENT, "usages": list(CLIENT_USAGES), **spec}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": fields,
    }


def condition(kind: str, status: str = "True", **fields: str) -> dict[str, str]:
    """A condition as `kubectl certificate` writes it."""
    return {"type": kind, "status": status, "reason": "Kubectl", "message": "by hand", **fields}


def _raise(error: Exception, _commit: Commit) -> None:
    raise error


@frozen
class World:
    """A cluster without nodes. Time stands until it is stepped."""

    system: ActorSystem
    store: Store
    clock: VirtualClock
    authority: Authority
    tokens: ServiceAccountTokens
    pipeline: Pipeline

    def named(self, user: str, *groups: str) -> Client:
        """A client of another user."""
        return Client(self.pipeline, Identity(user, groups, "test", "uid-1", {"scope": ("a",)}))

    @property
    def client(self) -> Client:
        """The administrator's client."""
        return Client(self.pipeline, Identity("admin", ("system:masters",), "kubectl"))

    def request(self, name: str = "jane") -> dict[str, Any] | None:
        """A certificate request as it is now."""
        revision = self.store.get(Key(RESOURCE, "", name))
        return None if revision is None else revision.body()

    def status(self, name: str = "jane") -> dict[str, Any]:
        """Its status."""
        body = self.request(name)
        assert body is not None
        status: dict[str, Any] = body.get("status") or {}
        return status

    async def decide(self, *conditions: dict[str, str], name: str = "jane", subresource: str = "approval") -> None:
        """Add conditions, as a person does."""
        body = self.request(name)
        assert body is not None
        body.setdefault("status", {}).setdefault("conditions", []).extend(conditions)
        await self.client.update(body, subresource=subresource)
        await wait_all_tasks_blocked()

    def certificate(self, name: str = "jane") -> x509.Certificate:
        """The certificate that was issued."""
        return x509.load_pem_x509_certificate(base64.b64decode(self.status(name)["certificate"]))


def nobody(_user: str, _groups: tuple[str, ...], _subresource: str) -> bool:
    """No request is approved by itself."""
    return False


@asynccontextmanager
async def open_world(
    directory: Path, may_request: Callable[[str, tuple[str, ...], str], bool] = nobody
) -> AsyncIterator[World]:
    """A running world. `may_request` says whose requests are approved by themselves."""
    async with running_system(paused=True) as stage:
        clock = stage.clock
        store = Store(MemoryJournal(), project=project, on_error=_raise)
        admission = Admission(mutating=(CertificateRequests(clock.now),))
        pipeline = Pipeline(store, Registry.built_in(), clock, random.Random(7), admission)
        plane = ControlPlane(store, lambda identity: Client(pipeline, identity), clock, ClusterConfig())
        authority = Authority.open(directory / "pki", now=clock.now)
        tokens = ServiceAccountTokens(authority, store, clock.now)
        sign = RequestSigner(authority)
        stage.system.spawn("certificates", lambda: CertificatesActor(plane, sign, may_request))
        ref = stage.system.spawn(
            "token-secrets", lambda: TokenSecretsActor(plane, tokens.legacy, lambda: authority.ca_pem)
        )
        tokens.used = lambda secret: ref.notify(Used(secret.key, secret.uid, day(clock.now())))
        world = World(stage.system, store, clock, authority, tokens, pipeline)
        await world.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        await wait_all_tasks_blocked()
        yield world
