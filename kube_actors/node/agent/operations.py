"""What a runtime can ask of the agent, by name."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import syscalls
from .connection import Reply
from .container import Container, Key
from .failures import Failure
from .protocol import Frame
from .sandboxes import Sandbox
from .services import Backends, ServicePort, affinity_seconds
from .services_of_nodes import ServiceTables
from .settings import Value

if TYPE_CHECKING:
    from .agent import Agent

_BACKLOG = 1024


class Operations:
    """Each `_do_` method is an operation; it answers now, or hands the reply on."""

    def __init__(self, agent: Agent, services: ServiceTables | None) -> None:
        self._agent, self._services = agent, services

    def perform(self, name: str, request: Frame, reply: Reply) -> None:
        """Do what is asked. Raises Failure or OSError for a refusal."""
        operation = getattr(self, f"_do_{name}", None)
        if operation is None:
            raise Failure("BadRequest", f"unknown operation {name!r}")
        if self._agent.ending and name not in ("end", "remove_sandbox"):
            raise Failure("Ending", "the agent is ending")
        operation(request, reply)

    # --- nodes and pods

    def _do_register_node(self, request: Frame, reply: Reply) -> None:
        self._agent.nodes.register(request["name"], request["address"])
        reply.ok()

    def _do_remove_node(self, request: Frame, reply: Reply) -> None:
        name = request["name"]

        def pods_gone() -> None:
            self._agent.nodes.remove(name)
            reply.ok()

        self._agent.remove_pods([pod.uid for pod in self._of_node(name)], pods_gone)

    def _of_node(self, name: str) -> list[Sandbox]:
        return [pod for pod in self._agent.sandboxes.by_uid.values() if pod.node == name]

    def _do_adopt(self, request: Frame, reply: Reply) -> None:
        found = []
        for pod in self._of_node(request["node"]):
            containers = self._agent.containers.of_pod(pod.uid)
            told = [container.describe() for container in containers if not container.starting]
            found.append({"pod": pod.spec["pod"], "address": pod.address, "containers": told})
        reply.ok({"sandboxes": found})

    def _do_create_sandbox(self, request: Frame, reply: Reply) -> None:
        node = self._agent.nodes.get(request["node"])
        self._agent.sandboxes.create(node, request["spec"])
        reply.ok()

    def _do_remove_sandbox(self, request: Frame, reply: Reply) -> None:
        self.remove_pod(request["uid"], reply.ok)

    def remove_pod(self, uid: str, done: Callable[[], None]) -> None:
        """End a pod's containers, then take its world away; gone already is fine."""
        pod = self._agent.sandboxes.by_uid.get(uid)
        if pod is None:
            done()
            return
        pod.removing = True
        waiting = set(self._agent.containers.of_pod(uid))

        def all_ended() -> None:
            if self._agent.sandboxes.by_uid.get(uid) is pod:
                self._agent.sandboxes.dismantle(pod, self._agent.nodes.by_name.get(pod.node))
            done()

        if not waiting:
            all_ended()
        for container in list(waiting):

            def ended(container: Container = container) -> None:
                waiting.discard(container)
                if not waiting:
                    all_ended()

            self._agent.containers.remove(container, ended)

    def _do_pod_address(self, request: Frame, reply: Reply) -> None:
        reply.ok({"address": self._agent.sandboxes.get(request["uid"]).address})

    def _do_update_files(self, request: Frame, reply: Reply) -> None:
        self._agent.sandboxes.update_files(request["uid"], request["volume"])
        reply.ok()

    # --- containers

    def _do_run(self, request: Frame, reply: Reply) -> None:
        spec = request["spec"]
        sandbox = self._agent.sandboxes.get(spec["id"][0])

        def done(outcome: Value | Failure) -> None:
            if isinstance(outcome, Failure):
                reply.fail(outcome)
            else:
                reply.ok(outcome)

        self._agent.containers.run(sandbox, spec, done)

    def _do_update_resources(self, request: Frame, reply: Reply) -> None:
        containers = self._agent.containers
        container = containers.get(_key(request))
        sandbox = self._agent.sandboxes.get(container.key[0])
        whole = request.get("pod") or sandbox.spec["resources"]
        containers.update_resources(container, request["resources"], sandbox.spec["resources"], whole)
        self._agent.sandboxes.set_resources(sandbox, whole)
        reply.ok()

    def _do_signal(self, request: Frame, reply: Reply) -> None:
        container = self._agent.containers.by_key.get(_key(request))
        if container is not None:
            self._agent.containers.signal(container, request["signal"], everything=request["everything"])
        reply.ok()

    def _do_remove_container(self, request: Frame, reply: Reply) -> None:
        container = self._agent.containers.by_key.get(_key(request))
        if container is None:
            reply.ok()
        else:
            self._agent.containers.remove(container, reply.ok)

    def _do_seen(self, request: Frame, reply: Reply) -> None:
        self._agent.containers.mark_seen(_key(request))
        reply.ok()

    def _do_exec(self, request: Frame, reply: Reply) -> None:
        container = self._agent.containers.get(_key(request))
        sandbox = self._agent.sandboxes.get(container.key[0])
        connection = reply.connection

        def started(number: int, fds: list[int]) -> None:
            reply.ok({"exec": number}, fds)

        def ended(number: int, code: int) -> None:
            connection.execs.discard(number)
            connection.send({"event": "exec_ended", "exec": number, "code": code})

        number = self._agent.execs.start(sandbox, container, request, started, reply.fail, ended)
        connection.execs.add(number)

    def _do_kill_exec(self, request: Frame, reply: Reply) -> None:
        if request["exec"] in reply.connection.execs:
            self._agent.execs.kill(request["exec"])
        reply.ok()

    def _do_attach(self, request: Frame, reply: Reply) -> None:
        """Answers what there is of input, and with the descriptors of `Containers.attach`."""
        containers = self._agent.containers
        container = containers.get(_key(request))
        spec = container.spec
        fds = containers.attach(container, stdin=request["stdin"])
        has_input = len(fds) > len(container.pumps)
        reply.ok({"tty": spec["tty"], "stdin": has_input and spec["stdin"], "stdin_once": spec["stdin_once"]}, fds)
        for fd in fds:
            os.close(fd)

    def _do_close_stdin(self, request: Frame, reply: Reply) -> None:
        container = self._agent.containers.by_key.get(_key(request))
        if container is not None:
            self._agent.containers.close_stdin(container)
        reply.ok()

    # --- network

    def _do_socket(self, request: Frame, reply: Reply) -> None:
        """A socket of a namespace (`cluster`, `node:<name>`, `pod:<uid>`); with `listen` bound to that address."""
        kind = socket.SOCK_STREAM if request["type"] == "TCP" else socket.SOCK_DGRAM
        namespace, home = self._namespace(request["namespace"]), self._home()
        if namespace is not None:
            syscalls.setns(namespace, syscalls.NEWNET)
        try:
            sock = socket.socket(socket.AF_INET, kind)
        finally:
            if namespace is not None and home is not None:
                syscalls.setns(home, syscalls.NEWNET)
        with sock:
            if request.get("listen"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((request["listen"][0], request["listen"][1]))
                if kind == socket.SOCK_STREAM:
                    sock.listen(_BACKLOG)
            reply.ok({}, [sock.fileno()])

    def _home(self) -> int | None:
        return self._agent.home_network

    def _namespace(self, name: str) -> int | None:
        where, _, which = name.partition(":")
        if where == "cluster":
            return self._home()
        holder = self._agent.nodes.get(which) if where == "node" else self._agent.sandboxes.get(which)
        return None if holder.namespaces is None else holder.namespaces.net

    def _do_program_services(self, request: Frame, reply: Reply) -> None:
        """Set ports to endpoints, or remove those whose endpoints are null."""
        if self._services is None:
            raise Failure("TierCannot", "tier C has no service table; services need proxies there")
        records = self._agent.world.records
        wanted: dict[ServicePort, Backends | None] = {}
        for address, protocol, port, endpoints, affinity in request["services"]:
            key = ServicePort(address, protocol, port)
            if protocol not in ("TCP", "UDP"):
                raise Failure("BadRequest", f"service port {address}:{port}: protocol {protocol} is not supported")
            to = None if endpoints is None else tuple((a, p) for a, p in endpoints)
            wanted[key] = None if to is None else Backends(to, affinity_seconds(affinity))
        self._services.change(wanted)
        for key, backends in wanted.items():
            record = "service:" + "/".join(map(str, key))
            if backends is None:
                records.drop(record)
            else:
                value = {"port": key, "endpoints": backends.endpoints, "affinity": backends.affinity}
                records.put(record, value)
        reply.ok()

    # --- the agent itself

    def _do_stats(self, request: Frame, reply: Reply) -> None:
        agent = self._agent
        counts = {"pods": len(agent.sandboxes.by_uid), "containers": len(agent.containers.by_key)}
        reply.ok({**counts, "descriptors": len(os.listdir("/proc/self/fd"))})

    def _do_end(self, request: Frame, reply: Reply) -> None:
        """Take everything down; the connection closes when that is done."""
        reply.ok()
        self._agent.end()


def _key(request: Frame) -> Key:
    uid, name, attempt = request["container"]
    return uid, name, attempt
