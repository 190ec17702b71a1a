"""Which tier the machine allows, found out by doing the real thing in a forked child.

A: root. B: a user namespace of our own. C: neither. Inside a default Docker container, for example, root may not make
namespaces, and only the attempt tells.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from . import nftables, syscalls
from .netlink import Routes
from .settings import Settings

_ALWAYS = syscalls.NEWNS | syscalls.NEWNET | syscalls.NEWIPC | syscalls.NEWUTS
_OPTIONAL = frozenset({"overlay on disk"})


class Step(NamedTuple):
    """One thing that was tried for a tier, and what the kernel said when it refused."""

    tier: str
    name: str
    ok: bool
    message: str = ""


class Probe(NamedTuple):
    """The tier to use, every step tried, and whether writable layers may lie on disk (else in memory)."""

    tier: str
    steps: tuple[Step, ...]

    @property
    def overlay_on_disk(self) -> bool:
        return any(step.ok for step in self.steps if (step.tier, step.name) == (self.tier, "overlay on disk"))


def probe(settings: Settings) -> Probe:
    """The best tier, or the forced one. Raises OSError naming the step when the forced one is not to be had."""
    steps: list[Step] = []
    for tier in ("A", "B"):
        if settings.tier not in (None, tier):
            steps.append(Step(tier, "asked for", False, f"tier {settings.tier} was asked for"))
            continue
        tried = [Step("A", "root", False, "needs root")] if tier == "A" and os.geteuid() else _attempt(tier, settings)
        steps += tried
        failed = next((step for step in tried if not step.ok and step.name not in _OPTIONAL), None)
        if failed is None:
            return Probe(tier, tuple(steps))
        if settings.tier == tier:
            raise PermissionError(f"tier {tier} is not possible here: {failed.name}: {failed.message}")
    return Probe("C", (*steps, Step("C", "plain processes", True)))


def enter(tier: str) -> None:
    """Take this process into the namespaces the tier's cluster lives in."""
    if tier == "C":
        return
    if tier == "B":
        uid, gid = os.geteuid(), os.getegid()
        syscalls.unshare(syscalls.NEWUSER)
        map_one_identity(0, uid, 0, gid)
    syscalls.unshare(_ALWAYS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_SLAVE)


def map_one_identity(inside_uid: int, outside_uid: int, inside_gid: int, outside_gid: int) -> None:
    """In a new user namespace: make one uid and gid of ours appear as others (all an unprivileged process may map)."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside_uid} {outside_uid} 1"),
        ("gid_map", f"{inside_gid} {outside_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _attempt(tier: str, settings: Settings) -> list[Step]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(_try_steps(tier, settings)).encode())
        except BaseException as error:
            print(f"probe of tier {tier}: {error!r}", file=sys.stderr)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        raw = file.read()
    os.waitpid(pid, 0)
    return [Step(*step) for step in json.loads(raw)] if raw else [Step(tier, "probe", False, "the probe died")]


def _try_steps(tier: str, settings: Settings) -> list[Step]:
    memory = settings.memory
    tries: list[tuple[str, Callable[[], None]]] = [
        ("namespaces", lambda: enter(tier)),
        ("mounts", lambda: syscalls.mount("tmpfs", memory, "tmpfs")),
        ("overlay", lambda: _overlay(memory, tier)),
        ("overlay on disk", lambda: _overlay(settings.directory, tier)),
        ("mount attributes", lambda: _read_only(memory)),
        ("pid namespace", lambda: _pid_namespace(memory)),
        ("veth", _veth),
        ("nftables", _nftables),
    ]
    steps = []
    for name, attempt in tries:
        try:
            attempt()
            steps.append(Step(tier, name, True))
        except OSError as error:
            steps.append(Step(tier, name, False, str(error)))
            if name not in _OPTIONAL:
                break
    return steps


def _overlay(directory: str, tier: str) -> None:
    base = os.path.join(directory, "probe")
    for name in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{base}/{name}", exist_ok=True)
    try:
        mount_overlay(f"{base}/lower", f"{base}/upper", f"{base}/work", f"{base}/merged", userxattr=tier == "B")
        os.mkdir(f"{base}/merged/made")
        syscalls.umount(f"{base}/merged")
    finally:
        remove_tree(base)


def mount_overlay(lower: str, upper: str, work: str, target: str, *, userxattr: bool) -> None:
    """A writable view of `lower` whose changes lie in `upper`."""
    names = ((key, path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")) for key, path in
             (("lowerdir", lower), ("upperdir", upper), ("workdir", work)))  # fmt: skip
    data = ",".join(f"{key}={path}" for key, path in names)
    syscalls.mount("overlay", target, "overlay", 0, data + (",userxattr" if userxattr else ""))


def _read_only(path: str) -> None:
    tree = syscalls.open_tree(path)
    syscalls.mount_setattr(tree, syscalls.MOUNT_ATTR_RDONLY)
    os.close(tree)


def _pid_namespace(memory: str) -> None:
    os.makedirs(f"{memory}/proc", exist_ok=True)
    syscalls.unshare(syscalls.NEWPID)
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.mount("proc", f"{memory}/proc", "proc")
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(code, f"mount /proc: {os.strerror(code)}")


def _veth() -> None:
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.unshare(syscalls.NEWNET)
    with Routes() as routes:
        routes.veth("probe", 3, "probe-peer", namespace, mtu=1500).commit()


def _nftables() -> None:
    with nftables.Transaction() as transaction:
        transaction.table("probe").commit()


def remove_tree(path: str) -> None:
    """Remove a directory we made, following no links; what is gone already is fine. Never crosses into mounts."""
    try:
        _remove(path)
    except PermissionError:  # overlay's work directories have mode 0, volumes may be read-only: only root minds neither
        os.chmod(path, 0o700)
        _remove(path)


def _remove(path: str) -> None:
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    remove_tree(entry.path)
                else:
                    os.unlink(entry.path)
        os.rmdir(path)
    except NotADirectoryError:
        os.unlink(path)
    except FileNotFoundError:
        return
