"""The TCP proxy, with real sockets; its own time stands still."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import socket
from collections import Counter
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.network.proxy import ProxyLimits, connect_directly
from kube_actors.network.services import Endpoint

from .servers import answering, ask, connect_to, receive_all, refusing_endpoint, running_proxy, start_pod, wait_until


async def test_connections_are_spread_evenly(nursery: trio.Nursery) -> None:
    """Three pods get a third each."""
    pods = [await start_pod(nursery, answering(name)) for name in (b"a", b"b", b"c")]
    async with running_proxy(*(pod.endpoint for pod in pods)) as (proxy, _):
        assert Counter([await ask(proxy) for _ in range(30)]) == {b"a": 10, b"b": 10, b"c": 10}
    nursery.cancel_scope.cancel()


async def test_an_endpoint_that_refuses_costs_the_client_nothing(nursery: trio.Nursery) -> None:
    """No byte was sent, so the next one is tried."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(refusing_endpoint(), pod.endpoint, refusing_endpoint()) as (proxy, _):
        assert [await ask(proxy) for _ in range(6)] == [b"a"] * 6
    nursery.cancel_scope.cancel()


async def test_pods_may_be_reached_through_somebody_else(nursery: trio.Nursery) -> None:
    """The agent hands over connections made in its own network namespaces."""
    pod = await start_pod(nursery, answering(b"a"))

    async def agent(address: str, port: int) -> socket.socket:
        return await connect_directly("127.0.0.1", port)

    elsewhere = Endpoint("10.244.0.7", pod.endpoint.port)
    async with running_proxy(elsewhere, connect=agent) as (proxy, _):
        assert await ask(proxy) == b"a"
    nursery.cancel_scope.cancel()


async def test_an_endpoint_that_does_not_answer_is_left_after_a_while(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    """A node that is cut off: after `attempt` seconds the next one has it."""
    pod = await start_pod(nursery, answering(b"a"))
    silent = Endpoint("192.0.2.1", 80)

    async def connect(address: str, port: int) -> socket.socket:
        if address == silent.address:
            await trio.sleep_forever()
        return await connect_directly(address, port)

    async with running_proxy(silent, pod.endpoint, connect=connect) as (proxy, _):
        answers: list[bytes] = []

        async def client() -> None:
            answers.append(await ask(proxy))

        for _ in range(2):
            nursery.start_soon(client)
        await wait_until(lambda: len(answers) == 1)
        mock_clock.jump(3)
        await wait_until(lambda: len(answers) == 2)
    assert answers == [b"a", b"a"]
    nursery.cancel_scope.cancel()


async def test_when_nothing_answers_the_client_is_reset() -> None:
    """Every endpoint refused: a broken connection, not an empty answer."""
    async with running_proxy(refusing_endpoint(), refusing_endpoint()) as (proxy, _):
        with pytest.raises(trio.BrokenResourceError):
            await ask(proxy)
        await wait_until(lambda: proxy.connections == 0)


async def test_without_endpoints_clients_are_refused_and_the_port_is_kept(nursery: trio.Nursery) -> None:
    """As kube-proxy does; the first ready pod opens the port again."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy() as (proxy, _):
        for _ in range(2):
            with pytest.raises(OSError, match="all attempts to connect"):
                await ask(proxy)
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(proxy.address)
            proxy.set_endpoints([pod.endpoint])
            assert await ask(proxy) == b"a"
            proxy.set_endpoints([])
    nursery.cancel_scope.cancel()


async def test_half_close_is_passed_on(nursery: trio.Nursery) -> None:
    """A client that has said all still gets its answer."""

    async def digest(stream: trio.SocketStream) -> None:
        await stream.send_all(hashlib.sha256(await receive_all(stream)).hexdigest().encode())

    pod = await start_pod(nursery, digest)
    data = os.urandom(3_000_000)
    async with running_proxy(pod.endpoint) as (proxy, _):
        async with await connect_to(proxy) as stream:
            await stream.send_all(data)
            await stream.send_eof()
            assert await receive_all(stream) == hashlib.sha256(data).hexdigest().encode()
        await wait_until(lambda: proxy.connections == 0)
    nursery.cancel_scope.cancel()


async def test_a_server_may_end_its_side_first(nursery: trio.Nursery) -> None:
    """A greeting and end of output, while the client goes on sending."""
    received = b""

    async def greet(stream: trio.SocketStream) -> None:
        nonlocal received
        await stream.send_all(b"hello")
        await stream.send_eof()
        received = await receive_all(stream)

    pod = await start_pod(nursery, greet)
    async with running_proxy(pod.endpoint) as (proxy, _):
        async with await connect_to(proxy) as stream:
            assert await receive_all(stream) == b"hello"
            await stream.send_all(b"and thanks")
        await wait_until(lambda: received == b"and thanks" and proxy.connections == 0)
    nursery.cancel_scope.cancel()


async def test_a_slow_reader_slows_the_sender_and_loses_nothing(nursery: trio.Nursery) -> None:
    """Backpressure both ways: 30 MB wait in the pod, not in the proxy."""
    sent = 0
    chunk = os.urandom(100_000)

    async def flood(stream: trio.SocketStream) -> None:
        nonlocal sent
        for _ in range(300):
            await stream.send_all(chunk)
            sent += len(chunk)

    pod = await start_pod(nursery, flood)
    async with running_proxy(pod.endpoint) as (proxy, _), await connect_to(proxy) as stream:
        await wait_until(lambda: sent > 0)
        before = -1
        while sent != before:
            before = sent
            await wait_all_tasks_blocked(0.02)
        assert sent < 25_000_000
        assert hashlib.sha256(await receive_all(stream)).digest() == hashlib.sha256(chunk * 300).digest()
    nursery.cancel_scope.cancel()


async def test_an_answer_before_the_end_of_the_request_arrives(nursery: trio.Nursery) -> None:
    """A pod that answers early and resets the rest: what it answered gets through."""

    async def refuse(stream: trio.SocketStream) -> None:
        await stream.receive_some(10)
        await stream.send_all(b"413 too large")

    pod = await start_pod(nursery, refuse)
    async with running_proxy(pod.endpoint) as (proxy, _), await connect_to(proxy) as stream:
        await stream.send_all(b"x" * 100_000)
        assert await stream.receive_some(100) == b"413 too large"
    nursery.cancel_scope.cancel()


async def test_a_reset_is_passed_on_both_ways(nursery: trio.Nursery) -> None:
    """A pod that dies breaks the client's connection; a client that dies breaks the pod's."""
    outcome: list[str] = []

    async def die(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async def wait(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        try:
            await stream.receive_some(1)
        except trio.BrokenResourceError:
            outcome.append("pod saw a reset")

    dying, waiting = await start_pod(nursery, die), await start_pod(nursery, wait)
    async with running_proxy(dying.endpoint) as (proxy, _):
        async with await connect_to(proxy) as stream:
            await stream.send_all(b"?")
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some(1)
        proxy.set_endpoints([waiting.endpoint])
        async with await connect_to(proxy) as stream:
            await stream.send_all(b"?")
            await wait_until(lambda: waiting.accepted == 1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await wait_until(lambda: bool(outcome) and proxy.connections == 0)
    nursery.cancel_scope.cancel()


async def test_connections_outlive_the_withdrawal_of_their_endpoint(nursery: trio.Nursery) -> None:
    """New ones go elsewhere; the old one is served until somebody ends it."""
    old, new = await start_pod(nursery, answering(b"old")), await start_pod(nursery, answering(b"new"))
    async with running_proxy(old.endpoint) as (proxy, _), await connect_to(proxy) as stream:
        await stream.send_all(b"?\n")
        assert await stream.receive_some(10) == b"old"
        proxy.set_endpoints([new.endpoint])
        assert await ask(proxy) == b"new"
        await stream.send_all(b"?\n")
        assert await stream.receive_some(10) == b"old"
    nursery.cancel_scope.cancel()


async def test_an_attempt_at_a_withdrawn_endpoint_turns_elsewhere(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """Once withdrawn, no connection is made there, not even one that had begun; no time has to pass for it."""
    pod = await start_pod(nursery, answering(b"a"))
    leaving = Endpoint("192.0.2.1", 80)
    trying = trio.Event()

    async def connect(address: str, port: int) -> socket.socket:
        if address == leaving.address:
            trying.set()
            await trio.sleep_forever()
        return await connect_directly(address, port)

    async with running_proxy(leaving, connect=connect) as (proxy, _), await connect_to(proxy) as stream:
        await trying.wait()
        proxy.set_endpoints([pod.endpoint])
        await stream.send_all(b"?\n")
        await wait_until(lambda: pod.accepted == 1)
        assert await stream.receive_some(10) == b"a"
    nursery.cancel_scope.cancel()


async def test_no_request_fails_while_pods_come_and_go(nursery: trio.Nursery) -> None:
    """Eight clients, endpoints replaced fifty times, each old pod refusing connections once it is withdrawn."""
    failures: list[BaseException] = []
    answers: Counter[bytes] = Counter()
    pod = await start_pod(nursery, answering(b"0"))
    async with running_proxy(pod.endpoint) as (proxy, _):

        async def client(stop: trio.Event) -> None:
            while not stop.is_set():
                try:
                    answers[await ask(proxy)] += 1
                except (OSError, trio.BrokenResourceError) as error:
                    failures.append(error)

        def answered(count: int) -> bool:
            return answers.total() >= count

        stop = trio.Event()
        async with trio.open_nursery() as clients:
            for _ in range(8):
                clients.start_soon(client, stop)
            for number in range(1, 51):
                fresh = await start_pod(nursery, answering(str(number).encode()))
                proxy.set_endpoints([pod.endpoint, fresh.endpoint])
                await wait_until(partial(answered, answers.total() + 9))
                proxy.set_endpoints([fresh.endpoint])
                pod.stop_listening()
                pod = fresh
            stop.set()
    assert failures == []
    assert b"" not in answers
    assert answers.total() > 400
    nursery.cancel_scope.cancel()


async def test_running_out_of_descriptors_only_delays(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """EMFILE while connecting is not the endpoint's fault: it is tried again."""
    pod = await start_pod(nursery, answering(b"a"))
    attempts = 0

    async def connect(address: str, port: int) -> socket.socket:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise OSError(errno.EMFILE, "Too many open files")
        return await connect_directly(address, port)

    async with running_proxy(pod.endpoint, connect=connect) as (proxy, _), await connect_to(proxy) as stream:
        await stream.send_all(b"?\n")
        while attempts < 4:
            await wait_all_tasks_blocked()
            mock_clock.jump(0.1)
        assert await stream.receive_some(10) == b"a"
    nursery.cancel_scope.cancel()


async def test_the_accept_loop_survives_a_lack_of_descriptors(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """accept() fails with EMFILE for a while: it is reported, and the clients in the queue are served later."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(pod.endpoint) as (proxy, reports):
        spare = os.open("/dev/null", os.O_RDONLY)
        stream = trio.SocketStream(trio.socket.socket())
        await wait_all_tasks_blocked()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.close(spare)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (spare, hard))
            await stream.socket.connect(proxy.address)
            await wait_until(lambda: bool(reports))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert "Too many open files" in reports[0]
        async with stream:
            await stream.send_all(b"?\n")
            await wait_all_tasks_blocked()
            mock_clock.jump(1)
            assert await stream.receive_some(10) == b"a"
    nursery.cancel_scope.cancel()


async def test_beyond_the_limit_clients_wait(nursery: trio.Nursery) -> None:
    """The third of two waits in the queue until one leaves."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(pod.endpoint, limits=ProxyLimits(connections=2)) as (proxy, _):
        one, two, three = [await connect_to(proxy) for _ in range(3)]
        for stream in (one, two, three):
            await stream.send_all(b"?\n")
        assert await one.receive_some(10) == await two.receive_some(10) == b"a"
        assert proxy.connections == pod.accepted == 2
        await one.aclose()
        assert await three.receive_some(10) == b"a"
        await two.aclose()
        await three.aclose()
    nursery.cancel_scope.cancel()


async def test_a_drained_proxy_finishes_what_it_has(nursery: trio.Nursery) -> None:
    """After `close` new clients are refused, the connected one is answered, and serve() returns when it leaves."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(pod.endpoint) as (proxy, _):
        stream = await connect_to(proxy)
        await wait_until(lambda: pod.accepted == 1)
        proxy.close()
        await wait_all_tasks_blocked()
        with pytest.raises(OSError, match="all attempts to connect"):
            await connect_to(proxy)
        await stream.send_all(b"?\n")
        assert await stream.receive_some(10) == b"a"
        await stream.aclose()
        await proxy.ended()
    nursery.cancel_scope.cancel()


async def test_clients_in_the_queue_are_served_by_a_proxy_that_closes(nursery: trio.Nursery) -> None:
    """The kernel told them they are connected, so they get their answer."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(pod.endpoint) as (proxy, _):
        await ask(proxy)
        clients = [socket.create_connection(proxy.address) for _ in range(3)]
        proxy.close()
        for client in clients:
            client.setblocking(False)
            async with trio.SocketStream(trio.socket.from_stdlib_socket(client)) as stream:
                await stream.send_all(b"?\n")
                assert await stream.receive_some(10) == b"a"
    nursery.cancel_scope.cancel()


async def test_an_aborted_proxy_gives_up_attempts(mock_clock: MockClock) -> None:
    """A client whose connection is still being made is reset, too; no time has to pass for it."""

    async def connect(address: str, port: int) -> socket.socket:
        await trio.sleep_forever()
        raise AssertionError("never")

    endpoint = Endpoint("192.0.2.1", 80)
    async with running_proxy(endpoint, connect=connect) as (proxy, _), await connect_to(proxy) as stream:
        await wait_until(lambda: proxy.connections == 1)
        proxy.close()
        proxy.abort()
        await wait_until(lambda: proxy.connections == 0)
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(1)


async def test_cancelling_a_proxy_leaves_no_socket_open(nursery: trio.Nursery) -> None:
    """Connected, connecting and waiting clients are all let go of."""
    pod = await start_pod(nursery, answering(b"a"))
    async with running_proxy(pod.endpoint) as (proxy, _):
        streams = [await connect_to(proxy) for _ in range(5)]
        await wait_until(lambda: pod.accepted == 5)
    for stream in streams:
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(1)
        await stream.aclose()
    assert proxy.connections == 0
    nursery.cancel_scope.cancel()
