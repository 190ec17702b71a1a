"""A container's file system, put together by the new process itself in its own mount namespace.

Everything from outside is opened as a detached mount *before* the root changes and attached *after* it, so that links
inside an image can lead nowhere but into the image.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import NamedTuple

from . import syscalls
from .failures import Failure
from .probe import mount_overlay

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_MASKED = ("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
           "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
           "/sys/devices/virtual/powercap")  # fmt: skip
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_SAFE = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC


class Bind(NamedTuple):
    """Something of the machine shown in the container. `sub_path` is looked up inside `source`, never outside;
    `inside` keeps it a directory made when missing."""

    source: str
    target: str
    read_only: bool = False
    sub_path: str = ""


class RootPlan(NamedTuple):
    """How the root looks. `layers` has the directories upper, work and root for the overlay over `lower`."""

    lower: str
    layers: str
    userxattr: bool
    binds: tuple[Bind, ...]
    memory_directories: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    privileged: bool = False
    unmasked_proc: bool = False


def enter_root(plan: RootPlan) -> None:
    """Build the root and make it ours; the machine's is out of reach afterwards."""
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    devices = [] if plan.privileged else [(syscalls.open_tree(f"/dev/{name}"), f"/dev/{name}") for name in _DEVICES]
    all_devices = syscalls.open_tree("/dev") if plan.privileged else None
    trees = [(_open_bind(bind), bind) for bind in plan.binds]
    root = os.path.join(plan.layers, "root")
    mount_overlay(plan.lower, f"{plan.layers}/upper", f"{plan.layers}/work", root, userxattr=plan.userxattr)
    os.chdir(root)
    syscalls.pivot_root(".", ".")  # the old root lies on top of the new until it is detached below
    _mount_kernel_views(plan, all_devices, devices)
    for path in plan.memory_directories:
        os.makedirs(path, exist_ok=True)
        mode = "1777" if path == "/tmp" else "755"
        syscalls.mount("tmpfs", path, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, f"mode={mode}")
    os.makedirs("/run/lock", exist_ok=True)
    for tree, bind in trees:
        attach(tree, bind.target, read_only=bind.read_only)
    if not plan.unmasked_proc and not plan.privileged:
        _mask_proc()
    for path, content in plan.files:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(content)
    os.chdir("/")
    syscalls.umount(".")
    if plan.read_only:
        fd = os.open("/", os.O_PATH | os.O_CLOEXEC)
        syscalls.mount_setattr(fd, syscalls.MOUNT_ATTR_RDONLY, recursive=False)
        os.close(fd)


def attach(tree: int, target: str, *, read_only: bool = False) -> None:
    """Put a detached mount at `target`, making a directory or file to carry it where there is none.

    Links lead inside the root we are in, which is the container's.
    """
    target = os.path.realpath(target)
    if read_only:
        syscalls.mount_setattr(tree, syscalls.MOUNT_ATTR_RDONLY)
    if not os.path.lexists(target):
        if os.path.isdir(f"/proc/self/fd/{tree}"):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    syscalls.move_mount(tree, target)
    os.close(tree)


def _open_bind(bind: Bind) -> int:
    if not bind.sub_path:
        return syscalls.open_tree(bind.source)
    directory = os.open(bind.source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    fd = _open_beneath(directory, bind.sub_path)
    tree = syscalls.open_tree_at(fd)
    os.close(fd)
    os.close(directory)
    return tree


def _open_beneath(directory: int, path: str) -> int:
    """Open `path` inside a volume; a missing last part becomes a directory. Links that lead out are refused."""
    try:
        try:
            return syscalls.openat2(directory, path, os.O_PATH, syscalls.RESOLVE_BENEATH)
        except FileNotFoundError:
            made = ""
            for part in path.split("/"):
                made = f"{made}/{part}" if made else part
                parent = syscalls.openat2(directory, os.path.dirname(made) or ".", os.O_PATH, syscalls.RESOLVE_BENEATH)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=parent)
                os.close(parent)
            return syscalls.openat2(directory, path, os.O_PATH, syscalls.RESOLVE_BENEATH)
    except OSError as error:
        if error.errno == errno.EXDEV:
            message = f"failed to prepare subPath {path!r}: it leads out of the volume"
            raise Failure("CreateContainerConfigError", message) from error
        raise


def _mount_kernel_views(plan: RootPlan, all_devices: int | None, devices: list[tuple[int, str]]) -> None:
    for path in ("/proc", "/sys", "/dev"):
        os.makedirs(path, exist_ok=True)
    syscalls.mount("proc", "/proc", "proc", _SAFE)
    syscalls.mount("sysfs", "/sys", "sysfs", _SAFE | (0 if plan.privileged else syscalls.MS_RDONLY))
    if all_devices is not None:
        syscalls.move_mount(all_devices, "/dev")
        return
    syscalls.mount("tmpfs", "/dev", "tmpfs", syscalls.MS_NOSUID, "mode=755,size=64m")
    os.mkdir("/dev/pts")
    os.mkdir("/dev/shm")
    syscalls.mount("devpts", "/dev/pts", "devpts", syscalls.MS_NOSUID | syscalls.MS_NOEXEC,
                   "newinstance,ptmxmode=0666,mode=620")  # fmt: skip
    for tree, path in devices:
        attach(tree, path)
    os.symlink("pts/ptmx", "/dev/ptmx")
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")


def _mask_proc() -> None:
    for path in _READ_ONLY:
        if os.path.exists(path):
            attach(syscalls.open_tree(path), path, read_only=True)
    for path in _MASKED:
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(path):
                syscalls.mount("tmpfs", path, "tmpfs", syscalls.MS_RDONLY | _SAFE, "size=0")
            else:
                syscalls.mount("/dev/null", path, None, syscalls.MS_BIND)
