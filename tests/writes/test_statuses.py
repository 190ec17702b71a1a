"""What a status may not say, and what the server adds to it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes.admission import Admission
from kube_actors.writes.plugins import VolumePhases, built_in_admission

from .world import World, pod

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
NAMED = {"name": "web", "namespace": "default"}


@pytest.mark.parametrize(
    ("kind", "status", "causes"),
    [
        ("Deployment", {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 1}, []),
        (
            "Deployment",
            {"replicas": 1, "updatedReplicas": 2, "readyReplicas": 0, "availableReplicas": 1},
            [
                "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas",
                "status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas",
            ],
        ),
        (
            "ReplicaSet",
            {"replicas": 1, "fullyLabeledReplicas": -1},
            ["status.fullyLabeledReplicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            "StatefulSet",
            {"replicas": 3, "readyReplicas": 1, "availableReplicas": 2},
            ["status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas"],
        ),
    ],
)
async def test_counts(kind: str, status: dict[str, Any], causes: list[str]) -> None:
    """A part is not more than the whole."""
    world = await World().with_namespace()
    spec = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
    await world.client.create({"apiVersion": "apps/v1", "kind": kind, "metadata": NAMED, "spec": spec})
    key = Key(f"{kind.lower()}s.apps", "default", "web")
    try:
        await world.client.mutate(key, lambda body: body.update(status=status), subresource="status")
        found: list[str] = []
    except ApiError as error:
        found = [f"{each.field}: {each.message}" for each in error.causes]
    assert found == causes


async def test_when_a_volume_came_into_its_phase() -> None:
    """Dated when it is made and when the phase changes, not by other changes of the status."""
    now = [1_000_000.0]
    world = World(lambda _store: Admission(mutating=(VolumePhases(lambda: now[0]),)))
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/v"}}
    await world.client.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec})
    key = Key("persistentvolumes", "", "v")

    def dated() -> Any:
        found = world.store.get(key)
        assert found is not None
        return found.body()["status"]["lastPhaseTransitionTime"]

    assert dated() == "1970-01-12T13:46:40Z"
    now[0] += 60
    await world.client.mutate(key, lambda body: body["status"].update(message="m"), subresource="status")
    assert dated() == "1970-01-12T13:46:40Z"
    await world.client.mutate(key, lambda body: body["status"].update(phase="Available"), subresource="status")
    assert dated() == "1970-01-12T13:47:40Z"


async def test_what_was_observed_of_a_pod_stays() -> None:
    """Old kubelets leave the class of quality out; nobody changes it."""
    world = await World().with_namespace()
    await world.client.create(pod())
    key = Key("pods", "default", "web")
    running = {"phase": "Running", "observedGeneration": 3}
    await world.client.mutate(key, lambda body: body.update(status=dict(running)), subresource="status")
    told = await world.client.mutate(key, lambda body: body.update(status={"phase": "Running"}), subresource="status")
    assert told.body()["status"] == {**running, "qosClass": "BestEffort"}
    addressed = {"phase": "Running", "podIP": "10.0.0.9"}
    told = await world.client.mutate(key, lambda body: body.update(status=dict(addressed)), subresource="status")
    assert told.body()["status"]["podIPs"] == [{"ip": "10.0.0.9"}]
    with pytest.raises(ApiError, match='Invalid value: "Guaranteed": field is immutable'):
        await world.client.mutate(key, lambda body: body["status"].update(qosClass="Guaranteed"), subresource="status")


async def test_endpoints_lead_elsewhere() -> None:
    """Addresses of the loopback are refused, but for the API's own."""
    world = World(lambda store: built_in_admission(store, random.Random(1)))
    await world.with_namespace()
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": NAMED}
    subset = {"addresses": [{"ip": "127.0.0.1"}, {"ip": "192.0.2.1"}], "ports": [{"port": 1}]}
    with pytest.raises(ApiError, match=r"subsets\[0\]\.addresses\[0\]\.ip: .* may not be in the loopback range"):
        await world.client.create({**body, "subsets": [subset]})
    api = {"name": "kubernetes", "namespace": "default"}
    assert await world.client.create({**body, "metadata": api, "subsets": [subset]})
