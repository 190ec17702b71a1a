"""The agent: its parts put together, its listening socket, its end."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable

from . import cgroups
from .connection import Connection
from .container import Container
from .containers import Containers
from .execs import Execs
from .host_link import HostLink
from .host_root import HostRoot
from .keeper import Inheritance, Record, child_pids
from .network import ClusterNetwork
from .nodes import Nodes
from .operations import Operations
from .probe import Probe, remove_tree
from .records import KeeperGone, Records
from .sandboxes import Sandboxes
from .services import Backends, ServicePort, affinity_seconds
from .services_of_nodes import ServiceTables
from .settings import Settings, read_first
from .world import World

_LOOK_EVERY = 5.0  # seconds, while no runtime is there
_HOST_ROOT_AFTER = 0.02  # seconds
_END_WITHIN = 8.0  # seconds, then the agent ends and the keeper kills what is left


class Agent:
    """One agent process. `run` returns when the cluster has been taken down."""

    def __init__(self, settings: Settings, probe: Probe, listener: socket.socket, inherited: Inheritance) -> None:
        records = Records(inherited)
        mounts, own = read_first("/proc/self/mountinfo"), read_first("/proc/self/cgroup")
        groups = cgroups.Hierarchies({}, 1)
        if probe.tier == "A":
            groups = cgroups.find_hierarchies(settings.cluster_id, mounts, own)
        self.world = World(settings, probe, records, groups)
        self._listener = listener
        self._connections: set[Connection] = set()
        self.runtime: Connection | None = None
        self.ending = False
        self._keep = "keep" in records.inherited
        self._network, self._services, self._host_link = self._make_network(records)
        self._host_root = HostRoot(settings.host_root)
        self.nodes = Nodes(self.world, self._network, self._services)
        self.sandboxes = Sandboxes(self.world, self._network, self._services)
        self.containers = Containers(self.world, self.sandboxes.by_uid, self._host_root)
        self.containers.report = self._report_exit
        self.execs = Execs(self.world)
        self.home_network = self._network.home.net if self._network is not None else None
        self.operations = Operations(self, self._services)
        self._restore(records)

    def run(self) -> None:
        """Serve until the end."""
        loop, records = self.world.loop, self.world.records
        self._listener.setblocking(False)
        loop.add_reader(self._listener.fileno(), self._accept)
        records.on_end = self.end
        loop.add_reader(records.fileno(), self._from_keeper)
        loop.call_later(_END_WITHIN, self._end_if_alone)
        if self.world.tier != "C":
            # The runtime has been greeted by then and goes on with its own start; pods come after that.
            loop.call_later(_HOST_ROOT_AFTER, self._make_host_root)
        loop.run()

    # --- start

    def _make_host_root(self) -> None:
        with contextlib.suppress(OSError):  # the container that needs it tells why there is none
            self._host_root.binds()

    def _make_network(self, records: Records) -> tuple[ClusterNetwork | None, ServiceTables | None, HostLink | None]:
        if self.world.tier == "C":
            return None, None, None
        links = [record.value.get("link", 0) for record in records.inherited.values()]
        network = ClusterNetwork(self.world.settings, next_link=1 + max(links, default=0))
        link = None
        if self.world.tier == "A":
            link = HostLink(self.world.settings, records.inherited["machine"].fds[0], network.home.net)
        if records.first_start:
            network.set_up()
            if link is not None:
                link.create()
        programmed = {
            ServicePort(*record.value["port"]): Backends(
                tuple((address, port) for address, port in record.value["endpoints"]),
                affinity_seconds(record.value["affinity"]),
            )
            for key, record in records.inherited.items()
            if key.startswith("service:")
        }
        return network, ServiceTables(network, programmed), link

    def _restore(self, records: Records) -> None:
        """Take over what an earlier agent made; kill children it had not told the keeper about."""

        def each(prefix: str) -> list[Record]:
            return [record for key, record in records.inherited.items() if key.startswith(prefix)]

        for record in each("node:"):
            self.nodes.restore(record.value, record.fds)
        for record in each("pod:"):
            self.sandboxes.restore(record.value, record.fds)
        known = {os.getpid()} | {record.value.get("pid", 0) for record in records.inherited.values()}
        for pid in set(child_pids(os.getppid())) - known:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        for record in each("container:"):
            self.containers.restore(record.value, record.fds, records.exits.get(record.value["pid"]))
        if self._services is not None:
            self.sandboxes.program_host_ports(self.nodes.by_name)

    # --- serving

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock, _ = self._listener.accept()
            uid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
            if uid not in (0, os.getuid()):
                print(f"agent: refused a connection of uid {uid}", file=sys.stderr)
                sock.close()
                return
            self._connections.add(Connection(sock, self))

    def _from_keeper(self) -> None:
        try:
            self.world.records.receive()
        except KeeperGone:
            print("agent: the keeper is gone, ending", file=sys.stderr)
            self.world.loop.remove_reader(self.world.records.fileno())
            os._exit(1)

    def _report_exit(self, container: Container) -> None:
        sandbox = self.sandboxes.by_uid.get(container.key[0])
        if self.runtime is not None and sandbox is not None:
            exited = {"event": "exited", "node": sandbox.node, **container.describe()}
            self.runtime.send(exited)

    def became_runtime(self, connection: Connection, *, keep: bool) -> None:
        """A runtime said hello; when it leaves, everything ends unless it may be kept."""
        self.runtime = connection
        self._keep = keep
        self.world.records.put("runtime", {})
        if keep:
            self.world.records.put("keep", {})
        else:
            self.world.records.drop("keep")

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if connection is self.runtime:
            self.runtime = None
            if not self._keep:
                self.end()
            else:
                self._end_if_alone()

    def _end_if_alone(self) -> None:
        """Without a runtime: end, unless pods are kept; and those too when no runtime can ever come back, because
        the state directory has been deleted."""
        if self.runtime is not None:
            return
        if not self._keep or not os.path.exists(self.world.settings.socket):
            self.end()
        else:
            self.world.loop.call_later(_LOOK_EVERY, self._end_if_alone)

    # --- the end

    def end(self) -> None:
        """Kill and remove everything, then leave; the keeper follows."""
        if self.ending:
            return
        self.ending = True
        self.world.loop.call_later(_END_WITHIN, self._leave)
        for container in list(self.containers.by_key.values()):
            self.containers.kill(container)
        self.remove_pods(list(self.sandboxes.by_uid), self._dismantle_nodes)

    def remove_pods(self, uids: list[str], done: Callable[[], None]) -> None:
        """Remove several pods, then call back."""
        waiting = set(uids)
        if not waiting:
            done()

        def removed(uid: str) -> None:
            waiting.discard(uid)
            if not waiting:
                done()

        for uid in uids:
            self.operations.remove_pod(uid, lambda uid=uid: removed(uid))  # type: ignore[misc]

    def _dismantle_nodes(self) -> None:
        for name in list(self.nodes.by_name):
            self.nodes.remove(name)
        if self._host_link is not None:
            self._host_link.remove()
        for base in set(self.world.cgroups.bases.values()):
            cgroups.remove_groups(base)
        self.world.trash.when_empty(self._leave)

    def _leave(self) -> None:
        settings = self.world.settings
        for path in (settings.pods, os.path.join(settings.directory, "trash"), settings.socket):
            with contextlib.suppress(OSError):  # the socket last: without one a new cluster may start here
                remove_tree(path)
        self.world.loop.stop()
