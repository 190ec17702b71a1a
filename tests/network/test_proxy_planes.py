"""Proxies as a data plane: ClusterIPs on loopback addresses, and the machine's listeners."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.network.proxy import ProxyLimits, TcpProxy, bind_tcp
from kube_actors.network.proxy_planes import ListenerDataPlane, ListenerTarget, ProxyDataPlane
from kube_actors.network.services import Changes, Endpoint, ServiceName, ServicePort
from kube_actors.network.udp_proxy import IDLE_SECONDS, UdpProxy, bind_udp

from .servers import answering, ask, connect_to, running_parts, start_pod, wait_until

WEB = ServiceName("default", "web")


def free_port() -> int:
    """A port nobody uses."""
    with bind_tcp("127.96.0.7", 0) as sock:
        return int(sock.getsockname()[1])


def service_port(port: int, *endpoints: Endpoint, protocol: str = "TCP", name: str = "") -> ServicePort:
    """A port of the Service web at 127.96.0.7."""
    return ServicePort("127.96.0.7", protocol, port, endpoints, None, WEB, name)


@asynccontextmanager
async def running_plane(kind: type[ProxyDataPlane]) -> AsyncIterator[tuple[ProxyDataPlane, list[str]]]:
    """A plane that serves."""
    async with running_parts() as (parts, reports), trio.open_nursery() as nursery:
        plane = kind(parts)
        await nursery.start(plane.serve)
        yield plane, reports
        nursery.cancel_scope.cancel()


async def request(port: int) -> bytes:
    """One request to the Service."""
    async with await trio.open_tcp_stream("127.96.0.7", port) as stream:
        await stream.send_all(b"?\n")
        return bytes(await stream.receive_some(10))


async def test_a_service_is_served_at_its_own_address(nursery: trio.Nursery) -> None:
    """It follows its endpoints, refuses without any, and goes away with its key."""
    one, two = await start_pod(nursery, answering(b"1")), await start_pod(nursery, answering(b"2"))
    port = free_port()
    async with running_plane(ProxyDataPlane) as (plane, reports):
        await plane.apply(Changes((service_port(port, one.endpoint),)))
        assert await request(port) == b"1"
        await plane.apply(Changes((service_port(port, two.endpoint),)))
        assert await request(port) == b"2"
        await plane.apply(Changes((service_port(port),)))
        with pytest.raises(OSError, match="all attempts to connect"):
            await request(port)
        await plane.apply(Changes((service_port(port, one.endpoint),)))
        stream = await trio.open_tcp_stream("127.96.0.7", port)
        await wait_until(lambda: plane.connections == 1)
        await plane.apply(Changes((), (service_port(port).key,)))
        with pytest.raises(OSError, match="all attempts to connect"):
            await request(port)
        await stream.send_all(b"?\n")
        assert await stream.receive_some(10) == b"1"
        await plane.apply(Changes((service_port(port, two.endpoint),)))
        assert await request(port) == b"2"
        await stream.aclose()
    assert reports == []
    nursery.cancel_scope.cancel()


async def test_what_cannot_be_carried_is_reported_and_the_rest_works(nursery: trio.Nursery) -> None:
    """SCTP, and a port somebody else holds."""
    pod = await start_pod(nursery, answering(b"1"))
    with bind_tcp("127.96.0.7", 0) as held:
        held.listen()
        taken, port = held.getsockname()[1], free_port()
        async with running_plane(ProxyDataPlane) as (plane, reports):
            await plane.apply(
                Changes(
                    (
                        service_port(taken, pod.endpoint, name="taken"),
                        service_port(9, pod.endpoint, protocol="SCTP", name="sctp"),
                        service_port(port, pod.endpoint),
                    )
                )
            )
            assert await request(port) == b"1"
    assert reports == [
        f"service default/web:taken: 127.96.0.7:{taken} is not served: Address already in use",
        "service default/web:sctp: SCTP needs a kernel data plane and is not carried",
    ]
    nursery.cancel_scope.cancel()


async def test_a_port_that_is_not_for_every_user(nursery: trio.Nursery) -> None:
    """What would let it be served is said."""
    try:
        bind_tcp("127.96.0.7", 1).close()
    except PermissionError:
        pass
    else:
        pytest.skip("this user may listen on every port")
    async with running_plane(ProxyDataPlane) as (plane, reports):
        await plane.apply(Changes((service_port(1, name="low"),)))
    assert reports == [
        "service default/web:low: 127.96.0.7:1 is not served: Permission denied "
        "(a port this low needs root, or sysctl net.ipv4.ip_unprivileged_port_start)"
    ]
    nursery.cancel_scope.cancel()


async def test_a_drain_waits_for_connections_and_then_resets(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """A client that stays longer than the deadline is reset; new ones are refused at once."""
    pod = await start_pod(nursery, answering(b"1"))
    port = free_port()
    async with running_plane(ProxyDataPlane) as (plane, _):
        await plane.apply(Changes((service_port(port, pod.endpoint),)))
        stream = await trio.open_tcp_stream("127.96.0.7", port)
        await wait_until(lambda: pod.accepted == 1)
        async with trio.open_nursery() as draining:
            draining.start_soon(plane.drain, 5)
            await wait_all_tasks_blocked(0.01)
            with pytest.raises(OSError, match="all attempts to connect"):
                await request(port)
            await stream.send_all(b"?\n")
            assert await stream.receive_some(10) == b"1"
            mock_clock.jump(5)
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(1)
        await wait_until(lambda: plane.connections == 0)
        await plane.apply(Changes((), (service_port(port, pod.endpoint).key,)))
        await plane.apply(Changes((service_port(port, pod.endpoint),)))
        with pytest.raises(OSError, match="all attempts to connect"):
            await request(port)
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("port", [80, "http"])
async def test_a_listener_leads_to_a_service_port(nursery: trio.Nursery, port: int | str) -> None:
    """By number or name, whenever the Service comes and goes; the port stays ours."""
    pod = await start_pod(nursery, answering(b"1"))
    published = service_port(80, pod.endpoint, name="http")
    async with running_parts() as (parts, _), trio.open_nursery() as own:
        plane = ListenerDataPlane(parts)
        await own.start(plane.serve)
        proxy = plane.open(bind_tcp("127.0.0.1", 0), ListenerTarget(WEB, port))
        for _ in range(2):
            with pytest.raises(OSError, match="all attempts to connect"):
                await ask(proxy)
            await plane.apply(Changes((published, service_port(81), service_port(80, protocol="UDP"))))
            assert await ask(proxy) == b"1"
            await plane.apply(Changes((attrs.evolve(published, endpoints=()),)))
            with pytest.raises(OSError, match="all attempts to connect"):
                await ask(proxy)
            await plane.apply(Changes((published,)))
            late = plane.open(bind_tcp("127.0.0.1", 0), ListenerTarget(WEB, port))
            assert await ask(late) == b"1"
            plane.close(late)
            await plane.apply(Changes((), (published.key,)))
        own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()


async def test_a_listener_follows_a_key_that_changes_hands(nursery: trio.Nursery) -> None:
    """The ClusterIP goes to another Service: its listener stops, the other's starts."""
    pod = await start_pod(nursery, answering(b"1"))
    other = ServiceName("default", "zoo")
    async with running_parts() as (parts, _), trio.open_nursery() as own:
        plane = ListenerDataPlane(parts)
        await own.start(plane.serve)
        web, zoo = (plane.open(bind_tcp("127.0.0.1", 0), ListenerTarget(name, 80)) for name in (WEB, other))
        await plane.apply(Changes((service_port(80, pod.endpoint),)))
        assert await ask(web) == b"1"
        await plane.apply(Changes((attrs.evolve(service_port(80, pod.endpoint), service=other),)))
        assert await ask(zoo) == b"1"
        with pytest.raises(OSError, match="all attempts to connect"):
            await ask(web)
        own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()


async def echo(sock: trio.socket.SocketType, name: bytes) -> None:
    """A UDP server that answers with its name."""
    while True:
        _, client = await sock.recvfrom(100)
        await sock.sendto(name, client)


async def test_datagrams_keep_to_an_endpoint_until_it_is_withdrawn(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    """A client stays with its endpoint, is moved when that goes, and is forgotten when it falls silent."""
    endpoints = []
    for name in (b"a", b"b"):
        sock = trio.socket.from_stdlib_socket(bind_udp("127.0.0.1", 0))
        endpoints.append(Endpoint(*sock.getsockname()))
        nursery.start_soon(echo, sock, name)
    async with running_parts() as (parts, _), trio.open_nursery() as own:
        proxy = UdpProxy(bind_udp("127.0.0.1", 0), parts)
        own.start_soon(proxy.serve)
        client = trio.socket.socket(type=socket.SOCK_DGRAM)
        await client.connect(proxy.address)

        async def said() -> bytes:
            await client.send(b"?")
            return await client.recv(10)

        await client.send(b"lost, there is no endpoint")
        await wait_all_tasks_blocked(0.01)
        proxy.set_endpoints(endpoints)
        first = await said()
        assert [await said() for _ in range(4)] == [first] * 4
        proxy.set_endpoints([e for e, name in zip(endpoints, (b"a", b"b"), strict=True) if name != first])
        assert await said() != first
        await wait_until(lambda: proxy.connections == 1)
        mock_clock.jump(IDLE_SECONDS)
        await wait_until(lambda: proxy.connections == 0)
        assert await said() != first
        client.close()
        own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()


async def test_the_datagram_after_a_withdrawal_goes_elsewhere(nursery: trio.Nursery) -> None:
    """The very next one, as the withdrawal was acknowledged."""
    endpoints = []
    for name in (b"a", b"b"):
        sock = trio.socket.from_stdlib_socket(bind_udp("127.0.0.1", 0))
        endpoints.append((Endpoint(*sock.getsockname()), name))
        nursery.start_soon(echo, sock, name)
    async with running_parts() as (parts, _), trio.open_nursery() as own:
        proxy = UdpProxy(bind_udp("127.0.0.1", 0), parts)
        own.start_soon(proxy.serve)
        with bind_udp("127.0.0.1", 0) as client:
            for endpoint, name in endpoints * 15:
                proxy.set_endpoints([endpoint])
                client.sendto(b"?", proxy.address)
                await trio.lowlevel.wait_readable(client)
                assert client.recv(10) == name
        own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()


async def test_beyond_the_limit_the_idlest_datagram_client_is_forgotten(nursery: trio.Nursery) -> None:
    """A flood of source ports does not use up the machine's descriptors."""
    sock = trio.socket.from_stdlib_socket(bind_udp("127.0.0.1", 0))
    nursery.start_soon(echo, sock, b"a")
    async with running_parts(limits=ProxyLimits(connections=3)) as (parts, _), trio.open_nursery() as own:
        proxy = UdpProxy(bind_udp("127.0.0.1", 0), parts)
        proxy.set_endpoints([Endpoint(*sock.getsockname())])
        own.start_soon(proxy.serve)
        for _ in range(20):
            with trio.socket.socket(type=socket.SOCK_DGRAM) as client:
                await client.sendto(b"?", proxy.address)
                assert await client.recv(10) == b"a"
        assert proxy.connections <= 4
        own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()


async def test_session_affinity(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """A client's connections go one way for as long as the Service says since the last one."""
    pods = [await start_pod(nursery, answering(name)) for name in (b"a", b"b", b"c")]
    async with running_parts() as (parts, _), trio.open_nursery() as own:
        proxy = TcpProxy(bind_tcp("127.0.0.1", 0), parts)
        proxy.set_endpoints([pod.endpoint for pod in pods], affinity_seconds=60)
        own.start_soon(proxy.serve)
        first = await ask(proxy)
        for _ in range(5):
            mock_clock.jump(59)
            assert await ask(proxy) == first
        mock_clock.jump(61)
        assert await ask(proxy) != first
        async with await connect_to(proxy):
            own.cancel_scope.cancel()
    nursery.cancel_scope.cancel()
