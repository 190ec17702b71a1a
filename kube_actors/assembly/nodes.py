"""From a node of cluster.yaml to the actor that is it: its runtime, its addresses, and the world its pods live in."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network
from pathlib import Path

import attrs
import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.node.actor import NodeActor
from kube_actors.actors.node.link import NodeLink
from kube_actors.actors.node.registration import NodeFacts, handlers_of
from kube_actors.actors.pod.world import PodWorld, Users
from kube_actors.api.quantity import Quantity
from kube_actors.api.views import PodView
from kube_actors.assembly.local_tokens import LocalTokens, UnreadTokens
from kube_actors.assembly.network import ClusterNetwork
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.kernel import random_for
from kube_actors.network.addresses import AddressPool, NodeSlices, slice_prefix
from kube_actors.network.resolv_conf import ClusterDns, ResolvConf, parse_resolv_conf, pod_dns
from kube_actors.node.images import ImageMap
from kube_actors.node.objects import Objects, Place
from kube_actors.node.runtime.agent_link import AgentLink
from kube_actors.node.runtime.base import Dns, Image, ImageKind, Runtime, RuntimeGone
from kube_actors.node.runtime.process import ProcessRuntime
from kube_actors.node.tokens import TokenIssuer
from kube_actors.records import define
from kube_actors.state import StateDirectory
from kube_actors.store import Key, Revision, Store
from kube_actors.writes import Identity

VERSION = "v1.36.0"
RESERVED_ADDRESSES = 2
"""The first addresses of the pod and node ranges are the agent's own."""


@define
class NodeFactory:
    """Makes Node actors. Runtimes are made once per node and outlive the actor's restarts; their own tasks run in
    `nursery`. `tokens` signs what pods show the API: whoever serves one puts its own issuer there before nodes start.
    """

    plane: ControlPlane
    config: ClusterConfig
    state: StateDirectory
    network: ClusterNetwork
    link: AgentLink | None
    nursery: trio.Nursery
    slices: NodeSlices
    node_addresses: AddressPool
    users: Users
    machine: ResolvConf
    tokens: TokenIssuer
    runtimes: dict[str, Runtime] = attrs.field(factory=dict)
    pools: dict[str, AddressPool] = attrs.field(factory=dict)
    addresses: dict[str, str] = attrs.field(factory=dict)
    image_maps: dict[str, ImageMap] = attrs.field(factory=dict)

    def reconfigure(self, config: ClusterConfig) -> None:
        """Make nodes as this says from now on; those that are there learn of its images."""
        self.config = config
        for images in self.image_maps.values():
            images.set(config.images, host_image=config.host_image)

    def make(self, node: NodeConfig) -> NodeActor:
        """The actor of a node: the same runtime and addresses for the same name, every time."""
        pool = self._pool(node.name)
        address = self._address(node.name)
        runtime = self._runtime(node, address)
        real = node.runtime == "process"
        facts = NodeFacts(
            address=address,
            pod_cidr=str(pool.cidr),
            runtime_version=runtime.description,
            version=VERSION,
            machine_id=f"{random_for(self.config.seed, f'machine {node.name}').getrandbits(128):032x}",
            tier=self.link.tier if real and self.link is not None else "",
            os_image=machine_os() if real else "kube-actors",
        )
        return NodeActor(self.plane, node, facts, runtime, self._world(node, runtime, address, pool))

    async def dismantle(self, name: str) -> None:
        """A node is gone for good: end what runs of it, since an earlier run perhaps, and give up its runtime."""
        runtime = self.runtimes.pop(name, None)
        if runtime is not None:
            await runtime.aclose(keep=False)
        elif self.link is not None:
            with contextlib.suppress(RuntimeGone):  # then nothing runs on
                await self.link.request("remove_node", name=name)

    def _world(self, node: NodeConfig, runtime: Runtime, address: str, pool: AddressPool) -> PodWorld:
        place = Place(
            host_ip=address,
            cpu_milli=int(Quantity.parse(node.capacity.get("cpu", "0")).milli),
            memory_bytes=int(Quantity.parse(node.capacity.get("memory", "0")).value),
            ephemeral_storage_bytes=int(Quantity.parse(node.capacity.get("ephemeral-storage", "0")).value),
        )
        others = None if node.runtime == "process" else _others(runtime)
        images = ImageMap(self.config.images, host_image=self.config.host_image, others=others)
        self.image_maps[node.name] = images
        return PodWorld(
            node=node.name,
            place=place,
            addresses=None if node.runtime == "docker" else pool,
            images=images,
            runtime=runtime,
            client=self.plane.client_for(Identity(f"system:node:{node.name}")),
            events=self.plane.events("kubelet", node.name),
            link=NodeLink(),
            dns=self._dns,
            objects=lambda namespace, config_maps, secrets: fetch(self.plane.store, namespace, config_maps, secrets),
            handler=lambda name: handler_of(self.plane.store, name),
            handlers=handlers_of(node),
            logs=str(self.state.logs),
            users=self.users,
            tokens=UnreadTokens(self.plane.clock.now) if node.runtime == "simulated" else self.tokens,
            cluster_domain=self.config.network.cluster_domain,
        )

    def _dns(self, pod: PodView) -> Dns:
        spec = pod.spec
        own = None
        if spec.dns_config is not None:
            options = (f"{o.name}:{o.value}" if o.value is not None else o.name for o in spec.dns_config.options)
            own = ResolvConf(spec.dns_config.nameservers, spec.dns_config.searches, tuple(options))
        policy = spec.dns_policy
        if not self.network.has_dns and policy.startswith("ClusterFirst"):
            policy = "Default"
        cluster = ClusterDns(self.network.ranges.dns_address, self.config.network.cluster_domain)
        namespace = pod.metadata.namespace
        conf = pod_dns(policy, namespace, cluster, self.machine, host_network=spec.host_network, dns_config=own)
        return Dns(conf.nameservers, conf.searches, conf.options)

    def _pool(self, node: str) -> AddressPool:
        if node not in self.pools:
            known = self.plane.store.get(Key("nodes", "", node))
            cidr = known.body()["spec"].get("podCIDR") if known is not None else None
            ours = cidr is not None and IPv4Network(cidr).subnet_of(self.slices.pod_cidr)
            slice_ = IPv4Network(cidr) if ours and cidr is not None else self.slices.allocate()
            first = slice_.network_address == self.slices.pod_cidr.network_address
            reserved = [str(slice_[number]) for number in range(1, RESERVED_ADDRESSES + 1)] if first else []
            self.pools[node] = AddressPool(slice_, reserved=reserved)
        return self.pools[node]

    def _address(self, node: str) -> str:
        if node not in self.addresses:
            known = self.plane.store.get(Key("nodes", "", node))
            stored = known.projection.facts.address if known is not None else ""
            known_here = bool(stored) and stored in self.node_addresses
            self.addresses[node] = stored if known_here else self.node_addresses.allocate()
        return self.addresses[node]

    def _runtime(self, node: NodeConfig, address: str) -> Runtime:
        if node.name not in self.runtimes:
            self.runtimes[node.name] = self._new_runtime(node, address)
        return self.runtimes[node.name]

    def _new_runtime(self, node: NodeConfig, address: str) -> Runtime:
        clock = self.plane.clock
        match node.runtime:
            case "simulated":
                # 5 ms to import, which a start without simulated nodes need not wait for.
                from kube_actors.node.runtime.simulated import SimulatedRuntime
                from kube_actors.node.runtime.simulated_profile import SimulationProfiles

                source = random_for(self.config.seed, f"simulated {node.name}")
                profiles = SimulationProfiles.from_config(node.simulation)
                return SimulatedRuntime(clock=clock, random=source, profiles=profiles)
            case "process":
                assert self.link is not None, "a cluster with process nodes has an agent"
                return ProcessRuntime(self.link, node=node.name, address=address, clock_now=clock.now)
            case "docker":
                # aiodocker and aiohttp take 0.4 s to import, so only where a node needs them.
                from kube_actors.node.runtime.docker import DockerSettings, start_docker_runtime

                settings = DockerSettings.from_config(node.docker)
                directory = str(self.state.root / "docker" / node.name)
                names = {"cluster": self.config.name, "node": node.name}
                return start_docker_runtime(self.nursery, settings, **names, directory=directory)


def _others(runtime: Runtime) -> ImageKind | Callable[[str], Image | None]:
    """What image names outside cluster.yaml stand for: an engine looks them up, the simulation plays any."""
    look_up: Callable[[str], Image | None] | None = getattr(runtime, "image", None)
    return ImageKind.ENGINE if look_up is None else look_up


def fetch(store: Store, namespace: str, config_maps: Iterable[str], secrets: Iterable[str]) -> Objects:
    """What a pod refers to, as it is now; what is not there is left out."""

    def bodies(resource: str, names: Iterable[str]) -> dict[str, dict[str, object]]:
        found = {name: store.get(Key(resource, namespace, name)) for name in sorted(names)}
        return {name: revision.body() for name, revision in found.items() if revision is not None}

    services = store.list("services", namespace)
    if namespace != "default" and (api := store.get(Key("services", "default", "kubernetes"))) is not None:
        services = [*services, api]
    return Objects(bodies("configmaps", config_maps), bodies("secrets", secrets), [one.body() for one in services])


def handler_of(store: Store, runtime_class: str) -> str | None:
    """The handler that a RuntimeClass asks for; None where there is no class of this name."""
    revision = store.get(Key("runtimeclasses.node.k8s.io", "", runtime_class))
    return None if revision is None else str(revision.body().get("handler") or "")


def node_factory(
    plane: ControlPlane,
    config: ClusterConfig,
    state: StateDirectory,
    network: ClusterNetwork,
    link: AgentLink | None,
    nursery: trio.Nursery,
) -> NodeFactory:
    """A factory that goes on with the addresses nodes had before."""
    ranges = network.ranges
    slices = NodeSlices(ranges.pod_cidr, slice_prefix(ranges.pod_cidr, len(config.nodes)))
    nodes = plane.store.list("nodes")
    cidrs = (_pod_cidr(node) for node in nodes)
    slices.restore(cidr for cidr in cidrs if cidr is not None and cidr.subnet_of(ranges.pod_cidr))
    reserved = [str(ranges.node_cidr[number]) for number in range(1, RESERVED_ADDRESSES + 1)]
    addresses = AddressPool(ranges.node_cidr, reserved=reserved)
    addresses.restore(node.projection.facts.address for node in nodes if node.projection.facts.address)
    machine = parse_resolv_conf(_read(Path("/etc/resolv.conf")))
    tokens = LocalTokens(plane.store, plane.clock.now, random_for(config.seed, "pod tokens"))
    return NodeFactory(plane, config, state, network, link, nursery, slices, addresses, Users(), machine, tokens)


def _pod_cidr(node: Revision) -> IPv4Network | None:
    cidr = node.body()["spec"].get("podCIDR")
    return IPv4Network(cidr) if cidr else None


def machine_os() -> str:
    """The name of the machine's distribution, as os-release(5) has it."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
