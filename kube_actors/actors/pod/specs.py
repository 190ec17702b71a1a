"""From a pod's spec to what the runtime is asked for. Pure: everything it needs is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.actors.pod.world import PodWorld
from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodSecurityContext, PodView
from kube_actors.node.environment import container_argv, container_environment
from kube_actors.node.objects import Objects, Place, config_error
from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    HostPort,
    Image,
    ImageKind,
    PodName,
    Resources,
    RuntimeFailure,
    SandboxSpec,
    Security,
    Volume,
)
from kube_actors.node.volumes import resolve_mounts
from kube_actors.records import frozen

MOST_PROCESSES = 4096
"""Processes and threads of one pod where there is a control group for them: a fork bomb fills its pod, not the machine
(a kubelet's `podPidsLimit`)."""

LONGEST_HOSTNAME = 64


def pod_name(pod: PodView) -> PodName:
    """Who the pod is, for the runtime."""
    return PodName(pod.metadata.uid, pod.metadata.namespace, pod.metadata.name)


def hostname_of(pod: PodView, node: str) -> str:
    """`spec.hostname`, or the pod's name cut to the 63 characters a host name may have; the node's with hostNetwork.
    `spec.hostnameOverride` comes before all of them."""
    if pod.spec.hostname_override:
        return pod.spec.hostname_override
    if pod.spec.host_network:
        return node
    return pod.spec.hostname or pod.metadata.name[:63].rstrip("-.")


def sandbox_spec(pod: PodView, world: PodWorld, address: str | None, volumes: tuple[Volume, ...]) -> SandboxSpec:
    """The pod's shared world."""
    spec = pod.spec
    hostname = hostname_of(pod, world.node)
    names: tuple[str, ...] = (hostname,)
    if spec.subdomain and not spec.hostname_override and not spec.host_network:  # a node is nobody's subdomain
        domain = f"{spec.subdomain}.{pod.metadata.namespace}.svc.{world.cluster_domain}"
        names = (f"{hostname}.{domain}", hostname)
        if spec.set_hostname_as_fqdn:
            hostname = _kernel_hostname(names[0])
    hosts = [(address or world.place.host_ip, names)]
    hosts += [(alias.ip, alias.hostnames) for alias in spec.host_aliases]
    security = spec.security_context or PodSecurityContext()
    return SandboxSpec(
        pod=pod_name(pod),
        hostname=hostname,
        address=address,
        dns=world.dns(pod),
        hosts=tuple(hosts),
        volumes=volumes,
        host_ports=() if spec.host_network else tuple(_host_ports(pod)),
        host_network=spec.host_network,
        host_pid=spec.host_pid,
        host_ipc=spec.host_ipc,
        share_process_namespace=spec.share_process_namespace,
        resources=resources_of_pod(pod),
        sysctls=tuple((sysctl.name, sysctl.value) for sysctl in security.sysctls),
        labels=pod.metadata.labels,
        annotations=pod.metadata.annotations,
    )


def check_handler(body: Mapping[str, Any], world: PodWorld) -> None:
    """RuntimeFailure when the pod's RuntimeClass asks for a handler that its node does not have: a pod that wants more
    isolation is not run with less."""
    name = body["spec"].get("runtimeClassName")
    if not name:
        return
    handler = world.handler(name)
    if handler is None:
        raise RuntimeFailure("FailedCreatePodSandBox", f'runtimeclass.node.k8s.io "{name}" not found')
    if handler not in world.handlers:
        known = ", ".join(f'"{each}"' for each in world.handlers if each)
        text = f'no runtime for "{handler}" is configured (node {world.node} has {known})'
        raise RuntimeFailure("FailedCreatePodSandBox", text)


def resources_of_pod(pod: PodView) -> Resources:
    """What all containers of the pod share: its limit of processes, and the resources it has as a whole."""
    whole = pod.spec.resources
    if whole is None:
        return Resources(pids_limit=MOST_PROCESSES)
    return attrs.evolve(_limits(whole.limits, whole.requests), pids_limit=MOST_PROCESSES)


def _kernel_hostname(fqdn: str) -> str:
    """A name that fits into the kernel's host name. RuntimeFailure for one that does not."""
    if len(fqdn) > LONGEST_HOSTNAME:
        limit = f"{LONGEST_HOSTNAME} characters is the max, {len(fqdn)} characters requested"
        text = f"Failed to construct FQDN from pod hostname and cluster domain, FQDN {fqdn} is too long ({limit})"
        raise RuntimeFailure("FailedCreatePodSandBox", text)
    return fqdn


def _host_ports(pod: PodView) -> list[HostPort]:
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    return [
        HostPort(port.protocol, port.host_ip, port.host_port, port.container_port)
        for container in containers
        for port in container.ports
        if port.host_port
    ]


def raw_container(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A container of a pod's body, init and ephemeral containers included."""
    spec = body["spec"]
    everything = (*(spec.get("initContainers") or ()), *spec["containers"], *(spec.get("ephemeralContainers") or ()))
    found: dict[str, Any] = next(container for container in everything if container["name"] == name)
    return found


@frozen
class Surroundings:
    """What a container's configuration is read from: the pod, its body, the objects it names, and its place."""

    pod: PodView
    body: Mapping[str, Any]
    objects: Objects
    place: Place


def container_spec(
    around: Surroundings, container: Container, attempt: int, world: PodWorld
) -> tuple[ContainerSpec, tuple[str, ...]]:
    """One attempt at a container, with warnings a person should see. RuntimeFailure when its configuration or image
    does not add up."""
    image = world.images.find(container.image, container.image_pull_policy or "IfNotPresent")
    raw = raw_container(around.body, container.name)
    environment = container_environment(around.body, raw, image, around.objects, around.place)
    meta = around.pod.metadata
    spec = ContainerSpec(
        id=ContainerId(meta.uid, container.name, attempt),
        image=image,
        argv=container_argv(raw, image, environment),
        log_path=world.log_path(meta.namespace, meta.name, meta.uid, container.name, attempt),
        env=environment.variables,
        working_dir=container.working_dir or image.working_dir,
        mounts=resolve_mounts(raw, environment),
        security=attrs.evolve(_security(around.pod, container, image), image_groups=_merges_groups(around.body)),
        resources=resources_of(container),
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
        termination_message_path=container.termination_message_path,
        processes_of=container.target_container_name,
        annotations=meta.annotations,
    )
    if not spec.argv and image.kind is not ImageKind.ENGINE:
        raise config_error(f'no command specified: neither the container nor the image "{container.image}" has one')
    return spec, environment.warnings


def _merges_groups(body: Mapping[str, Any]) -> bool:
    """Whether the groups that an image gives its user count: unless the pod says otherwise."""
    return (body["spec"].get("securityContext") or {}).get("supplementalGroupsPolicy") != "Strict"


def _may_be_root(user: int | None, image: Image) -> str:
    """Why a container cannot be known not to run as root; empty when it can. Names are not looked up in the image."""
    if user is not None:
        return "container's runAsUser breaks non-root policy" if user == 0 else ""
    name = image.user.partition(":")[0]
    if name in ("", "0"):
        return "container has runAsNonRoot and image will run as root"
    if name.isdigit():
        return ""
    return f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root"


def _security(pod: PodView, container: Container, image: Image) -> Security:
    outer = pod.spec.security_context or PodSecurityContext()
    inner = container.security_context
    user = inner.run_as_user if inner is not None and inner.run_as_user is not None else outer.run_as_user
    group = inner.run_as_group if inner is not None and inner.run_as_group is not None else outer.run_as_group
    own = inner.run_as_non_root if inner is not None else None
    non_root = outer.run_as_non_root if own is None else own
    if non_root and (why := _may_be_root(user, image)):
        place = f'pod: "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})", container: {container.name}'
        raise config_error(f"{why} ({place})")
    groups = outer.supplemental_groups
    if outer.fs_group is not None:
        groups = tuple(dict.fromkeys((*groups, outer.fs_group)))
    if inner is None:
        return Security(user, group, groups)
    capabilities = inner.capabilities
    return Security(
        run_as_user=user,
        run_as_group=group,
        supplemental_groups=groups,
        privileged=inner.privileged,
        allow_privilege_escalation=inner.allow_privilege_escalation,
        read_only_root_filesystem=inner.read_only_root_filesystem,
        capabilities_add=capabilities.add if capabilities is not None else (),
        capabilities_drop=capabilities.drop if capabilities is not None else (),
        unmasked_proc=inner.proc_mount == "Unmasked",
    )


def resources_of(container: Container) -> Resources:
    """A container's limits and shares as the runtime keeps them."""
    return _limits(container.resources.limits, container.resources.requests)


def _limits(limits: Mapping[str, Quantity], requests: Mapping[str, Quantity]) -> Resources:
    memory, cpu, wanted = limits.get("memory"), limits.get("cpu"), requests.get("cpu")
    return Resources(
        memory_limit=int(memory.value) if memory is not None else None,
        cpu_limit_milli=int(cpu.milli) if cpu is not None else None,
        cpu_request_milli=int(wanted.milli) if wanted is not None else None,
    )
