"""From the body of a Cluster document to `ClusterConfig`. Pure; every problem carries its `$.path`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from kube_actors.api.names import dns1123_label, dns1123_subdomain, label_value, qualified_name
from kube_actors.api.quantity import Quantity
from kube_actors.api.schema import UNKNOWN_FIELD, Schema
from kube_actors.config.hints import hint_for, value_at, wording
from kube_actors.config.schema import schema_of
from kube_actors.config.types import (
    ApiConfig,
    ClusterConfig,
    ListenerConfig,
    NetworkConfig,
    NodeConfig,
    SchedulerConfig,
    Taint,
    Timeouts,
    machine_capacity,
)
from kube_actors.errors import Cause, InputError, Problem
from kube_actors.network.ranges import parse_cidr
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

    def check(self, schema: Schema, body: Any, path: str) -> list[Cause]:
        """Add what a schema finds in a part of the document that stands at `path`; answers it as well."""
        causes = schema.validate(body)
        for cause in causes:
            value = value_at(body, cause.field)
            place = f"{path}.{cause.field}" if cause.field else path
            self.say(place, wording(schema, cause, value), hint_for(schema, cause, value))
        return causes


def parse_duration(value: Any) -> float | None:
    """`10s`, `1.5m`, `250ms`, `1h` or plain seconds; None when it is no duration."""
    match = _DURATION.fullmatch(str(value))
    return float(match["number"]) * _UNITS[match["unit"]] if match else None


def parse_cluster(body: Mapping[str, Any], *, directory: Path, problems: Problems) -> ClusterConfig:
    """The configuration a Cluster document describes; relative paths in it start at `directory`.

    What is wrong is added to `problems`; the result is only to be used when there are none.
    """
    body = _without_nulls(_readable(body, problems.check(schema_of("Cluster"), body, "$")))
    spec = body.get("spec") or {}
    name = (body.get("metadata") or {}).get("name") or "default"
    if dns1123_label(name):
        problems.say("$.metadata.name", f"{name!r} is not a name", "lower-case letters, digits and '-', at most 63")
    return ClusterConfig(
        name=name,
        nodes=tuple(_nodes(_or([{"name": "node-1"}], spec.get("nodes")), problems)),
        images=dict(_images(spec.get("images") or {}, directory, problems)),
        host_image=spec.get("hostImage", True),
        schedulers=tuple(_schedulers(spec.get("schedulers") or [], problems)),
        network=_network(spec.get("network") or {}, problems),
        api=_api(spec.get("api") or {}, directory, problems),
        listeners=tuple(_listeners(spec.get("listeners") or [], problems)),
        timeouts=_timeouts(spec.get("timeouts") or {}, problems),
        on_runtime_exit=_on_runtime_exit(spec, problems),
        tier=spec.get("tier"),
        seed=spec.get("seed", 0),
    )


def _readable(body: Mapping[str, Any], causes: list[Cause]) -> Mapping[str, Any]:
    """The document without the parts whose form is wrong, so that the rest can be looked at in the same go."""
    readable = {**body, "spec": dict(body["spec"]) if isinstance(body.get("spec"), dict) else {}}
    if not isinstance(body.get("metadata", {}), dict):
        readable["metadata"] = {}
    for cause in causes:
        first, _, rest = cause.field.partition(".")
        if cause.reason == UNKNOWN_FIELD:
            continue
        if first == "spec":
            readable["spec"].pop(re.split(r"[.\[]", rest)[0], None)
        else:
            readable.pop(first, None)
    return readable


def _without_nulls(value: Any) -> Any:
    """A field that is null was never written, as in Kubernetes; a scheduler's own options stay as they are."""
    if isinstance(value, Mapping):
        return {
            key: item if key == "options" else _without_nulls(item) for key, item in value.items() if item is not None
        }
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _or(default: Any, value: Any) -> Any:
    """What was written, an empty list included."""
    return default if value is None else value


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
        _group_rules(path, group, problems)
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


def _group_rules(path: str, group: Mapping[str, Any], problems: Problems) -> None:
    """What the schema cannot say of a group of nodes."""
    for key, value in (group.get("labels") or {}).items():
        for why in (*qualified_name(key), *label_value(value or "")):
            problems.say(f"{path}.labels[{key}]", why)
    for index, taint in enumerate(group.get("taints") or []):
        for why in (*qualified_name(taint["key"]), *label_value(taint.get("value") or "")):
            problems.say(f"{path}.taints[{index}]", why)
    for key, value in (group.get("capacity") or {}).items():
        if Quantity.parse(str(value)).milli < 0:
            problems.say(f"{path}.capacity[{key}]", f"{value} is less than nothing")
    if group.get("simulation"):
        _simulation_rules(path, group, problems)


def _simulation_rules(path: str, group: Mapping[str, Any], problems: Problems) -> None:
    from kube_actors.node.runtime.simulated_profile import SimulationProfiles  # only simulated nodes need it

    if group.get("runtime") != "simulated":
        problems.say(f"{path}.simulation", "is for nodes with `runtime: simulated` only")
    try:
        SimulationProfiles.from_config(group["simulation"])
    except ValueError as error:
        problems.say(f"{path}.simulation", str(error))


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


def _images(entries: Mapping[str, Any], directory: Path, problems: Problems) -> Iterator[tuple[str, Image]]:
    for name, entry in entries.items():
        path = f'$.spec.images["{name}"]'
        if entry == "host":
            entry = {"host": True}
        if isinstance(entry, str):
            entry = {"rootfs": entry}
        if problems.check(schema_of("Image"), entry, path):
            continue
        if "\0" in (entry.get("rootfs") or ""):
            problems.say(f"{path}.rootfs", "a path cannot have a null character in it")
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


def _network(entry: Mapping[str, Any], problems: Problems) -> NetworkConfig:
    for name in ("podCIDR", "serviceCIDR", "nodeCIDR"):
        try:
            if entry.get(name) is not None:
                parse_cidr(entry[name], name)
        except InputError as error:
            for each in error.problems:
                problems.say(f"$.spec.network.{name}", each.message.removeprefix(f"{name}: "), each.hint)
    if wrong := dns1123_subdomain(entry.get("clusterDomain") or "cluster.local"):
        problems.say("$.spec.network.clusterDomain", "; ".join(wrong))
    return NetworkConfig(
        pod_cidr=entry.get("podCIDR"),
        service_cidr=entry.get("serviceCIDR"),
        node_cidr=entry.get("nodeCIDR"),
        cluster_domain=entry.get("clusterDomain", "cluster.local"),
    )


def _api(entry: Mapping[str, Any], directory: Path, problems: Problems) -> ApiConfig:
    host, port = entry.get("host", "127.0.0.1"), entry.get("port", 0)
    if not _is_address(host):
        problems.say("$.spec.api.host", f"{host!r} is not an address", "an IP address of this machine")
    if not 0 <= port <= 65535:
        problems.say("$.spec.api.port", f"{port} is not a port", "between 0 and 65535; 0 takes a free one")
    names = tuple(entry.get("names") or ())
    for index, name in enumerate(names):
        if dns1123_subdomain(name.removeprefix("*.")) and not _is_address(name):
            problems.say(f"$.spec.api.names[{index}]", f"{name!r} is neither a DNS name nor an IP address")
    token_file = entry.get("tokenFile")
    if token_file is not None:
        token_file = str((directory / token_file).resolve())
        if not os.path.isfile(token_file):
            problems.say("$.spec.api.tokenFile", f"there is no file {token_file}")
    return ApiConfig(entry.get("enabled", True), host, port, names, token_file)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


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
        elif key in _TIMEOUTS:  # the schema has complained about others
            values[_TIMEOUTS[key]] = seconds
    return Timeouts(**values)
