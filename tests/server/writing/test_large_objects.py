"""Objects that are too large for etcd, in whatever way they became so."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server import kit

MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
MIB = 1 << 20


def lease(size: int) -> dict[str, Any]:
    """An object of a kind whose texts have no bound of their own."""
    spec = {"holderIdentity": "x" * size}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "held"}, "spec": spec}


async def test_too_large() -> None:
    """500 without a reason, as etcd says it through kube-apiserver; creating, replacing and patching alike."""
    session = await kit.new_session()
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    answer = await kit.ask(session, "POST", leases, lease(3 * MIB // 2))
    assert kit.json_of(answer) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "etcdserver: request is too large",
        "code": 500,
    }
    fits = await kit.ask(session, "POST", leases, lease(3 * MIB // 2 - 2000))
    assert kit.json_of(fits)["metadata"]["name"] == "held"
    larger = lease(3 * MIB // 2)
    larger["metadata"]["resourceVersion"] = kit.json_of(fits)["metadata"]["resourceVersion"]
    for method, body, kind in (
        ("PUT", larger, "application/json"),
        ("PATCH", {"spec": {"holderIdentity": "y" * (3 * MIB // 2)}}, "application/merge-patch+json"),
    ):
        answer = await kit.ask(session, method, f"{leases}/held", body, {"content-type": kind})
        assert kit.json_of(answer)["message"] == "etcdserver: request is too large"
    kept = kit.json_of(await kit.ask(session, "GET", f"{leases}/held"))
    assert len(kept["spec"]["holderIdentity"]) == 3 * MIB // 2 - 2000
    dry = await kit.ask(session, "PUT", f"{leases}/held?dryRun=All", larger)
    assert "code" not in kit.json_of(dry)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (MAPS, kit.config_map(text="\n" * MIB)),
        (MAPS, {**kit.config_map(), "binaryData": {"a": base64.b64encode(bytes(MIB)).decode()}}),
        (SECRETS, {"metadata": {"name": "s"}, "data": {"a": base64.b64encode(bytes(MIB)).decode()}}),
    ],
    ids=["line breaks", "binaryData", "Secret"],
)
async def test_what_is_only_large_in_json(target: str, body: dict[str, Any]) -> None:
    """A mebibyte of data can be stored whatever it is, with a quarter of annotations beside it."""
    session = await kit.new_session()
    body["metadata"]["annotations"] = {"note": "x" * (MIB // 4 - 100)}
    stored = kit.json_of(await kit.ask(session, "POST", target, body))
    assert stored["metadata"].get("uid"), stored
