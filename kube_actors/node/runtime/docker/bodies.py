"""What the engine is asked to create, from the contract's specifications; and what its answers say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api.times import parse_rfc3339
from kube_actors.node.runtime.base import (
    ContainerExited,
    ContainerId,
    ContainerSpec,
    ImageKind,
    PodName,
    Resources,
    RuntimeFailure,
    SandboxSpec,
)
from kube_actors.records import frozen

PREFIX = "dev.kube-actors"
NO_RESTART = {"Name": "no"}


@frozen
class World:
    """What containers need of their sandbox, kept in its label: its engine id and name spaces, where volumes lie, and
    files laid over every container's /etc."""

    volumes: Mapping[str, str]
    etc: Mapping[str, str]
    pid_mode: str = ""
    host_network: bool = False

    def dump(self) -> str:
        return json.dumps(attrs.asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> World:
        return cls(**json.loads(text))


def node_labels(cluster: str, node: str) -> dict[str, str]:
    """What marks everything of one node of one cluster."""
    return {f"{PREFIX}.cluster": cluster, f"{PREFIX}.node": node}


def pod_labels(pod: PodName) -> dict[str, str]:
    """What marks everything of a pod."""
    return {f"{PREFIX}.pod-uid": pod.uid, f"{PREFIX}.pod-namespace": pod.namespace, f"{PREFIX}.pod-name": pod.name}


def sandbox_name(pod: PodName) -> str:
    """One sandbox per pod: the engine refuses a second of that name."""
    return f"ka_{pod.namespace}_{pod.name}_{pod.uid}"


def container_name(pod: PodName, container: ContainerId) -> str:
    """One engine container per attempt, likewise."""
    return f"ka_{pod.namespace}_{pod.name}_{pod.uid}_{container.name}_{container.attempt}"


def sandbox_body(
    spec: SandboxSpec, world: World, labels: Mapping[str, str], *, image: str, network: str, fixed_address: bool
) -> dict[str, Any]:
    """The container that holds the pod's namespaces open."""
    ports = {f"{port.container_port}/{port.protocol.lower()}" for port in spec.host_ports}
    bindings: dict[str, list[dict[str, str]]] = {port: [] for port in ports}
    for port in spec.host_ports:
        binding = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        bindings[f"{port.container_port}/{port.protocol.lower()}"].append(binding)
    mode = "host" if spec.host_network else network
    body: dict[str, Any] = {
        "Image": image,
        "Entrypoint": ["/pause"],
        "StopSignal": "SIGKILL",  # a first process is deaf to SIGTERM; an engine that ends would wait for it
        "Labels": {**labels, **pod_labels(spec.pod), f"{PREFIX}.world": world.dump()},
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {
            "NetworkMode": mode,
            "IpcMode": "host" if spec.host_ipc else "shareable",
            "PidMode": "host" if spec.host_pid else "",
            "Init": spec.share_process_namespace,
            "PortBindings": bindings,
            "Sysctls": dict(spec.sysctls),
            "RestartPolicy": NO_RESTART,
            "LogConfig": {"Type": "none"},
            **limits(spec.resources),
        },
    }
    if not spec.host_network:
        body["Hostname"] = spec.hostname
    if fixed_address and spec.address and not spec.host_network:
        body["NetworkingConfig"] = {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": spec.address}}}}
    return body


def container_body(
    spec: ContainerSpec, pod: PodName, sandbox: str, world: World, labels: Mapping[str, str], *, message_file: str
) -> dict[str, Any]:
    """A container in the namespaces of `sandbox` (its engine id)."""
    if spec.image.kind is not ImageKind.ENGINE:
        what = f'image "{spec.image.name}" is of the machine ({spec.image.kind.value})'
        raise RuntimeFailure("CreateContainerError", f"{what}: a docker node runs images of its engine")
    own = {
        f"{PREFIX}.container": spec.id.name,
        f"{PREFIX}.attempt": str(spec.id.attempt),
        f"{PREFIX}.image": spec.image.name,
        f"{PREFIX}.log": json.dumps([spec.log_path, spec.log_max_size, spec.log_max_files]),
        f"{PREFIX}.message-file": message_file,
    }
    body: dict[str, Any] = {
        "Image": spec.image.name,
        "Env": [f"{name}={value}" for name, value in spec.env],
        "WorkingDir": spec.working_dir,
        "User": _user(spec),
        "Labels": {**labels, **pod_labels(pod), **own},
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin_once,
        "Tty": spec.tty,
        "HostConfig": {
            "NetworkMode": f"container:{sandbox}",
            "IpcMode": f"container:{sandbox}",
            "PidMode": world.pid_mode.replace("sandbox", f"container:{sandbox}"),
            "Mounts": _mounts(spec, world, message_file),
            "RestartPolicy": NO_RESTART,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
            **limits(spec.resources),
            **_security(spec),
        },
    }
    if spec.argv:
        body |= {"Entrypoint": [spec.argv[0]], "Cmd": list(spec.argv[1:])}
    return body


def limits(resources: Resources) -> dict[str, int]:
    """Limits and shares in the engine's words."""
    found: dict[str, int] = {}
    if resources.memory_limit is not None:
        found |= {"Memory": resources.memory_limit, "MemorySwap": resources.memory_limit}
    if resources.cpu_limit_milli is not None:
        found["NanoCpus"] = resources.cpu_limit_milli * 1_000_000
    if resources.cpu_request_milli is not None:
        found["CpuShares"] = max(2, resources.cpu_request_milli * 1024 // 1000)
    if resources.pids_limit is not None:
        found["PidsLimit"] = resources.pids_limit
    return found


def _security(spec: ContainerSpec) -> dict[str, Any]:
    security = spec.security
    if not security.image_groups and security.run_as_group is None:
        text = "an engine adds the groups of the image's user, unless runAsGroup is set"
        raise RuntimeFailure("CreateContainerConfigError", f"supplementalGroupsPolicy Strict cannot be kept: {text}")
    asked: dict[str, Any] = {
        "Privileged": security.privileged,
        "CapAdd": list(security.capabilities_add),
        "CapDrop": list(security.capabilities_drop),
        "ReadonlyRootfs": security.read_only_root_filesystem,
        "GroupAdd": [str(group) for group in security.supplemental_groups],
    }
    if security.allow_privilege_escalation is False:
        asked["SecurityOpt"] = ["no-new-privileges"]
    if security.unmasked_proc:
        asked |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return asked


def _user(spec: ContainerSpec) -> str:
    user, group = spec.security.run_as_user, spec.security.run_as_group
    shown = spec.image.user if user is None else str(user)
    if group is None:
        return shown
    return f"{shown.partition(':')[0] or '0'}:{group}"


def _mounts(spec: ContainerSpec, world: World, message_file: str) -> list[dict[str, Any]]:
    def bind(source: str, target: str, read_only: bool) -> dict[str, Any]:
        return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only}

    mounts = [bind(source, target, False) for target, source in world.etc.items()]
    if spec.termination_message_path:
        mounts.append(bind(message_file, spec.termination_message_path, False))
    for mount in spec.mounts:
        source = world.volumes.get(mount.volume)
        if source is None:
            message = f'volume "{mount.volume}" is not among the pod\'s volumes'
            raise RuntimeFailure("CreateContainerConfigError", message)
        path = f"{source}/{mount.sub_path}" if mount.sub_path else source
        mounts.append(bind(path, mount.path, mount.read_only))
    targets = {mount["Target"]: mount for mount in mounts}  # a pod's own mount over /etc/hosts wins
    return list(targets.values())


def container_id_of(labels: Mapping[str, str]) -> ContainerId | None:
    """Which attempt an engine container is; None for a sandbox."""
    name = labels.get(f"{PREFIX}.container")
    return None if name is None else ContainerId(labels[f"{PREFIX}.pod-uid"], name, int(labels[f"{PREFIX}.attempt"]))


def pod_name_of(labels: Mapping[str, str]) -> PodName:
    """Whose it is."""
    return PodName(*(labels[f"{PREFIX}.pod-{part}"] for part in ("uid", "namespace", "name")))


def exit_of(container: ContainerId, state: Mapping[str, Any], message: str) -> ContainerExited:
    """How it ended."""
    finished_at = parse_rfc3339(state["FinishedAt"])
    return ContainerExited(container, int(state["ExitCode"]), bool(state.get("OOMKilled")), finished_at, message)
