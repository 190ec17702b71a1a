"""The service model and its changes."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.network.services import (
    Changes,
    Endpoint,
    EndpointSlice,
    PublishedPort,
    PublishedService,
    ServiceKey,
    ServiceName,
    ServicePort,
    ServiceTable,
    SliceEndpoint,
    SlicePort,
    diff,
    service_ports,
)

from .planes import RememberingPlane

WEB = ServiceName("default", "web")
HTTP = PublishedPort("http", "TCP", 80)
SERVICE = PublishedService(WEB, "10.96.0.7", (HTTP,))


def slice_of(*endpoints: SliceEndpoint, port: int = 8080) -> EndpointSlice:
    """A slice with the http port."""
    return EndpointSlice((SlicePort("http", "TCP", port),), endpoints)


def endpoints_of(*slices: EndpointSlice, withdrawn: frozenset[str] = frozenset()) -> list[str]:
    """Addresses that get traffic."""
    (port,) = service_ports(SERVICE, slices, withdrawn=withdrawn)
    return [endpoint.address for endpoint in port.endpoints]


def test_a_service_leads_to_its_ready_endpoints() -> None:
    """Sorted, once each, with the slice's port number and the Service's affinity."""
    slices = [
        slice_of(SliceEndpoint("10.244.0.3"), SliceEndpoint("10.244.0.9", ready=False)),
        slice_of(SliceEndpoint("10.244.0.2"), SliceEndpoint("10.244.0.3")),
    ]
    assert service_ports(attrs.evolve(SERVICE, affinity_seconds=600), slices) == (
        ServicePort(
            "10.96.0.7", "TCP", 80, (Endpoint("10.244.0.2", 8080), Endpoint("10.244.0.3", 8080)), 600, WEB, "http"
        ),
    )


def test_ports_are_matched_by_name_and_protocol() -> None:
    """dns over UDP and TCP share a number, not endpoints; a port that slices do not have leads nowhere."""
    ports = (
        PublishedPort("dns", "UDP", 53),
        PublishedPort("dns-tcp", "TCP", 53),
        PublishedPort("metrics", "TCP", 9153),
    )
    slice_ = EndpointSlice(
        (SlicePort("dns", "UDP", 5353), SlicePort("dns-tcp", "TCP", 5354)), (SliceEndpoint("10.0.0.1"),)
    )
    found = service_ports(attrs.evolve(SERVICE, ports=ports), [slice_])
    assert {port.name: port.endpoints for port in found} == {
        "default/web:dns": (("10.0.0.1", 5353),),
        "default/web:dns-tcp": (("10.0.0.1", 5354),),
        "default/web:metrics": (),
    }


def test_terminating_endpoints_serve_when_none_is_ready() -> None:
    """kube-proxy's fallback: serving and terminating, but never one that is merely not ready."""
    leaving = SliceEndpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    gone = SliceEndpoint("10.0.0.2", ready=False, serving=False, terminating=True)
    starting = SliceEndpoint("10.0.0.3", ready=False, serving=False)
    assert endpoints_of(slice_of(leaving, gone, starting)) == ["10.0.0.1"]
    assert endpoints_of(slice_of(leaving, gone, starting, SliceEndpoint("10.0.0.4"))) == ["10.0.0.4"]


def test_a_withdrawn_pod_counts_as_terminating() -> None:
    """New connections go elsewhere before the slice says so; the last one serves on."""
    one, two = (SliceEndpoint(f"10.0.0.{n}", target_uid=f"uid-{n}") for n in (1, 2))
    assert endpoints_of(slice_of(one, two), withdrawn=frozenset({"uid-1"})) == ["10.0.0.2"]
    assert endpoints_of(slice_of(one, two), withdrawn=frozenset({"uid-1", "uid-2"})) == ["10.0.0.1", "10.0.0.2"]


def test_headless_services_have_no_service_ports() -> None:
    """Their clients go to the pods themselves."""
    assert service_ports(attrs.evolve(SERVICE, cluster_ip=None), [slice_of(SliceEndpoint("10.0.0.1"))]) == ()


def test_node_ports_and_external_ips_lead_to_the_same_endpoints() -> None:
    """Each node's address with the node port, each external IP with the Service's port."""
    service = attrs.evolve(SERVICE, ports=(attrs.evolve(HTTP, node_port=30080),), external_ips=("203.0.113.9",))
    found = service_ports(service, [slice_of(SliceEndpoint("10.0.0.1"))], node_addresses=("10.112.0.1", "10.112.0.2"))
    assert [port.key for port in found] == [
        ("10.96.0.7", "TCP", 80),
        ("203.0.113.9", "TCP", 80),
        ("10.112.0.1", "TCP", 30080),
        ("10.112.0.2", "TCP", 30080),
    ]
    assert {port.endpoints for port in found} == {(("10.0.0.1", 8080),)}


def port(number: int, *addresses: str, service: ServiceName = WEB) -> ServicePort:
    """A service port of 10.96.0.7."""
    return ServicePort("10.96.0.7", "TCP", number, tuple(Endpoint(a, 80) for a in addresses), None, service)


def test_a_diff_is_minimal_and_sorted() -> None:
    """What stayed the same is not touched."""
    old = {p.key: p for p in (port(1, "a"), port(2, "b"), port(3, "c"))}
    new = {p.key: p for p in (port(4, "d"), port(2, "b", "x"), port(1, "a"))}
    assert diff(old, new) == Changes((port(2, "b", "x"), port(4, "d")), (ServiceKey("10.96.0.7", "TCP", 3),))
    assert not diff(new, new)


def test_a_table_says_only_what_changed() -> None:
    """Setting the same again changes nothing; a Service that goes takes its ports along."""
    table = ServiceTable()
    assert table.update(WEB, [port(1, "a"), port(2, "b")]) == Changes((port(1, "a"), port(2, "b")))
    assert not table.update(WEB, [port(1, "a"), port(2, "b")])
    assert table.update(WEB, [port(1, "a", "c")]) == Changes((port(1, "a", "c"),), (ServiceKey("10.96.0.7", "TCP", 2),))
    assert table.update(WEB, []) == Changes((), (ServiceKey("10.96.0.7", "TCP", 1),))
    assert table.ports() == {}


def test_an_address_passes_from_one_service_to_another_in_either_order() -> None:
    """A ClusterIP seen at its new owner before the old one was seen to go ends where it belongs."""
    other = ServiceName("default", "zoo")
    table = ServiceTable()
    table.update(WEB, [port(1, "a")])
    assert not table.update(other, [port(1, "z", service=other)])
    assert table.update(WEB, []) == Changes((port(1, "z", service=other),))


SERVICES = [ServiceName("default", name) for name in "abc"]


@st.composite
def updates(draw: st.DrawFn) -> tuple[ServiceName, list[ServicePort]]:
    """A Service and what it publishes, with collisions between Services."""
    service = draw(st.sampled_from(SERVICES))
    numbers = draw(st.lists(st.integers(1, 3), unique=True, max_size=3))
    return service, [port(n, *draw(st.sets(st.sampled_from("xyz"))), service=service) for n in numbers]


@settings(deadline=None)
@given(st.lists(updates(), max_size=30))
def test_a_data_plane_after_any_changes_equals_the_model_from_scratch(
    steps: list[tuple[ServiceName, list[ServicePort]]],
) -> None:
    """Following the changes one by one ends where programming the final state would."""
    table, plane = ServiceTable(), RememberingPlane()
    published: dict[ServiceName, list[ServicePort]] = {}
    for service, ports in steps:
        plane.submit(table.update(service, ports))
        published[service] = ports
        expected: dict[ServiceKey, ServicePort] = {}
        for name in sorted(published, reverse=True):
            expected.update((p.key, p) for p in published[name])
        assert plane.ports == table.ports() == expected
