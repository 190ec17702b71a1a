"""What becomes of certificate requests, case by case."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.certificate_request import CertificateRequest
from kube_actors.plan.certificates import (
    CLIENT,
    KUBELET_CLIENT,
    KUBELET_SERVING,
    LEGACY,
    Approve,
    Refuse,
    Remove,
    RequestState,
    Sign,
    plan_certificate,
    removed_at,
    signer_problem,
)

NOW = 1_000_000.0
HOUR = 3600.0
YEAR = 365 * 24 * 3600
JANE = CertificateRequest("jane", ("dev",))
KUBELET = CertificateRequest("system:node:a", ("system:nodes",))
SERVER = attrs.evolve(KUBELET, dns_names=("a",), ip_addresses=("10.0.0.1",))
CLIENT_AUTH = frozenset({"digital signature", "client auth"})
SERVER_AUTH = frozenset({"digital signature", "server auth"})
RSA = frozenset({"key encipherment"})


def state(**changes: Any) -> RequestState:
    """A new request of jane's for a client's certificate."""
    return attrs.evolve(RequestState(NOW, CLIENT, "jane", CLIENT_AUTH, JANE), **changes)


APPROVED, DENIED, FAILED = ({kind: NOW} for kind in ("Approved", "Denied", "Failed"))


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        pytest.param({}, None, id="a person has to approve it"),
        pytest.param({"conditions": APPROVED}, Sign(YEAR), id="approved"),
        pytest.param({"conditions": APPROVED, "expiration_seconds": 7200}, Sign(7200), id="for two hours"),
        pytest.param({"conditions": APPROVED, "expiration_seconds": 60}, Sign(600), id="too short"),
        pytest.param({"conditions": APPROVED, "expiration_seconds": YEAR + 1}, Sign(YEAR), id="too long"),
        pytest.param({"conditions": APPROVED, "issued": True}, None, id="issued"),
        pytest.param({"conditions": DENIED}, None, id="denied"),
        pytest.param({"conditions": {**APPROVED, **FAILED}}, None, id="failed before"),
        pytest.param({"conditions": APPROVED, "signer": "example.com/x", "asked": None}, None, id="not our signer"),
        pytest.param({"conditions": APPROVED, "signer": LEGACY, "usages": SERVER_AUTH}, Sign(YEAR), id="legacy"),
        pytest.param(
            {"conditions": APPROVED, "usages": SERVER_AUTH},
            Refuse("invalid usage for client certificate: server auth"),
            id="not for servers",
        ),
    ],
)
def test_the_next_step(changes: dict[str, Any], step: object) -> None:
    """Of a young request."""
    assert plan_certificate(state(**changes), NOW + 1) == step


def test_kubelets_are_recognised() -> None:
    """One that renews its own certificate, one that has none yet; servers' and others' requests wait for a person."""
    own = state(signer=KUBELET_CLIENT, asked=KUBELET, username="system:node:a")
    first = attrs.evolve(own, username="system:bootstrap:x")
    server = attrs.evolve(own, signer=KUBELET_SERVING, asked=SERVER, usages=SERVER_AUTH)
    steps = [plan_certificate(each, NOW) for each in (own, first)]
    assert [each.subresource for each in steps if isinstance(each, Approve)] == ["selfnodeclient", "nodeclient"]
    for other in (server, attrs.evolve(own, asked=JANE), attrs.evolve(own, usages=SERVER_AUTH)):
        assert plan_certificate(other, NOW) is None


@pytest.mark.parametrize(
    ("signer", "asked", "usages", "problem"),
    [
        (CLIENT, JANE, CLIENT_AUTH, ""),
        (CLIENT, JANE, frozenset({"client auth"}), ""),
        (CLIENT, JANE, RSA, "missing required usage for client certificate: client auth"),
        (KUBELET_CLIENT, KUBELET, CLIENT_AUTH, ""),
        (KUBELET_CLIENT, KUBELET, CLIENT_AUTH | RSA, ""),
        (KUBELET_CLIENT, KUBELET, CLIENT_AUTH | {"any"}, "usages did not match [client auth digital signature key"),
        (
            KUBELET_CLIENT,
            attrs.evolve(KUBELET, organizations=("system:nodes", "x")),
            CLIENT_AUTH,
            "organization is not",
        ),
        (KUBELET_CLIENT, attrs.evolve(KUBELET, dns_names=("a",)), CLIENT_AUTH, "DNS subjectAltNames are not allowed"),
        (KUBELET_CLIENT, attrs.evolve(KUBELET, emails=("a@b",)), CLIENT_AUTH, "Email subjectAltNames are not allowed"),
        (KUBELET_CLIENT, attrs.evolve(KUBELET, ip_addresses=("::1",)), CLIENT_AUTH, "IP subjectAltNames are not"),
        (KUBELET_CLIENT, attrs.evolve(KUBELET, uris=("x:y",)), CLIENT_AUTH, "URI subjectAltNames are not allowed"),
        (KUBELET_CLIENT, attrs.evolve(KUBELET, common_name="node:a"), CLIENT_AUTH, "does not begin with system:node:"),
        (KUBELET_SERVING, SERVER, SERVER_AUTH, ""),
        (KUBELET_SERVING, SERVER, SERVER_AUTH | RSA, ""),
        (KUBELET_SERVING, KUBELET, SERVER_AUTH, "DNS or IP subjectAltName is required"),
        (KUBELET_SERVING, attrs.evolve(SERVER, uris=("x:y",)), SERVER_AUTH, "URI subjectAltNames are not allowed"),
        (KUBELET_SERVING, attrs.evolve(SERVER, common_name="a"), SERVER_AUTH, "does not begin with system:node:"),
        (KUBELET_SERVING, attrs.evolve(SERVER, organizations=()), SERVER_AUTH, "organization is not system:nodes"),
    ],
)
def test_what_signers_sign(signer: str, asked: CertificateRequest, usages: frozenset[str], problem: str) -> None:
    """The rules of the built-in signers, each broken once."""
    found = signer_problem(signer, asked, usages)
    assert found == "" if not problem else problem in found


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        pytest.param({}, NOW + 24 * HOUR, id="nobody decided"),
        pytest.param({"conditions": DENIED}, NOW + HOUR, id="denied"),
        pytest.param({"conditions": {"Approved": NOW + 5}}, None, id="approved and to be signed"),
        pytest.param({"conditions": {"Approved": NOW + 5}, "issued": True}, NOW + 5 + HOUR, id="issued"),
        pytest.param({"conditions": {**APPROVED, "Failed": NOW + 9}}, NOW + 9 + HOUR, id="failed"),
        pytest.param({"conditions": {"Other": NOW}}, None, id="somebody's own condition"),
    ],
)
def test_when_they_go(changes: dict[str, Any], at: float | None) -> None:
    """And not before."""
    request = state(**changes)
    assert removed_at(request) == at
    if at is not None:
        assert plan_certificate(request, at) == Remove()
        assert plan_certificate(request, at - 1) != Remove()
