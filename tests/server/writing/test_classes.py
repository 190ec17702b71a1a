"""Classes that are the default of what names none, and what they let those do who have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import MERGE, PODS, Caller, pod

INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
INGRESS = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def is_default(name: str, kind: str) -> dict[str, Any]:
    """Metadata of a default class."""
    return {"name": name, "annotations": {f"{kind}.kubernetes.io/is-default-class": "true"}}


async def a_class(call: Caller, path: str, name: str) -> None:
    """Make a default class; an IngressClass or a StorageClass."""
    kind = path.rpartition("/")[2].removesuffix("es")
    parts = {"spec": {"controller": "example.com/c"}} if kind == "ingressclass" else {"provisioner": "example.com/p"}
    assert (await call("POST", path, {"metadata": is_default(name, kind), **parts})).code == 201


@pytest.mark.parametrize(
    ("path", "classes", "spec", "field", "annotation"),
    [
        (INGRESSES, INGRESS_CLASSES, INGRESS, "ingressClassName", "kubernetes.io/ingress.class"),
        (CLAIMS, STORAGE_CLASSES, CLAIM, "storageClassName", "volume.beta.kubernetes.io/storage-class"),
    ],
)
async def test_the_default_class(
    call: Caller, path: str, classes: str, spec: dict[str, Any], field: str, annotation: str
) -> None:
    """It is filled in when the object is made, unless that says something of its class; of several, the newest."""

    async def made(name: str, **metadata: Any) -> Any:
        reply = await call("POST", path, {"metadata": {"name": name, **metadata}, "spec": spec})
        return reply.body["spec"].get(field)

    assert await made("before") is None
    await a_class(call, classes, "second")
    await a_class(call, classes, "first")
    assert await made("after") == "first"
    assert await made("annotated", annotations={annotation: "own"}) is None
    assert (await call("PATCH", f"{path}/before", {"metadata": {"labels": {"a": "b"}}}, MERGE)).body["spec"].get(
        field
    ) is None


async def test_a_claim_without_a_class_on_purpose(call: Caller) -> None:
    """It says so with an empty name."""
    await a_class(call, STORAGE_CLASSES, "standard")
    reply = await call("POST", CLAIMS, {"metadata": {"name": "c"}, "spec": {**CLAIM, "storageClassName": ""}})
    assert reply.body["spec"]["storageClassName"] == ""


async def test_claims_grow_where_their_class_lets_them(call: Caller) -> None:
    """And once they are bound."""
    await a_class(call, STORAGE_CLASSES, "standard")
    await call("POST", CLAIMS, {"metadata": {"name": "c"}, "spec": CLAIM})
    more = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    assert (await call("PATCH", f"{CLAIMS}/c", more, MERGE)).code == 422
    await call("PATCH", f"{CLAIMS}/c/status", {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}, MERGE)
    refused = await call("PATCH", f"{CLAIMS}/c", more, MERGE)
    why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support"
    assert (refused.code, refused.message) == (403, f'persistentvolumeclaims "c" is forbidden: {why} resize')
    await call("PATCH", f"{STORAGE_CLASSES}/standard", {"allowVolumeExpansion": True}, MERGE)
    assert (await call("PATCH", f"{CLAIMS}/c", more, MERGE)).code == 200


async def test_a_pod_does_not_say_how_it_preempts(call: Caller) -> None:
    """Its priority class does; a pod may repeat that, but not say otherwise."""
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    await call("POST", path, {"metadata": {"name": "calm"}, "value": 5, "preemptionPolicy": "Never"})
    named = {"priorityClassName": "calm"}
    assert (await call("POST", PODS, pod("a", **named))).body["spec"]["preemptionPolicy"] == "Never"
    assert (await call("POST", PODS, pod("b", **named, preemptionPolicy="Never"))).code == 201
    refused = await call("POST", PODS, pod("c", **named, preemptionPolicy="PreemptLowerPriority"))
    why = "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec"
    assert (refused.code, why in refused.message) == (403, True)
