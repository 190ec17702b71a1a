"""Admission: the built-in plugins, and plugins that have to be waited for."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Awaitable
from typing import Any, ClassVar

import attrs
import pytest
import trio

from kube_actors.errors import ApiError, forbidden
from kube_actors.store import Key, Store
from kube_actors.writes import Admission
from kube_actors.writes.admission import Resources
from kube_actors.writes.plugins import ServiceAddresses, StopSignals
from kube_actors.writes.request import Operation, Request

from .world import World, config_map, deployment, pod

SETTINGS = Key("configmaps", "default", "settings")


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


def _service(name: str = "web", **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


async def test_default_tolerations(world: World) -> None:
    """Both are added unless the pod tolerates the taint itself."""
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    body = (await world.client.create(pod(tolerations=[own]))).body()
    unreachable = {**own, "key": "node.kubernetes.io/unreachable", "tolerationSeconds": 300}
    assert body["spec"]["tolerations"] == [own, unreachable]
    everything = (await world.client.create(pod("all", tolerations=[{"operator": "Exists"}]))).body()
    assert everything["spec"]["tolerations"] == [{"operator": "Exists"}]


async def test_priorities(world: World) -> None:
    """The class's number goes into the pod; the system's classes are always there; unknown ones are refused."""
    scheduling = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    await world.client.create({**scheduling, "metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"})
    high = (await world.client.create(pod("a", priorityClassName="high"))).body()["spec"]
    assert (high["priority"], high["preemptionPolicy"]) == (1000, "Never")
    system = (await world.client.create(pod("b", priorityClassName="system-node-critical"))).body()["spec"]
    assert system["priority"] == 2000001000
    with pytest.raises(ApiError, match='pods "c" is forbidden: no PriorityClass with name none was found'):
        await world.client.create(pod("c", priorityClassName="none"))
    with pytest.raises(ApiError, match=r"the integer value of priority \(7\) must not be provided"):
        await world.client.create(pod("d", priority=7))
    await world.client.create({**scheduling, "metadata": {"name": "usual"}, "value": 10, "globalDefault": True})
    usual = (await world.client.create(pod("e"))).body()["spec"]
    assert (usual["priority"], usual["priorityClassName"]) == (10, "usual")


async def test_replacing_a_pod_by_its_manifest(world: World) -> None:
    """What admission added when the pod was created is not missed when its manifest is applied or sent again."""
    await world.client.apply(pod())
    assert (await world.client.apply(pod())).outcome == "unchanged"


async def test_cluster_ips(world: World) -> None:
    """Each service gets its own, keeps it, and gives it back."""
    first = (await world.client.create(_service("a"))).body()["spec"]
    address = first["clusterIP"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.96.0.0/12")
    assert (first["clusterIPs"], first["ipFamilies"], first["ipFamilyPolicy"]) == ([address], ["IPv4"], "SingleStack")
    with pytest.raises(ApiError, match="provided IP is already allocated"):
        await world.client.create(_service("b", clusterIP=address))
    kept = (await world.client.update(_service("a", selector={"x": "y"}))).body()["spec"]
    assert kept["clusterIP"] == address
    await world.client.delete(Key("services", "default", "a"))
    assert (await world.client.create(_service("b", clusterIP=address))).body()["spec"]["clusterIP"] == address


async def test_services_without_an_address(world: World) -> None:
    """Headless services and external names get none; one outside the range is refused."""
    headless = (await world.client.create(_service("a", clusterIP="None"))).body()["spec"]
    assert headless["clusterIPs"] == ["None"]
    external = (await world.client.create(_service("b", type="ExternalName", externalName="example.com"))).body()[
        "spec"
    ]
    assert "clusterIP" not in external
    with pytest.raises(ApiError, match="the provided network does not match the current range"):
        await world.client.create(_service("c", clusterIP="192.168.0.1"))


async def test_further_ranges(world: World) -> None:
    """Services may name addresses of other ServiceCIDRs, and get them when the default range is full."""
    network = ipaddress.IPv4Network("10.0.0.0/30")
    world = World(lambda store: Admission(allocating=(ServiceAddresses.over(store, random.Random(1), network),)))
    metadata = {"name": "more"}
    more = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": metadata}
    await world.client.create({**more, "spec": {"cidrs": ["10.1.0.0/28"]}})
    named = await world.client.create(_service("named", clusterIP="10.1.0.14"))
    assert named.body()["spec"]["clusterIP"] == "10.1.0.14"
    given = [(await world.client.create(_service(f"s-{number}"))).body()["spec"]["clusterIP"] for number in range(3)]
    assert [ipaddress.ip_address(each) in network for each in given] == [True, True, False]
    not_ready = {"conditions": [{"type": "Ready", "status": "False", "reason": "", "message": "no"}]}
    key = Key("servicecidrs.networking.k8s.io", "", "more")
    await world.client.mutate(key, lambda body: body.update(status=not_ready), subresource="status")
    with pytest.raises(ApiError, match="range is full"):
        await world.client.create(_service("one-too-many"))


async def test_an_address_that_is_spoken_for(world: World) -> None:
    """An IPAddress that a person made keeps its address from services."""
    parent = {"group": "gateway.networking.k8s.io", "resource": "gateways", "namespace": "default", "name": "g"}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": "10.96.0.9"}}
    await world.client.create({**body, "spec": {"parentRef": parent}})
    with pytest.raises(ApiError, match="provided IP is already allocated"):
        await world.client.create(_service("a", clusterIP="10.96.0.9"))


async def test_health_check_ports(world: World) -> None:
    """A load balancer that keeps traffic on its node has a port to ask at: given, kept, fixed, and given back."""
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    made = (await world.client.create(_service("a", **local))).body()["spec"]
    port = made["healthCheckNodePort"]
    assert 30000 <= port <= 32767
    kept = (await world.client.update(_service("a", **local, selector={"x": "y"}))).body()["spec"]
    assert kept["healthCheckNodePort"] == port
    with pytest.raises(ApiError, match=r"spec\.healthCheckNodePort: Invalid value: 30001: field is immutable"):
        await world.client.update(_service("a", **local, healthCheckNodePort=30001))
    with pytest.raises(ApiError, match="provided port is already allocated"):
        await world.client.create(_service("b", **local, healthCheckNodePort=port))
    with pytest.raises(ApiError, match="may only be set when `type` is 'LoadBalancer' and"):
        await world.client.create(_service("b", healthCheckNodePort=30001))
    plain = (await world.client.update(_service("a", type="ClusterIP"))).body()["spec"]
    assert "healthCheckNodePort" not in plain
    assert (await world.client.create(_service("b", **local, healthCheckNodePort=port))).body()


async def test_dry_run_takes_no_address() -> None:
    """A range of six holds six services, however many dry runs came before."""
    network = ipaddress.IPv4Network("10.0.0.0/29")
    world = World(lambda store: Admission(allocating=(ServiceAddresses.over(store, random.Random(1), network),)))
    for number in range(20):
        await world.client.create(_service(f"dry-{number}"), dry_run=True)
    given = {(await world.client.create(_service(f"s-{number}"))).body()["spec"]["clusterIP"] for number in range(6)}
    assert len(given) == 6
    with pytest.raises(ApiError, match="range is full"):
        await world.client.create(_service("one-too-many"))


async def test_node_ports(world: World) -> None:
    """Given out from 30000-32767, kept over updates, dropped with the type, never given twice."""
    spec = (await world.client.create(_service("a", type="NodePort"))).body()["spec"]
    port = spec["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    again = (await world.client.update(_service("a", type="NodePort", selector={"x": "y"}))).body()["spec"]
    assert again["ports"][0]["nodePort"] == port
    taken = [{"port": 1, "nodePort": port}]
    with pytest.raises(ApiError, match=r"nodePort: Invalid value: \d+: provided port is already allocated"):
        await world.client.create(_service("b", type="NodePort", ports=taken))
    with pytest.raises(ApiError, match="The range of valid ports is 30000-32767"):
        await world.client.create(_service("b", type="NodePort", ports=[{"port": 1, "nodePort": 80}]))
    plain = (await world.client.update(_service("a"))).body()["spec"]
    assert "nodePort" not in plain["ports"][0]


async def test_the_lower_node_ports_are_given_out_last() -> None:
    """They stay for services that name theirs: 16 of 20, until there are no others."""

    def over(store: Store) -> Admission:
        return Admission(allocating=(ServiceAddresses.over(store, random.Random(1), node_ports=range(30000, 30020)),))

    world = World(over)
    made = [await world.client.create(_service(f"s-{number}", type="NodePort")) for number in range(20)]
    given = [each.body()["spec"]["ports"][0]["nodePort"] for each in made]
    assert sorted(given[:4]) == [30016, 30017, 30018, 30019]
    assert sorted(given[4:]) == list(range(30000, 30016))
    with pytest.raises(ApiError, match="failed to allocate a nodePort: range is full"):
        await world.client.create(_service("one-too-many", type="NodePort"))


class Slow:
    """A webhook of a kind: asks somebody, and the first `times` times bob writes meanwhile."""

    resources: ClassVar[Resources] = None
    world: World

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0

    def matches(self, request: Request) -> bool:
        """Updates of ConfigMaps by alice."""
        return request.operation is Operation.UPDATE and request.identity.user == "alice"

    def admit(self, request: Request) -> Awaitable[None] | None:
        """Adds a label after a while."""
        self.asked += 1
        return self._ask(request)

    async def _ask(self, request: Request) -> None:
        await trio.lowlevel.checkpoint()
        if self.asked <= self.times:
            bob = self.world.named("bob")
            await bob.mutate(SETTINGS, lambda body: body["data"].update(bob=str(self.asked)))
        request.new["metadata"]["labels"] = {"seen": str(self.asked)}


async def _overtaken(times: int) -> tuple[World, Slow]:
    """A world in which bob is faster than alice this many times."""

    slow = Slow(times)
    world = slow.world = World(Admission(mutating=(slow,)))
    await world.client.create(config_map(a="1"))
    return world, slow


async def test_a_request_that_is_overtaken_starts_again() -> None:
    """Nothing of the other writer's is lost, and the plugin sees the object as it is then."""
    world, slow = await _overtaken(5)
    revision = await world.client.mutate(SETTINGS, lambda body: body["data"].update(a="2"))
    assert (slow.asked, revision.body()["data"]) == (6, {"a": "2", "bob": "5"})
    assert revision.projection.labels == {"seen": "6"}


async def test_five_times_is_enough() -> None:
    """After the fifth try the client is told."""
    world, slow = await _overtaken(99)
    with pytest.raises(ApiError, match="the object has been modified") as caught:
        await world.client.mutate(SETTINGS, lambda body: body["data"].update(a="2"))
    assert (slow.asked, caught.value.reason) == (6, "Conflict")


async def test_a_named_version_is_tried_once() -> None:
    """Who names the version it means is told at once."""
    world, slow = await _overtaken(1)
    body = world.client.live(SETTINGS).body()
    with pytest.raises(ApiError, match="the object has been modified"):
        await world.client.update({**body, "data": {"a": "2"}})
    assert slow.asked == 1


class Strict:
    """Refuses whatever says so."""

    resources: ClassVar[Resources] = None

    def matches(self, request: Request) -> bool:
        """Every write."""
        return True

    def admit(self, request: Request) -> None:
        """403."""
        if (request.new.get("data") or {}).get("evil"):
            raise forbidden("configmaps", request.key.name, "no evil here")


async def test_validating_plugins_refuse() -> None:
    """Nothing is stored."""
    world = World(Admission(validating=(Strict(),)))
    with pytest.raises(ApiError, match='configmaps "settings" is forbidden: no evil here'):
        await world.client.create(config_map(evil="yes"))
    assert world.client.get(SETTINGS) is None


async def test_stop_signals_are_dropped() -> None:
    """Their feature is off: new ones go, with a warning; the rest of a lifecycle stays, and so does what was there."""
    world = await World().with_namespace()
    plain = {"name": "plain", "image": "a:1", "lifecycle": {"stopSignal": "SIGUSR1"}}
    hooked = {
        "name": "hooked",
        "image": "a:1",
        "lifecycle": {"stopSignal": "SIGUSR1", "preStop": {"sleep": {"seconds": 1}}},
    }
    made = (await world.client.create(pod(containers=[plain, hooked]))).body()["spec"]["containers"]
    assert "lifecycle" not in made[0]
    assert made[1]["lifecycle"] == {"preStop": {"sleep": {"seconds": 1}}}
    why = "dropped, for the feature ContainerStopSignals is off"
    assert world.warnings == [f"spec.containers[].lifecycle.stopSignal: {why}"]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [plain]}}
    made = (await world.client.create(deployment(template=template))).body()["spec"]["template"]["spec"]["containers"]
    assert "lifecycle" not in made[0]
    before = await World(Admission()).with_namespace()
    await before.client.create(deployment(template=template))
    before.pipeline = attrs.evolve(before.pipeline, admission=Admission((StopSignals(),)))
    changed = await before.named("alice").mutate(
        Key("deployments.apps", "default", "web"), lambda body: body["spec"].update(replicas=2)
    )
    assert changed.body()["spec"]["template"]["spec"]["containers"][0]["lifecycle"] == {"stopSignal": "SIGUSR1"}
