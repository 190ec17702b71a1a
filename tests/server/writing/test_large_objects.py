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


async def test_managers_give_way() -> None:
    """An object of many long keys has no room for who owns them: creating, replacing and patching store it without.
    An apply has to own them and is refused."""
    session = await kit.new_session()
    long = "a-key-of-some-length-so-that-the-managers-need-as-much-room-as-the-keys-themselves"
    many = {f"{long}-{number}": "A" for number in range(9999)}
    created = kit.json_of(await kit.ask(session, "POST", MAPS, kit.config_map("created", None, **many)))
    assert (len(created["data"]), "managedFields" in created["metadata"]) == (9999, False)
    await kit.ask(session, "POST", MAPS, kit.config_map("grown", first="1"))
    kind = {"content-type": "application/merge-patch+json"}
    patched = kit.json_of(await kit.ask(session, "PATCH", f"{MAPS}/grown", {"data": many}, kind))
    assert (len(patched["data"]), "managedFields" in patched["metadata"]) == (10_000, False)
    named = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "grown"}}
    applied = {"content-type": "application/apply-patch+yaml"}
    answer = kit.json_of(await kit.ask(session, "PATCH", f"{MAPS}/grown?fieldManager=me", named, applied))
    assert (answer["code"], answer["message"]) == (500, "etcdserver: request is too large")
