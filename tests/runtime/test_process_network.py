"""Addresses, services and host ports of process nodes, as programs see them."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from kube_actors.node.runtime.agent_link import Tier
from kube_actors.node.runtime.base import HostPort, RuntimeFailure

from .contract import Does, dial, eventually
from .process_stage import ProcessStage, opened

SERVER = """
import socket, sys, os
s = socket.socket(type=socket.SOCK_STREAM if sys.argv[2] == 'TCP' else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('0.0.0.0', int(sys.argv[1])))
if sys.argv[2] == 'TCP':
    s.listen(100)
while True:
    if sys.argv[2] == 'TCP':
        c, peer = s.accept(); c.sendall(f'{os.uname().nodename} {peer[0]}'.encode()); c.close()
    else:
        data, peer = s.recvfrom(100); s.sendto(os.uname().nodename.encode(), peer)
"""
CLIENT = """
import socket, sys
for _ in range(int(sys.argv[3])):
    try:
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20); print(s.recv(100).decode()); s.close()
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture(params=["A", "B"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in the tiers with network namespaces."""
    tier: Tier = request.param
    async with opened(tier, tmp_path) as stage:
        yield stage


@pytest.fixture
async def root_stage(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in tier A."""
    async with opened("A", tmp_path) as stage:
        yield stage


async def serve(
    stage: ProcessStage, uid: str, *, port: int = 80, kind: str = "TCP", host_ports: tuple[HostPort, ...] = ()
) -> tuple[str, int]:
    """A pod that answers its name; returns its endpoint."""
    await stage.runtime.create_sandbox(attrs.evolve(stage.sandbox(uid), host_ports=host_ports))
    argv = ("python3", "-c", SERVER, str(port), kind)
    await stage.runtime.run_container(attrs.evolve(stage.container(Does(), uid=uid), argv=argv))
    if kind == "TCP":
        await (await dial(stage.runtime, port, uid)).aclose()
    return str(stage.sandbox(uid).address), port


async def ask(stage: ProcessStage, address: str, port: int, times: int = 1, *, uid: str = "u-99") -> list[str]:
    """What connections from a pod to an address are answered: the server's name and whom it saw, or an error."""
    script = f"exec python3 -c '{CLIENT}' {address} {port} {times}"
    attempt = stage.next_number()
    return (await stage.output(script, uid=uid, name=f"client-{attempt}")).splitlines()


def service_address(stage: ProcessStage) -> str:
    """A ClusterIP."""
    return str(stage.link.ranges.service_cidr[20])


async def test_a_service_spreads_over_its_endpoints(stage: ProcessStage) -> None:
    """Each endpoint about as often; one taken out gets nothing as soon as the call has returned."""
    ip = service_address(stage)
    backends = [await serve(stage, f"u-{number}") for number in (1, 2, 3)]
    await stage.link.program_services([(ip, "TCP", 8080, backends, None)])
    answers = await ask(stage, ip, 8080, 90)
    counts = Counter(answer.split()[0] for answer in answers)
    assert set(counts) == {"pod-u-1", "pod-u-2", "pod-u-3"}
    assert min(counts.values()) >= 10
    await stage.link.program_services([(ip, "TCP", 8080, backends[1:], None)])
    assert {answer.split()[0] for answer in await ask(stage, ip, 8080, 20)} == {"pod-u-2", "pod-u-3"}


async def test_without_endpoints_connections_are_refused_at_once(stage: ProcessStage) -> None:
    """As Kubernetes does: no waiting for a timeout; a removed service too."""
    ip = service_address(stage)
    await stage.link.program_services([(ip, "TCP", 8080, (), None)])
    assert await ask(stage, ip, 8080) == ["ConnectionRefusedError"]
    await stage.link.remove_services([(ip, "TCP", 8080)])
    assert await ask(stage, ip, 8080) == ["ConnectionRefusedError"]


async def test_a_pod_reaches_itself_through_its_service(stage: ProcessStage) -> None:
    """The only endpoint is the client: its reply must come back through the translation."""
    ip = service_address(stage)
    await stage.link.program_services([(ip, "TCP", 8080, [await serve(stage, "u-1")], None)])
    answers = await ask(stage, ip, 8080, uid="u-1")
    assert answers[0].split()[0] == "pod-u-1"


async def test_a_client_with_affinity_stays(stage: ProcessStage) -> None:
    """All connections of one pod go to one endpoint; endpoints see the client's own address."""
    ip = service_address(stage)
    backends = [await serve(stage, f"u-{number}") for number in (1, 2)]
    await stage.link.program_services([(ip, "TCP", 8080, backends, 10800)])
    answers = set(await ask(stage, ip, 8080, 20))
    assert len(answers) == 1
    assert answers.pop().split()[1] == stage.sandbox("u-99").address


async def test_affinity_ends_with_its_time_and_with_its_endpoint(stage: ProcessStage) -> None:
    """A second after its last connection a client may be sent elsewhere; at once when its endpoint is gone."""
    ip = service_address(stage)
    backends = [await serve(stage, f"u-{number}") for number in (1, 2, 3)]
    await stage.link.program_services([(ip, "TCP", 8080, backends, 1)])
    seen: set[str] = set()
    with trio.fail_after(60):
        while len(seen) < 2:
            (answer,) = await ask(stage, ip, 8080)
            seen.add(answer.split()[0])
            await trio.sleep(1.2)
    await stage.link.program_services([(ip, "TCP", 8080, backends, 10800)])
    (favourite,) = {answer.split()[0] for answer in await ask(stage, ip, 8080, 10)}
    left = [backend for number, backend in enumerate(backends, 1) if favourite != f"pod-u-{number}"]
    await stage.link.program_services([(ip, "TCP", 8080, left, 10800)])
    (next_one,) = {answer.split()[0] for answer in await ask(stage, ip, 8080, 10)}
    assert next_one != favourite
    await stage.link.program_services([(ip, "TCP", 8080, backends, None)])
    assert len({answer.split()[0] for answer in await ask(stage, ip, 8080, 30)}) > 1


async def test_a_node_reaches_its_own_ports(stage: ProcessStage) -> None:
    """A service port on the node's address, and a host port there and on loopback, from the node's own programs."""
    address = str(stage.link.ranges.node_cidr[16])
    backend = await serve(stage, "u-1", host_ports=(HostPort("TCP", "", 9000, 80),))
    await stage.link.program_services([(address, "TCP", 30080, [backend], None)])
    for host, number in ((address, 30080), (address, 9000), ("127.0.0.1", 9000)):
        with await stage.link.socket("node:node-1", "TCP") as sock:
            await sock.connect((host, number))
            assert (await sock.recv(100)).decode().startswith("pod-u-1")


async def test_udp_follows_a_change(stage: ProcessStage) -> None:
    """One socket that keeps sending is answered by the new endpoint once the old one is gone."""
    ip = service_address(stage)
    first = await serve(stage, "u-1", kind="UDP")
    second = await serve(stage, "u-2", kind="UDP")
    await stage.link.program_services([(ip, "UDP", 53, [first], None)])
    sock = await stage.link.socket("node:node-1", "UDP")
    await sock.connect((ip, 53))

    async def answer() -> str:
        with trio.move_on_after(0.2), contextlib.suppress(ConnectionRefusedError):  # a server that is not up yet
            await sock.send(b"?")
            return (await sock.recv(100)).decode()
        return ""

    assert await eventually(answer) == "pod-u-1"
    await stage.link.program_services([(ip, "UDP", 53, [second], None)])

    async def answered_by_second() -> bool:
        return await answer() == "pod-u-2"  # past what the first may still have said to an earlier question

    await eventually(answered_by_second)
    sock.close()


async def test_services_survive_the_agent(stage: ProcessStage) -> None:
    """A new agent programs what the old one had acknowledged."""
    ip = service_address(stage)
    await stage.link.program_services([(ip, "TCP", 8080, [await serve(stage, "u-1")], None)])
    os.kill(stage.link.agent_pid, 9)
    await stage.runtime.events().receive()
    await stage.runtime.events().receive()
    assert (await ask(stage, ip, 8080))[0].split()[0] == "pod-u-1"


async def test_a_host_port_leads_to_the_pod(stage: ProcessStage) -> None:
    """At the node's address; a second pod cannot have it, and it is free once the pod is gone."""
    port = HostPort("TCP", "", 8088, 80)
    sandbox = attrs.evolve(stage.sandbox("u-1"), host_ports=(port,))
    await stage.runtime.create_sandbox(sandbox)
    argv = ("python3", "-c", SERVER, "80", "TCP")
    await stage.runtime.run_container(attrs.evolve(stage.container(Does(), uid="u-1"), argv=argv))
    await (await dial(stage.runtime, 80)).aclose()
    node = str(stage.link.ranges.node_cidr[16])
    assert (await ask(stage, node, 8088))[0].split()[0] == "pod-u-1"
    rival = attrs.evolve(stage.sandbox("u-2"), host_ports=(port,))
    with pytest.raises(RuntimeFailure, match="host port 8088 is in use by pod default/pod-u-1"):
        await stage.runtime.create_sandbox(rival)
    await stage.runtime.remove_sandbox("u-1")
    await stage.runtime.create_sandbox(rival)


async def test_host_network_is_the_nodes(stage: ProcessStage) -> None:
    """A hostNetwork pod has the node's address and its ports."""
    node = str(stage.link.ranges.node_cidr[16])
    sandbox = attrs.evolve(stage.sandbox("u-1"), address=None, host_network=True)
    await stage.runtime.create_sandbox(sandbox)
    argv = ("python3", "-c", SERVER, "8089", "TCP")
    await stage.runtime.run_container(attrs.evolve(stage.container(Does(), uid="u-1"), argv=argv))
    await (await dial(stage.runtime, 8089)).aclose()
    assert (await ask(stage, node, 8089))[0].split()[0] == "pod-u-1"


async def test_the_machine_reaches_pods_and_services(root_stage: ProcessStage) -> None:
    """As root from any program of the machine, at their own addresses."""
    stage, ip = root_stage, service_address(root_stage)
    backend = await serve(stage, "u-1")
    await stage.link.program_services([(ip, "TCP", 8080, [backend], None)])
    for address in (backend, (ip, 8080)):
        stream = await trio.open_tcp_stream(*address)
        async with stream:
            assert (await stream.receive_some(100)).split()[0] == b"pod-u-1"
    with trio.fail_after(30), pytest.raises(OSError, match="attempts to connect"):
        await trio.open_tcp_stream(ip, 8081)


async def test_sockets_of_other_namespaces(stage: ProcessStage) -> None:
    """A listener in the cluster's namespace serves pods; a connection made inside a pod reaches its loopback."""
    address = service_address(stage)
    listener = await stage.link.listen("cluster", address, 7777)
    async with trio.open_nursery() as nursery:

        async def accept() -> None:
            conn, _ = await listener.accept()
            await conn.send(b"from outside")
            conn.close()

        nursery.start_soon(accept)
        assert await ask(stage, address, 7777) == ["from outside"]
    listener.close()
    await serve(stage, "u-1")
    async with await stage.link.connect("u-1", "127.0.0.1", 80) as stream:
        assert await stream.receive_some(100) == b"pod-u-1 127.0.0.1"


async def test_pods_see_their_own_interfaces(stage: ProcessStage) -> None:
    """Loopback and eth0, nothing of the machine's."""
    await serve(stage, "u-1")
    assert (await stage.output("ls /sys/class/net", uid="u-1", name="look")).split() == ["eth0", "lo"]
