"""Pods: namespaces, address, volumes and the files of /etc, made and taken away."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

from . import syscalls, volumes
from .cgroups import remove_pod_groups
from .failures import Failure
from .network import ClusterNetwork, Namespaces
from .nodes import Node
from .services import Backends, ServicePort
from .services_of_nodes import LOOPBACK, ServiceTables
from .settings import Value
from .subreaper import hold_pid_namespace
from .world import World

HOST_PORT_ANY = ("", "0.0.0.0")


class Sandbox:
    """One pod. `pid_holder` is the first process of the pid namespace its containers share, if they do."""

    def __init__(self, uid: str, node: str, spec: Value) -> None:
        self.uid = uid
        self.node = node
        self.spec = spec
        self.namespaces: Namespaces | None = None
        self.pid_holder: tuple[int, int] | None = None
        self.mounted: list[str] = []
        self.removing = False

    @property
    def address(self) -> str | None:
        address: str | None = self.spec["address"]
        return address

    def volume(self, name: str) -> Value:
        """A volume by name. Raises Failure."""
        for volume in self.spec["volumes"]:
            if volume["name"] == name:
                return dict(volume)
        raise Failure("CreateContainerConfigError", f'volume "{name}" is not a volume of the pod')

    @property
    def key(self) -> str:
        return f"pod:{self.uid}"


class Sandboxes:
    """All pods of the cluster on this machine."""

    def __init__(self, world: World, network: ClusterNetwork | None, services: ServiceTables | None) -> None:
        self._world, self._network, self._services = world, network, services
        self.by_uid: dict[str, Sandbox] = {}

    def get(self, uid: str) -> Sandbox:
        """A pod that is there. Raises Failure."""
        sandbox = self.by_uid.get(uid)
        if sandbox is None or sandbox.removing:
            raise Failure("CreatePodSandboxError", f"there is no sandbox for pod {uid}")
        return sandbox

    def create(self, node: Node, spec: Value) -> Sandbox:
        """Make a pod's world; nothing is left behind when that fails."""
        uid = spec["pod"]["uid"]
        if uid in self.by_uid:
            raise Failure("CreatePodSandboxError", f"pod {uid} has a sandbox already")
        sandbox = Sandbox(uid, node.name, spec)
        try:
            self._check_host_ports(sandbox, node)
            self._make_files(sandbox)
            self._make_namespaces(sandbox, node)
            if self._services is not None:
                self._services.change_host_ports(node.address, dict(self._host_ports(sandbox, node)))
        except BaseException:
            self.dismantle(sandbox, node)
            raise
        self.by_uid[uid] = sandbox
        self._remember(sandbox)
        return sandbox

    def restore(self, value: Value, fds: list[int]) -> Sandbox:
        """Take a pod over from an earlier agent."""
        sandbox = Sandbox(value["spec"]["pod"]["uid"], value["node"], value["spec"])
        sandbox.mounted = value["mounted"]
        if fds:
            sandbox.namespaces = Namespaces(fds[0], fds[1], fds[2], value["link"])
        if value.get("pid"):
            sandbox.pid_holder = (value["pid"], fds[3])
        self.by_uid[sandbox.uid] = sandbox
        return sandbox

    def update_files(self, uid: str, volume: Value) -> None:
        """Replace the content of a files volume."""
        sandbox = self.get(uid)
        path = volumes.volume_path(self._world.settings, uid, sandbox.volume(volume["name"]))
        owned = self._world.tier == "A"
        volumes.write_files(path, volume["files"], volume["fs_group"] if owned else None, owned=owned)

    def set_resources(self, sandbox: Sandbox, resources: Value) -> None:
        """What containers that start from now on share, and one that runs has been given."""
        if sandbox.spec["resources"] != resources:
            sandbox.spec["resources"] = resources
            self._remember(sandbox)

    def dismantle(self, sandbox: Sandbox, node: Node | None) -> None:
        """Take everything of a pod away but its containers, which must have ended."""
        settings = self._world.settings
        if sandbox.pid_holder is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(sandbox.pid_holder[0], signal.SIGKILL)
            os.close(sandbox.pid_holder[1])
        if self._services is not None and node is not None and sandbox.uid in self.by_uid:
            self._services.change_host_ports(node.address, {port: None for port, _ in self._host_ports(sandbox, node)})
        if self._network is not None and sandbox.namespaces is not None:
            self._network.remove(sandbox.namespaces, sandbox.address or "")
        for path in sandbox.mounted:
            with contextlib.suppress(OSError):
                syscalls.umount(path)
        remove_pod_groups(self._world.cgroups, sandbox.uid)
        self._world.trash.discard(settings.pod_directory(sandbox.uid))
        self._world.trash.discard(settings.pod_directory(sandbox.uid, memory=True))
        if self.by_uid.pop(sandbox.uid, None):
            self._world.records.drop(sandbox.key)

    def program_host_ports(self, nodes: dict[str, Node]) -> None:
        """Program the host ports of all pods again, after a restart."""
        for sandbox in self.by_uid.values():
            node = nodes[sandbox.node]
            if self._services is not None:
                self._services.change_host_ports(node.address, dict(self._host_ports(sandbox, node)))

    def _host_ports(self, sandbox: Sandbox, node: Node) -> list[tuple[ServicePort, Backends]]:
        if not sandbox.address:
            return []
        return [
            (
                ServicePort(address, port["protocol"], port["host_port"]),
                Backends(((sandbox.address, port["container_port"]),)),
            )
            for port in sandbox.spec["host_ports"]
            for address in _addresses(port, node)
        ]

    def _check_host_ports(self, sandbox: Sandbox, node: Node) -> None:
        if sandbox.spec["host_ports"] and self._services is None:
            raise Failure("CreatePodSandboxError", "tier C cannot offer a hostPort")
        wanted = {port for port, _ in self._host_ports(sandbox, node)}
        for other in self.by_uid.values():
            if other.node == node.name and (taken := wanted & {port for port, _ in self._host_ports(other, node)}):
                number = next(iter(taken)).port
                holder = f"{other.spec['pod']['namespace']}/{other.spec['pod']['name']}"
                raise Failure("CreatePodSandboxError", f"host port {number} is in use by pod {holder}")

    def _make_files(self, sandbox: Sandbox) -> None:
        spec, world = sandbox.spec, self._world
        for directory in (False, True):
            os.makedirs(world.settings.pod_directory(sandbox.uid, memory=directory), mode=0o700)
        etc = os.path.join(world.settings.pod_directory(sandbox.uid, memory=True), "etc")
        os.makedirs(etc, mode=0o755)
        node_hosts = volumes.hosts_of_machine() if spec["host_network"] else None
        _write_readable(f"{etc}/hosts", volumes.etc_hosts(spec["hosts"], node_hosts=node_hosts))
        _write_readable(f"{etc}/resolv.conf", volumes.resolv_conf(spec["dns"]))
        _write_readable(f"{etc}/hostname", spec["hostname"] + "\n")
        shm = os.path.join(world.settings.pod_directory(sandbox.uid, memory=True), "shm")
        os.mkdir(shm)
        os.chmod(shm, 0o1777)
        for volume in spec["volumes"]:
            mounted = volumes.make_volume(
                world.settings, sandbox.uid, volume, mounts=world.tier != "C", chown=world.tier == "A"
            )
            if mounted:
                sandbox.mounted.append(volumes.volume_path(world.settings, sandbox.uid, volume))
        for volume in spec["volumes"]:  # the contents have been written; the record need not repeat secrets
            if volume["kind"] == "files":
                volume["files"] = []

    def _make_namespaces(self, sandbox: Sandbox, node: Node) -> None:
        spec, network = sandbox.spec, self._network
        if network is None:
            return
        if spec["host_network"]:
            assert node.namespaces is not None
            made = network.create_shared(node.namespaces, spec["hostname"], host_ipc=spec["host_ipc"])
        else:
            made = network.create(spec["address"], spec["hostname"], dict(spec["sysctls"]))
        sandbox.namespaces = made
        if spec["share_process_namespace"]:
            sandbox.pid_holder = self._hold_pid_namespace()

    def _hold_pid_namespace(self) -> tuple[int, int]:
        waiting, ready = os.pipe2(os.O_CLOEXEC)
        pid, pidfd = syscalls.clone_sibling(syscalls.NEWPID)
        if pid == 0:
            os.close(ready)
            os.read(waiting, 1)  # it hides from inspection, which must not happen before we have looked
            hold_pid_namespace()
        try:
            namespace = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            for fd in (pidfd, waiting, ready):
                os.close(fd)
        return pid, namespace

    def _remember(self, sandbox: Sandbox) -> None:
        value: dict[str, Any] = {"spec": sandbox.spec, "node": sandbox.node, "mounted": sandbox.mounted}
        fds: list[int] = []
        if sandbox.namespaces is not None:
            value["link"] = sandbox.namespaces.link
            fds = sandbox.namespaces.fds
        if sandbox.pid_holder is not None:
            value["pid"] = sandbox.pid_holder[0]
            fds = [*fds, sandbox.pid_holder[1]]
        self._world.records.put(sandbox.key, value, fds)


def _addresses(port: Value, node: Node) -> tuple[str, ...]:
    """Where a host port is offered: on the address it names, or on all the node has."""
    return (node.address, LOOPBACK) if port["host_ip"] in HOST_PORT_ANY else (str(port["host_ip"]),)


def _write_readable(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with open(fd, "w", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, 0o644)
