"""From the body of a Cluster document to `ClusterConfig`. Pure; every problem carries its `$.path`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kube_actors.api.names import dns1123_label, dns1123_subdomain
from kube_actors.config.schema import schema_of
from kube_actors.config.types import (
    ClusterConfig,
    ListenerConfig,
    NetworkConfig,
    NodeConfig,
    SchedulerConfig,
    Taint,
    Timeouts,
)
from kube_actors.errors import Cause, Problem
from kube_actors.node.runtime.base import Image, ImageKind

MAX_NODES = 20_000
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_TIMEOUTS = {
    "shutdownTimeout": "shutdown",
    "nodeHeartbeat": "node_heartbeat",
    "nodeGracePeriod": "node_grace",
    "defaultToleration": "default_toleration",
    "eventTTL": "event_ttl",
}


class Problems(list[Problem]):
    """Problems found so far, by path."""

    def say(self, path: str, message: str, hint: str | None = None) -> None:
        """Add one."""
        self.append(Problem(message, path=path, hint=hint))

    def causes(self, path: str, causes: list[Cause]) -> None:
        """Add what a schema found below a path."""
        for cause in causes:
            self.say(f"{path}.{cause.field}" if cause.field else path, cause.message)


def parse_duration(value: Any) -> float | None:
    """`10s`, `1.5m`, `250ms`, `1h` or plain seconds; None when it is no duration."""
    match = _DURATION.fullmatch(str(value))
    return float(match["number"]) * _UNITS[match["unit"]] if match else None


def parse_cluster(body: Mapping[str, Any], *, directory: Path, problems: Problems) -> ClusterConfig:
    """The configuration a Cluster document describes; relative paths in it start at `directory`.

    What is wrong is added to `problems`; the result is only to be used when there are none.
    """
    causes = schema_of("Cluster").validate(body)
    problems.causes("$", causes)
    if causes:
        return ClusterConfig()
    spec = body.get("spec") or {}
    name = (body.get("metadata") or {}).get("name") or "default"
    if dns1123_label(name):
        problems.say("$.metadata.name", f"{name!r} is not a name", "lower-case letters, digits and '-', at most 63")
    return ClusterConfig(
        name=name,
        nodes=tuple(_nodes(spec.get("nodes") or [{"name": "node-1"}], problems)),
        images=dict(_images(spec.get("images") or {}, directory, problems)),
        host_image=spec.get("hostImage", True),
        schedulers=tuple(_schedulers(spec.get("schedulers") or [], problems)),
        network=_network(spec.get("network") or {}),
        listeners=tuple(_listeners(spec.get("listeners") or [], problems)),
        timeouts=_timeouts(spec.get("timeouts") or {}, problems),
        on_runtime_exit=_on_runtime_exit(spec, problems),
        tier=spec.get("tier"),
        seed=spec.get("seed", 0),
    )


def _on_runtime_exit(spec: Mapping[str, Any], problems: Problems) -> Any:
    values = {spec[key] for key in ("onRuntimeExit", "on_runtime_exit") if key in spec}
    if len(values) > 1:
        problems.say("$.spec.on_runtime_exit", "says something else than onRuntimeExit", "write only one of them")
    return values.pop() if values else "end"


def _nodes(groups: list[Mapping[str, Any]], problems: Problems) -> Iterator[NodeConfig]:
    seen: dict[str, str] = {}
    for index, group in enumerate(groups):
        path = f"$.spec.nodes[{index}]"
        count = group.get("count")
        if count is not None and not 0 <= count <= MAX_NODES:
            problems.say(f"{path}.count", f"{count} nodes", f"between 0 and {MAX_NODES}")
            continue
        name = group["name"]
        names = [name] if count is None else [f"{name}-{number}" for number in range(1, count + 1)]
        for each in names:
            if dns1123_subdomain(each):
                problems.say(f"{path}.name", f"{each!r} is not a node name", "lower-case letters, digits, '-' and '.'")
                break
            if each in seen:
                problems.say(f"{path}.name", f"the node {each!r} is there already, in {seen[each]}")
                break
            seen[each] = path
            yield _node(each, group)


def _node(name: str, group: Mapping[str, Any]) -> NodeConfig:
    taints = (Taint(t["key"], t.get("value", ""), t["effect"]) for t in group.get("taints") or [])
    return NodeConfig(
        name=name,
        runtime=group.get("runtime", "process"),
        capacity={**machine_capacity(), **{key: str(value) for key, value in (group.get("capacity") or {}).items()}},
        labels=group.get("labels") or {},
        annotations=group.get("annotations") or {},
        taints=tuple(taints),
        unschedulable=group.get("unschedulable", False),
        simulation=group.get("simulation") or {},
        docker=group.get("docker") or {},
    )


def machine_capacity() -> dict[str, str]:
    """What this machine has: its processors, its memory, and room for 110 pods as a kubelet says."""
    memory_kib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    return {"cpu": str(os.cpu_count() or 1), "memory": f"{memory_kib}Ki", "pods": "110"}


def _images(entries: Mapping[str, Any], directory: Path, problems: Problems) -> Iterator[tuple[str, Image]]:
    for name, entry in entries.items():
        path = f'$.spec.images["{name}"]'
        if entry == "host":
            entry = {"host": True}
        if isinstance(entry, str):
            entry = {"rootfs": entry}
        causes = schema_of("Image").validate(entry)
        problems.causes(path, causes)
        if causes:
            continue
        image = _image(name, entry, directory)
        if (image.rootfs is None) != bool(entry.get("host")):
            problems.say(path, "an image is either `host: true` or a `rootfs` directory")
        elif image.rootfs is not None and not os.path.isdir(image.rootfs):
            problems.say(f"{path}.rootfs", f"there is no directory {image.rootfs}")
        yield name, image


def _image(name: str, entry: Mapping[str, Any], directory: Path) -> Image:
    rootfs = entry.get("rootfs")
    return Image(
        name=name,
        kind=ImageKind.HOST if entry.get("host") else ImageKind.ROOTFS,
        rootfs=str((directory / rootfs).resolve()) if rootfs else None,
        command=tuple(entry.get("command") or ()),
        args=tuple(entry.get("args") or ()),
        env=tuple((entry.get("env") or {}).items()),
        working_dir=entry.get("workingDir", ""),
        user=entry.get("user", ""),
        stop_signal=entry.get("stopSignal", "SIGTERM"),
        files=tuple((entry.get("files") or {}).items()),
        binds=tuple(entry.get("binds") or ()),
    )


def _schedulers(entries: list[Mapping[str, Any]], problems: Problems) -> Iterator[SchedulerConfig]:
    names = [entry["name"] for entry in entries]
    for index, entry in enumerate(entries):
        path = f"$.spec.schedulers[{index}]"
        if entry["name"] in names[:index]:
            problems.say(f"{path}.name", f"the scheduler {entry['name']!r} is there already")
        plugin = entry.get("plugin")
        if plugin is not None and not re.fullmatch(r"[\w.]+:\w+", plugin):
            problems.say(f"{path}.plugin", f"{plugin!r} does not name a class", "module:Class")
        yield SchedulerConfig(entry["name"], entry.get("policy", "LeastAllocated"), plugin, entry.get("options") or {})
    if "default-scheduler" not in names:
        yield SchedulerConfig()


def _network(entry: Mapping[str, Any]) -> NetworkConfig:
    return NetworkConfig(
        pod_cidr=entry.get("podCIDR"),
        service_cidr=entry.get("serviceCIDR"),
        node_cidr=entry.get("nodeCIDR"),
        cluster_domain=entry.get("clusterDomain", "cluster.local"),
    )


def _listeners(entries: list[Mapping[str, Any]], problems: Problems) -> Iterator[ListenerConfig]:
    taken: set[tuple[str, int]] = set()
    for index, entry in enumerate(entries):
        path = f"$.spec.listeners[{index}]"
        host, port = entry.get("host", "127.0.0.1"), entry.get("port", 0)
        if not 0 <= port <= 65535:
            problems.say(f"{path}.port", f"{port} is not a port", "between 0 and 65535; 0 takes a free one")
        if port and (host, port) in taken:
            problems.say(f"{path}.port", f"{host}:{port} is listed twice")
        taken.add((host, port))
        service_port = str(entry.get("servicePort", ""))
        yield ListenerConfig(entry["service"], entry.get("namespace", "default"), service_port, host, port)


def _timeouts(entry: Mapping[str, Any], problems: Problems) -> Timeouts:
    values: dict[str, float] = {}
    for key, value in entry.items():
        seconds = parse_duration(value)
        if seconds is None:
            problems.say(f"$.spec.timeouts.{key}", f"{value!r} is not a duration", "for example 10s, 500ms or 2m")
        else:
            values[_TIMEOUTS[key]] = seconds
    return Timeouts(**values)
