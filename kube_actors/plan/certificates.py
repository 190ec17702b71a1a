"""What becomes of a certificate request: approved by itself, signed, refused by its signer, or cleaned up when old."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kube_actors.api.certificate_request import CertificateRequest
from kube_actors.records import frozen

CLIENT: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT: Final = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING: Final = "kubernetes.io/kubelet-serving"
LEGACY: Final = "kubernetes.io/legacy-unknown"
SIGNERS: Final = frozenset({CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY})

HOUR: Final = 3600.0
KEPT_SECONDS: Final[Mapping[str, float]] = {"Approved": HOUR, "Denied": HOUR, "Failed": HOUR, "": 24 * HOUR}
"""How long a request stays after it was decided; "": that nobody decided."""

SHORTEST_SECONDS: Final = 600
LONGEST_SECONDS: Final = 365 * 24 * 3600
"""What a built-in signer gives to those that ask for no time, or a longer one."""

NODES: Final = "system:nodes"
NODE_PREFIX: Final = "system:node:"
_BASE: Final = frozenset({"digital signature", "key encipherment"})


@frozen
class RequestState:
    """A request as it is now. `conditions` maps their types to when they were last written (epoch seconds).

    `asked` is None when the stored request cannot be read.
    """

    created: float
    signer: str
    username: str
    usages: frozenset[str]
    asked: CertificateRequest | None
    expiration_seconds: int | None = None
    conditions: Mapping[str, float] = attrs.field(factory=dict)
    issued: bool = False


@frozen
class Approve:
    """Approve it when its requester may create `certificatesigningrequests/SUBRESOURCE`; else leave it to a person."""

    subresource: str
    message: str


@frozen
class Sign:
    """Issue a certificate valid for so many seconds."""

    seconds: int


@frozen
class Refuse:
    """The signer does not sign this: write the condition `Failed`."""

    message: str


@frozen
class Remove:
    """It has been there for long enough."""


Step = Approve | Sign | Refuse | Remove


def plan_certificate(state: RequestState, now: float) -> Step | None:
    """The next step; None when there is nothing to do before `removed_at`."""
    due = removed_at(state)
    if due is not None and now >= due:
        return Remove()
    if state.issued or "Denied" in state.conditions or "Failed" in state.conditions or state.asked is None:
        return None
    if "Approved" not in state.conditions:
        return _approval(state, state.asked)
    if state.signer not in SIGNERS:
        return None
    problem = signer_problem(state.signer, state.asked, state.usages)
    return Refuse(problem) if problem else Sign(_seconds(state.expiration_seconds))


def removed_at(state: RequestState) -> float | None:
    """When the request has been there for long enough; None while it waits for somebody else's signer."""
    if not state.conditions:
        return state.created + KEPT_SECONDS[""]
    decided = [
        written + KEPT_SECONDS[kind]
        for kind, written in state.conditions.items()
        if kind in KEPT_SECONDS and (kind != "Approved" or state.issued)
    ]
    return min(decided, default=None)


def signer_problem(signer: str, asked: CertificateRequest, usages: frozenset[str]) -> str:
    """Why a built-in signer does not sign this; empty when it does."""
    if signer == CLIENT:
        strange = sorted(usages - _BASE - {"client auth"})
        if strange:
            return f"invalid usage for client certificate: {strange[0]}"
        return "" if "client auth" in usages else "missing required usage for client certificate: client auth"
    if signer == KUBELET_CLIENT:
        return _kubelet_client_problem(asked, usages)
    if signer == KUBELET_SERVING:
        return _kubelet_serving_problem(asked, usages)
    return ""


def _kubelet_client_problem(asked: CertificateRequest, usages: frozenset[str]) -> str:
    if asked.organizations != (NODES,):
        return f"subject organization is not {NODES}"
    named = (("DNS", asked.dns_names), ("Email", asked.emails), ("IP", asked.ip_addresses), ("URI", asked.uris))
    for kind, names in named:
        if names:
            return f"{kind} subjectAltNames are not allowed"
    if not asked.common_name.startswith(NODE_PREFIX):
        return f"subject common name does not begin with {NODE_PREFIX}"
    return _exact_usages(usages, "client auth")


def _kubelet_serving_problem(asked: CertificateRequest, usages: frozenset[str]) -> str:
    if asked.organizations != (NODES,):
        return f"subject organization is not {NODES}"
    if not asked.dns_names and not asked.ip_addresses:
        return "DNS or IP subjectAltName is required"
    for kind, names in (("Email", asked.emails), ("URI", asked.uris)):
        if names:
            return f"{kind} subjectAltNames are not allowed"
    problem = _exact_usages(usages, "server auth")
    if problem:
        return problem
    return "" if asked.common_name.startswith(NODE_PREFIX) else f"subject common name does not begin with {NODE_PREFIX}"


def _exact_usages(usages: frozenset[str], purpose: str) -> str:
    """Both base usages and the purpose; only keys of RSA need `key encipherment`."""
    wanted = _BASE | {purpose}
    if usages in (wanted, wanted - {"key encipherment"}):
        return ""
    return f"usages did not match [{' '.join(sorted(wanted))}]"


def _approval(state: RequestState, asked: CertificateRequest) -> Approve | None:
    """Requests of kubelets for a client's certificate are approved by themselves; all others wait for a person."""
    if state.signer != KUBELET_CLIENT or _kubelet_client_problem(asked, state.usages):
        return None
    if state.username == asked.common_name:
        message = "Auto approving self kubelet client certificate after SubjectAccessReview."
        return Approve("selfnodeclient", message)
    return Approve("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")


def _seconds(wanted: int | None) -> int:
    return LONGEST_SECONDS if wanted is None else max(SHORTEST_SECONDS, min(wanted, LONGEST_SECONDS))
