"""From Endpoints somebody writes by hand to slices: a table of whole plans."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.views import view_of
from kube_actors.plan.endpoints import CreateSlice, DeleteSlice, UpdateSlice
from kube_actors.plan.mirrored_slices import plan_mirrored_slices

LABELS = {
    "app": "db",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
}
READY = {"ready": True}
NOT_READY = {"ready": False}
SUBSET = {
    "addresses": [{"ip": "192.0.2.2", "hostname": "second"}, {"ip": "192.0.2.1", "nodeName": "node-1"}],
    "notReadyAddresses": [{"ip": "192.0.2.3"}],
    "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}],
}
PORTS = [{"name": "sql", "port": 5432, "protocol": "TCP"}]


def endpoints(*subsets: dict[str, Any], **metadata: Any) -> Any:
    """An Endpoints object."""
    base = {"name": "db", "namespace": "shop", "uid": "e1", "labels": {"app": "db"}}
    return view_of("endpoints", {"metadata": {**base, **metadata}, "subsets": list(subsets)})


def service(**spec: Any) -> Any:
    """Its Service."""
    return view_of("services", {"metadata": {"name": "db", "namespace": "shop"}, "spec": spec})


def mirrored(*places: tuple[str, bool], name: str = "db-1", family: str = "IPv4", **metadata: Any) -> Any:
    """A slice made before."""
    found = [{"addresses": [ip], "conditions": READY if ready else NOT_READY} for ip, ready in places]
    base = {"name": name, "uid": f"uid-{name}", "labels": LABELS}
    body = {"metadata": {**base, **metadata}, "addressType": family, "endpoints": found, "ports": PORTS}
    return view_of("endpointslices.discovery.k8s.io", body)


def test_a_first_slice() -> None:
    """Complete, owned by the Endpoints object, without what only concerns that."""
    annotations = {"note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    (action,) = plan_mirrored_slices(endpoints(SUBSET, annotations=annotations), service(), [])
    assert action == CreateSlice(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": "db-",
                "namespace": "shop",
                "labels": LABELS,
                "annotations": {"note": "kept"},
                "ownerReferences": [
                    {
                        "apiVersion": "v1",
                        "kind": "Endpoints",
                        "name": "db",
                        "uid": "e1",
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["192.0.2.1"], "conditions": READY, "nodeName": "node-1"},
                {"addresses": ["192.0.2.2"], "conditions": READY, "hostname": "second"},
                {"addresses": ["192.0.2.3"], "conditions": NOT_READY},
            ],
            "ports": PORTS,
        }
    )


def test_families_and_ports_apart() -> None:
    """A slice holds one family, and one list of ports."""
    other = {"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 80, "protocol": "TCP"}]}
    six = {**SUBSET, "addresses": [{"ip": "2001:db8::1"}], "notReadyAddresses": []}
    actions = plan_mirrored_slices(endpoints(SUBSET, six, other), service(), [])
    made = [action.body for action in actions if isinstance(action, CreateSlice)]
    assert [(one["addressType"], len(one["endpoints"]), one["ports"][0]["port"]) for one in made] == [
        ("IPv4", 3, 5432),
        ("IPv6", 1, 5432),
        ("IPv4", 1, 80),
    ]


PLAIN = {"addresses": [{"ip": "192.0.2.1"}], "ports": PORTS}
HALF = {"notReadyAddresses": [{"ip": "192.0.2.1"}], "ports": PORTS}


@pytest.mark.parametrize(
    ("found", "owner", "slices", "does"),
    [
        pytest.param(endpoints(PLAIN), service(), [mirrored(("192.0.2.1", True))], [], id="equal"),
        pytest.param(endpoints(PLAIN), service(), [mirrored(("192.0.2.7", True))], [UpdateSlice], id="changed"),
        pytest.param(endpoints(HALF), service(), [mirrored(("192.0.2.1", False))], [], id="not ready, and equal"),
        pytest.param(endpoints(), service(), [mirrored(("192.0.2.1", True))], [DeleteSlice], id="emptied"),
        pytest.param(endpoints(PLAIN), None, [mirrored(("192.0.2.1", True))], [DeleteSlice], id="no service"),
        pytest.param(endpoints(PLAIN), service(selector={"a": "b"}), [], [], id="selector"),
        pytest.param(
            endpoints(PLAIN),
            service(selector={"a": "b"}),
            [mirrored(("192.0.2.1", True))],
            [DeleteSlice],
            id="selector now",
        ),
        pytest.param(
            endpoints(PLAIN, labels={"endpointslice.kubernetes.io/skip-mirror": "true"}),
            service(),
            [],
            [],
            id="skipped",
        ),
        pytest.param(
            endpoints(PLAIN, annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}),
            service(),
            [],
            [],
            id="lease",
        ),
        pytest.param(
            endpoints(PLAIN),
            service(),
            [mirrored(("192.0.2.1", True)), mirrored(("192.0.2.1", True), name="db-2")],
            [DeleteSlice],
            id="one too many",
        ),
        pytest.param(
            endpoints(PLAIN),
            service(),
            [mirrored(("192.0.2.1", True), labels={"kubernetes.io/service-name": "db"})],
            [CreateSlice],
            id="somebody else's",
        ),
    ],
)
def test_upkeep(found: Any, owner: Any, slices: list[Any], does: list[type]) -> None:
    """What is there is changed as little as possible; only our own slices are touched."""
    assert [type(action) for action in plan_mirrored_slices(found, owner, slices)] == does


def test_only_ready_is_told() -> None:
    """An update, too, writes nothing of serving and terminating, which an Endpoints object does not know."""
    (action,) = plan_mirrored_slices(endpoints(HALF), service(), [mirrored(("192.0.2.7", True))])
    assert isinstance(action, UpdateSlice)
    assert action.endpoints == ({"addresses": ["192.0.2.1"], "conditions": {"ready": False}},)
