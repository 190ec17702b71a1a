"""EndpointSlices and Endpoints: who is in them, and how little is written."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.views import body_of, structure
from kube_actors.api.views.pods import PodView
from kube_actors.api.views.services import Endpoint, EndpointConditions, EndpointSliceView, EndpointsView, ServiceView
from kube_actors.plan.endpoint_pods import ServicePod
from kube_actors.plan.endpoints import CreateSlice, DeleteSlice, EndpointsAction, UpdateSlice, plan_endpoints
from kube_actors.plan.legacy_endpoints import plan_legacy_endpoints


def a_service(**spec: Any) -> ServiceView:
    """The service web in the namespace shop, port 80 to the pods' port named http."""
    body = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "svc", "labels": {"team": "x"}},
        "spec": {
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
            **spec,
        },
    }
    return structure(ServiceView, body)


def a_pod(number: int, port: int = 8080, **facts: Any) -> ServicePod:
    """A ready pod with an address of its own."""
    usual: dict[str, Any] = {"node": "n1", "ready": True, "ports": (("http", "TCP", port),)}
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return ServicePod(f"u{number}", "shop", f"web-{number:04}", address, **{**usual, **facts})


SERVICE = a_service()
LABELS = {
    "team": "x",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
}


class Written:
    """The slices as they are after performing plans."""

    def __init__(self) -> None:
        self.slices: dict[str, EndpointSliceView] = {}
        self._made = 0

    def perform(self, actions: tuple[EndpointsAction, ...]) -> Counter[str]:
        """Write what a plan says; how often it did what."""
        for action in actions:
            match action:
                case CreateSlice(body):
                    self._made += 1
                    name = f"web-{self._made:03}"
                    metadata = {**body["metadata"], "name": name, "uid": name}
                    self.slices[name] = structure(EndpointSliceView, {**body, "metadata": metadata})
                case UpdateSlice(name, uid, labels, endpoints):
                    before = self.slices[name]
                    assert before.metadata.uid == uid
                    metadata_after = attrs.evolve(before.metadata, labels=dict(labels))
                    found = tuple(structure(Endpoint, one) for one in endpoints)
                    self.slices[name] = attrs.evolve(before, metadata=metadata_after, endpoints=found)
                case DeleteSlice(name, _):
                    del self.slices[name]
        return Counter(type(action).__name__ for action in actions)

    def settle(self, pods: list[ServicePod], service: ServiceView = SERVICE) -> Counter[str]:
        """Plan and perform; a second plan has nothing left to do."""
        done = self.perform(plan_endpoints(service, pods, self.slices.values()))
        assert plan_endpoints(service, pods, self.slices.values()) == ()
        return done

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint of every slice."""
        return [endpoint for one in self.slices.values() for endpoint in one.endpoints]


def test_a_first_slice() -> None:
    """The complete object for two pods, one of them not ready."""
    (create,) = plan_endpoints(SERVICE, [a_pod(2, ready=False, zone="z"), a_pod(1)], [])

    def endpoint(number: int, ready: bool) -> dict[str, Any]:
        return {
            "addresses": [f"10.0.0.{number + 1}"],
            "conditions": {"ready": ready, "serving": ready, "terminating": False},
            "nodeName": "n1",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": f"web-000{number}", "uid": f"u{number}"},
        }

    assert create == CreateSlice(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": "web-",
                "namespace": "shop",
                "labels": LABELS,
                "ownerReferences": [
                    {
                        "apiVersion": "v1",
                        "kind": "Service",
                        "name": "web",
                        "uid": "svc",
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "addressType": "IPv4",
            "endpoints": [endpoint(1, True), {**endpoint(2, False), "zone": "z"}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    )


def test_conditions() -> None:
    """Ready wants traffic, serving answers, terminating is on its way out."""
    written = Written()
    written.settle([a_pod(1), a_pod(2, ready=False), a_pod(3, deleting=True), a_pod(4, ready=False, deleting=True)])
    assert [endpoint.conditions for endpoint in written.endpoints()] == [
        EndpointConditions(ready=True, serving=True, terminating=False),
        EndpointConditions(ready=False, serving=False, terminating=False),
        EndpointConditions(ready=False, serving=True, terminating=True),
        EndpointConditions(ready=False, serving=False, terminating=True),
    ]
    published = Written()
    published.settle([a_pod(1, ready=False, deleting=True)], a_service(publishNotReadyAddresses=True))
    assert published.endpoints()[0].conditions == EndpointConditions(ready=True, serving=False, terminating=True)


def test_who_is_left_out() -> None:
    """Pods that are over, have no address, or one of another family."""
    written = Written()
    written.settle([a_pod(1, over=True), attrs.evolve(a_pod(2), address=""), attrs.evolve(a_pod(3), address="fd00::1")])
    assert written.endpoints() == []


def test_a_service_without_endpoints_keeps_one_empty_slice() -> None:
    """It is made at once, stays, and gives way to a real one."""
    written = Written()
    assert written.settle([]) == {"CreateSlice": 1}
    assert written.settle([a_pod(1)]) == {"DeleteSlice": 1, "CreateSlice": 1}
    assert written.settle([]) == {"DeleteSlice": 1, "CreateSlice": 1}
    assert [one.ports for one in written.slices.values()] == [()]


def test_named_ports_may_differ_from_pod_to_pod() -> None:
    """Pods of an older version with another number get a slice of their own; one without the port offers none."""
    written = Written()
    written.settle([a_pod(1), a_pod(2, port=9090), a_pod(3, ports=())])
    offered = sorted((tuple(port.port for port in one.ports), len(one.endpoints)) for one in written.slices.values())
    assert offered == [((), 1), ((8080,), 1), ((9090,), 1)]
    numbered = Written()
    numbered.settle([a_pod(1)], a_service(ports=[{"port": 80}, {"name": "b", "port": 81, "targetPort": 8081}]))
    assert [port.port for one in numbered.slices.values() for port in one.ports] == [80, 8081]


def test_little_is_written() -> None:
    """250 pods fill three slices; a change of one pod writes one slice; a new pod goes where there is room."""
    written = Written()
    pods = [a_pod(number) for number in range(250)]
    assert written.settle(pods) == {"CreateSlice": 3}
    assert sorted(len(one.endpoints) for one in written.slices.values()) == [50, 100, 100]
    pods[7] = attrs.evolve(pods[7], ready=False)
    assert written.settle(pods) == {"UpdateSlice": 1}
    assert written.settle([*pods, a_pod(300)]) == {"UpdateSlice": 1}
    assert written.settle([*pods[:5], a_pod(301), *pods[6:], a_pod(300)]) == {"UpdateSlice": 1}
    assert written.settle(pods[:100]) == {"DeleteSlice": 2} | Counter(UpdateSlice=1)


def test_changed_labels_are_written() -> None:
    """A headless service marks its slices; pods with a subdomain get names."""
    written = Written()
    pod = a_pod(1, hostname="one", subdomain="web")
    written.settle([pod])
    assert written.settle([pod], a_service(clusterIP="None")) == {"UpdateSlice": 1}
    (one,) = written.slices.values()
    assert (one.metadata.labels, one.endpoints[0].hostname) == ({**LABELS, "service.kubernetes.io/headless": ""}, "one")


def test_what_is_not_ours_is_left_alone() -> None:
    """Other people's slices, services without a selector, and external names."""
    foreign = structure(
        EndpointSliceView,
        {"metadata": {"name": "mine", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4"},
    )
    assert [type(one) for one in plan_endpoints(SERVICE, [a_pod(1)], [foreign])] == [CreateSlice]
    assert plan_endpoints(a_service(selector={}), [a_pod(1)], []) == ()
    assert plan_endpoints(a_service(type="ExternalName"), [a_pod(1)], []) == ()
    assert plan_legacy_endpoints(a_service(selector={}), [a_pod(1)], None) is None


@given(
    st.lists(
        st.dictionaries(st.integers(0, 260), st.tuples(st.booleans(), st.booleans(), st.sampled_from([1, 2]))),
        max_size=4,
    )
)
def test_any_history_of_pods_settles(history: list[dict[int, tuple[bool, bool, int]]]) -> None:
    """After any sequence every pod is in exactly one slice, none holds more than 100, and one plan settles it."""
    written = Written()
    for step in history:
        pods = [a_pod(n, port, ready=ready, deleting=out) for n, (ready, out, port) in step.items()]
        written.settle(pods)
        found = [endpoint.target_ref.uid for endpoint in written.endpoints() if endpoint.target_ref]
        assert sorted(found) == sorted(pod.uid for pod in pods)
        assert all(len(one.endpoints) <= 100 for one in written.slices.values())
        assert all(one.endpoints for one in written.slices.values()) or not pods


def test_legacy_endpoints() -> None:
    """Ready and other addresses apart, by address; pods on their way out are not shown; the same again is no write."""
    pods = [a_pod(9), a_pod(2), a_pod(3, ready=False), a_pod(4, deleting=True), a_pod(5, over=True)]
    write = plan_legacy_endpoints(SERVICE, pods, None)
    assert write is not None

    def address(number: int) -> dict[str, Any]:
        return {
            "ip": f"10.0.0.{number + 1}",
            "nodeName": "n1",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": f"web-000{number}", "uid": f"u{number}"},
        }

    assert write.body == {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"team": "x", "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
        },
        "subsets": [
            {
                "addresses": [address(9), address(2)],
                "notReadyAddresses": [address(3)],
                "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            }
        ],
    }
    existing = structure(EndpointsView, write.body)
    assert plan_legacy_endpoints(SERVICE, pods, existing) is None
    assert plan_legacy_endpoints(SERVICE, pods[1:], existing) is not None


def test_too_many_legacy_addresses() -> None:
    """Beyond 1,000 the rest is left out, ready ones first, and the object says so."""
    pods = [a_pod(number, ready=number >= 100) for number in range(1100)]
    write = plan_legacy_endpoints(SERVICE, pods, None)
    assert write is not None
    (subset,) = write.body["subsets"]
    assert (len(subset["addresses"]), "notReadyAddresses" in subset) == (1000, False)
    assert write.body["metadata"]["annotations"] == {"endpoints.kubernetes.io/over-capacity": "truncated"}
    assert plan_legacy_endpoints(SERVICE, pods, structure(EndpointsView, write.body)) is None


def test_a_pods_summary() -> None:
    """Named ports of containers and sidecars, readiness and names, from the pod itself."""
    pod = structure(
        PodView,
        {
            "metadata": {"name": "p", "namespace": "shop", "uid": "u"},
            "spec": {
                "nodeName": "n1",
                "hostname": "one",
                "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 81}]}],
                "initContainers": [
                    {"name": "s", "restartPolicy": "Always", "ports": [{"name": "m", "containerPort": 9}]},
                    {"name": "i", "ports": [{"name": "x", "containerPort": 1}]},
                ],
            },
            "status": {"podIP": "10.0.0.9", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        },
    )
    assert ServicePod.of(pod, zone="z") == ServicePod(
        "u",
        "shop",
        "p",
        "10.0.0.9",
        "n1",
        ready=True,
        hostname="one",
        zone="z",
        ports=(("http", "TCP", 80), ("m", "TCP", 9)),
    )
    assert body_of(Endpoint(("1.2.3.4",)))["addresses"] == ["1.2.3.4"]
