"""Data planes made of proxies in this process: ClusterIPs where the kernel has none, and cluster.yaml's listeners."""

from __future__ import annotations

import abc
import socket
from collections.abc import Iterable

import trio

from kube_actors.network.data_plane import DataPlane
from kube_actors.network.proxy import ProxyParts, TcpProxy, bind_tcp
from kube_actors.network.services import Changes, ServiceKey, ServiceName, ServicePort
from kube_actors.network.udp_proxy import UdpProxy, bind_udp
from kube_actors.records import frozen

Proxy = TcpProxy | UdpProxy


class _ProxyRunner(DataPlane):
    """Runs proxies in a nursery of its own, and ends them in good order."""

    def __init__(self, parts: ProxyParts) -> None:
        self._parts = parts
        self._running: set[Proxy] = set()
        self._nursery: trio.Nursery | None = None
        self._draining = False

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run proxies until cancelled, which resets what is open; changes may be submitted from when this started."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._draining = True

    async def settled(self) -> None:
        """Always: submitting takes effect at once, also for connections that are just being made."""
        await trio.lowlevel.checkpoint()

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, give connections this long (machine time) to end, and reset the rest.

        Changes submitted from now on move the connections that are being made, and open nothing new.
        """
        self._draining = True
        proxies = tuple(self._running)
        for proxy in proxies:
            proxy.close()
        with trio.move_on_after(seconds):
            for proxy in proxies:
                await proxy.ended()
        for proxy in proxies:
            proxy.abort()

    @property
    def connections(self) -> int:
        """How many clients are connected, through all proxies."""
        return sum(proxy.connections for proxy in self._running)

    @abc.abstractmethod
    def submit(self, changes: Changes) -> None:
        """Takes effect at once."""

    def _run(self, proxy: Proxy, name: str) -> None:
        if self._nursery is None:
            raise RuntimeError("a proxy was asked for before serve() has started")
        self._running.add(proxy)
        self._nursery.start_soon(self._until_ended, proxy, name=name)

    async def _until_ended(self, proxy: Proxy) -> None:
        try:
            await proxy.serve()
        finally:
            self._running.discard(proxy)


class ProxyDataPlane(_ProxyRunner):
    """Each service port is a socket bound to its (loopback) address in this process."""

    def __init__(self, parts: ProxyParts) -> None:
        super().__init__(parts)
        self._proxies: dict[ServiceKey, Proxy] = {}

    def submit(self, changes: Changes) -> None:
        """Takes effect at once. What cannot be bound is reported and left out; the others work.

        A service port that goes away lets the connections it has go on.
        """
        for key in changes.remove:
            if (gone := self._proxies.pop(key, None)) is not None:
                gone.close()
        for port in changes.program:
            proxy = self._proxies.get(port.key) or self._open(port)
            if proxy is not None:
                proxy.set_endpoints(port.endpoints, port.affinity_seconds)

    def _open(self, port: ServicePort) -> Proxy | None:
        if self._draining:
            return None
        proxy: Proxy
        try:
            if port.protocol == "TCP":
                proxy = TcpProxy(bind_tcp(port.cluster_ip, port.port), self._parts)
            elif port.protocol == "UDP":
                proxy = UdpProxy(bind_udp(port.cluster_ip, port.port), self._parts)
            else:
                self._parts.report(f"service {port.name}: {port.protocol} needs a kernel data plane and is not carried")
                return None
        except OSError as error:
            low = isinstance(error, PermissionError)
            hint = " (a port this low needs root, or sysctl net.ipv4.ip_unprivileged_port_start)" if low else ""
            where = f"{port.cluster_ip}:{port.port}"
            self._parts.report(f"service {port.name}: {where} is not served: {error.strerror}{hint}")
            return None
        self._proxies[port.key] = proxy
        self._run(proxy, f"service {port.name}")
        return proxy


@frozen
class ListenerTarget:
    """Where a listener leads: a TCP port of a Service, by number or by name; None is its first."""

    service: ServiceName
    port: int | str | None = None

    def leads_to(self, port: ServicePort) -> bool:
        """Whether this service port is the one that is meant."""
        return port.protocol == "TCP" and (self.port is None or self.port in (port.port, port.port_name))


class ListenerDataPlane(_ProxyRunner):
    """Ports of the machine that lead to Services: cluster.yaml's `listeners`."""

    def __init__(self, parts: ProxyParts) -> None:
        super().__init__(parts)
        self._ports: dict[ServiceName, dict[ServiceKey, ServicePort]] = {}
        self._services: dict[ServiceKey, ServiceName] = {}
        self._listeners: dict[TcpProxy, ListenerTarget] = {}

    def open(self, sock: socket.socket, target: ListenerTarget) -> TcpProxy:
        """Serve a bound socket (`bind_tcp`), which the proxy then owns. Refuses clients while nothing is ready."""
        proxy = TcpProxy(sock, self._parts)
        self._listeners[proxy] = target
        self._run(proxy, f"listener {proxy.address[0]}:{proxy.address[1]}")
        self._follow(proxy, target)
        return proxy

    def close(self, proxy: TcpProxy) -> None:
        """Stop listening; the connections it has go on."""
        del self._listeners[proxy]
        proxy.close()

    def submit(self, changes: Changes) -> None:
        """Takes effect at once."""
        gone = (*changes.remove, *(port.key for port in changes.program))
        touched = {self._services[key] for key in gone if key in self._services}
        self._forget(gone)
        for port in changes.program:
            self._services[port.key] = port.service
            self._ports.setdefault(port.service, {})[port.key] = port
            touched.add(port.service)
        for proxy, target in self._listeners.items():
            if target.service in touched:
                self._follow(proxy, target)

    def _forget(self, keys: Iterable[ServiceKey]) -> None:
        for key in keys:
            service = self._services.pop(key, None)
            if service is not None:
                del self._ports[service][key]
                if not self._ports[service]:
                    del self._ports[service]

    def _follow(self, proxy: TcpProxy, target: ListenerTarget) -> None:
        for port in self._ports.get(target.service, {}).values():
            if target.leads_to(port):
                proxy.set_endpoints(port.endpoints, port.affinity_seconds)
                return
        proxy.set_endpoints(())
