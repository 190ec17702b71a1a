"""Who may approve and sign certificate requests."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key
from tests.access.requests import CLIENT, condition, request_body
from tests.access.roles import Cluster, binding, cluster_role, new_cluster, rule

GROUP = "certificates.k8s.io"
PLACE = Key(f"certificatesigningrequests.{GROUP}", "", "jane")


async def cluster_of_ann(*rules: dict[str, Any]) -> Cluster:
    """A request of Jane, and Ann with these rules."""
    cluster = await new_cluster()
    await cluster.create(request_body(), cluster_role("ann", *rules), binding("ann", "ann", "User ann"))
    return cluster


async def write(cluster: Cluster, subresource: str, **status: Any) -> None:
    """Ann writes this part of the status."""

    def change(body: dict[str, Any]) -> None:
        body["status"] = {**body.get("status", {}), **status}

    await cluster.named("ann").mutate(PLACE, change, subresource=subresource)


@pytest.mark.parametrize("names", [CLIENT, "kubernetes.io/*", ""])
@pytest.mark.parametrize(("subresource", "verb"), [("approval", "approve"), ("status", "sign")])
async def test_a_verb_on_the_signer(subresource: str, verb: str, names: str) -> None:
    """By the signer's name, by its domain, or for all signers."""
    cluster = await cluster_of_ann(rule(verb, "signers", GROUP, names=names))
    kind = "Approved" if verb == "approve" else "Failed"
    await write(cluster, subresource, conditions=[condition(kind)])


@pytest.mark.parametrize(
    ("subresource", "verb", "other"), [("approval", "approve", "sign"), ("status", "sign", "approve")]
)
async def test_without_it(subresource: str, verb: str, other: str) -> None:
    """The other verb, or another signer, is not enough; what is no decision needs neither."""
    cluster = await cluster_of_ann(
        rule(other, "signers", GROUP), rule(verb, "signers", GROUP, names="kubernetes.io/kubelet-serving example.com/*")
    )
    kind = "Approved" if verb == "approve" else "Failed"
    with pytest.raises(ApiError) as refused:
        await write(cluster, subresource, conditions=[condition(kind)])
    assert (refused.value.code, refused.value.message) == (
        403,
        'certificatesigningrequests.certificates.k8s.io "jane" is forbidden: '
        f'user not permitted to {verb} requests with signerName "{CLIENT}"',
    )


async def test_other_metadata_of_the_status_needs_no_verb() -> None:
    """Only the certificate and the conditions are the signer's."""
    cluster = await cluster_of_ann()

    def label(body: dict[str, Any]) -> None:
        body["metadata"]["annotations"] = {"a": "b"}

    await cluster.named("ann").mutate(PLACE, label, subresource="status")
