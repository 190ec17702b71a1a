"""From a container's specification to the `Launch` that starts it, per tier."""

from __future__ import annotations

import os
from typing import Any

from . import credentials, host_root, volumes
from .failures import Failure
from .host_root import HostRoot
from .rootfs import Bind, RootPlan
from .sandboxes import Sandbox
from .settings import Value
from .spawn import USUAL_PATH, Launch, Program, Stdio
from .world import World

_NO_STREAMS = Stdio(None, None, None)


def container_launch(world: World, sandbox: Sandbox, spec: Value, directory: str, host: HostRoot) -> Launch:
    """How to start a container. Raises Failure naming what the tier cannot do."""
    credentials.capability_set(spec["security"])
    program = container_program(world, sandbox, spec)
    if world.tier == "C":
        _refuse_in_c(sandbox, spec)
        return Launch(program, _NO_STREAMS, None, "outer", subreaper=True)
    outer = sandbox.spec["host_pid"]
    namespace: str | int = "outer" if outer else "own"
    if sandbox.pid_holder is not None:
        namespace = sandbox.pid_holder[1]
    root = _root(world, sandbox, spec, directory, host)
    return Launch(program, _NO_STREAMS, sandbox.namespaces, namespace, root, subreaper=namespace != "own")


def container_program(world: World, sandbox: Sandbox, spec: Value) -> Program:
    """What a container executes, and an exec in it too but for the arguments."""
    image = spec["image"]
    return Program(
        tier=world.tier,
        argv=spec["argv"],
        env=[*image["env"], *spec["env"]],
        working_dir=spec["working_dir"] or image["working_dir"],
        security=spec["security"],
        image_user=image["user"],
        search_path=host_root.search_path() if image["kind"] == "host" else USUAL_PATH,
        hostname=sandbox.spec["hostname"],
        tty=spec["tty"],
        data_limit=None if world.cgroups.supports("memory") else spec["resources"]["memory_limit"],
    )


def _root(world: World, sandbox: Sandbox, spec: Value, directory: str, host: HostRoot) -> RootPlan:
    image, settings = spec["image"], world.settings
    security = spec["security"]
    is_host = image["kind"] == "host"
    lower = settings.host_root if is_host else _rootfs(image)
    machine = (*(host.binds() if is_host else ()), *image["binds"])
    binds = [Bind(path, path, read_only=True) for path in machine]
    memory = settings.pod_directory(sandbox.uid, memory=True)
    binds += [Bind(f"{memory}/etc/{name}", f"/etc/{name}") for name in ("hosts", "resolv.conf", "hostname")]
    binds.append(Bind(f"{memory}/shm", "/dev/shm"))
    if spec["termination_message_path"]:
        binds.append(Bind(f"{directory}/termination-log", spec["termination_message_path"]))
    for mount in sorted(spec["mounts"], key=lambda mount: mount["path"]):
        binds.append(_volume_bind(world, sandbox, mount))
    if not world.probe.overlay_on_disk:
        directory = os.path.join(memory, "containers", os.path.basename(directory))
        for name in ("upper", "work", "root"):
            os.makedirs(f"{directory}/{name}", exist_ok=True)
    return RootPlan(
        lower=lower,
        layers=directory,
        userxattr=world.tier == "B",
        binds=tuple(binds),
        memory_directories=("/tmp", "/run") if is_host else (),
        files=tuple((path, content) for path, content in image["files"]),
        read_only=security["read_only_root_filesystem"],
        privileged=security["privileged"],
        unmasked_proc=security["unmasked_proc"],
    )


def _rootfs(image: dict[str, Any]) -> str:
    rootfs = image["rootfs"]
    if not rootfs or not os.path.isdir(rootfs):
        raise Failure("ErrImagePull", f"image {image['name']!r}: root file system {rootfs} is not a directory")
    return str(rootfs)


def _volume_bind(world: World, sandbox: Sandbox, mount: Value) -> Bind:
    volume = sandbox.volume(mount["volume"])
    source = volumes.volume_path(world.settings, sandbox.uid, volume)
    read_only = mount["read_only"] or volume["kind"] == "files"
    if not os.path.exists(source):
        raise Failure("CreateContainerError", f"volume {mount['volume']!r}: {source} does not exist")
    target = os.path.normpath("/" + mount["path"].strip("/"))
    return Bind(source, target, read_only, mount["sub_path"].strip("/"))


def _refuse_in_c(sandbox: Sandbox, spec: Value) -> None:
    """Plain processes see the machine as it is: what would change that is refused by name, not left out."""
    security, image = spec["security"], spec["image"]
    own = {"run_as_user": os.getuid(), "run_as_group": os.getgid()}
    refused = [f"image {image['name']!r}: a root file system"] if image["kind"] != "host" else []
    refused += [f"volumeMounts[{mount['path']}]" for mount in spec["mounts"]]
    refused += [
        f"securityContext.{field}={security[name]}"
        for name, field in (("run_as_user", "runAsUser"), ("run_as_group", "runAsGroup"))
        if security[name] not in (None, own[name])
    ]
    refused += ["securityContext.privileged"] if security["privileged"] else []
    refused += ["securityContext.readOnlyRootFilesystem"] if security["read_only_root_filesystem"] else []
    refused += ["images.files"] if image["files"] else []
    refused += ["tty"] if spec["tty"] and not os.access("/dev/ptmx", os.W_OK) else []
    refused += ["shareProcessNamespace"] if sandbox.spec["share_process_namespace"] else []
    if refused:
        raise Failure("CreateContainerConfigError", f"tier C (plain processes) cannot honour: {', '.join(refused)}")
