"""Who a container's process is: uid, groups, capabilities, no-new-privileges."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import syscalls
from .failures import Failure
from .probe import map_one_identity

CAPABILITIES = tuple(
    """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
    """.split()  # noqa: SIM905 - in the kernel's order, and readable
)
# What containerd and Docker give a container that asks for nothing.
DEFAULT = frozenset(
    """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID
    SYS_CHROOT
    """.split()  # noqa: SIM905 - as above
)


class Identity(NamedTuple):
    """Numbers a process runs with (`groups` include `gid`), and the home directory that goes with them."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def capability_set(security: dict[str, Any]) -> frozenset[str]:
    """The capabilities after add and drop (`ALL` allowed in both; names with or without CAP_).

    As in Kubernetes a drop of ALL is done before the additions, single drops after them.
    """
    add, drop = ({name.upper().removeprefix("CAP_") for name in security[f"capabilities_{verb}"]}
                 for verb in ("add", "drop"))  # fmt: skip
    unknown = (add | drop) - set(CAPABILITIES) - {"ALL"}
    if unknown:
        raise Failure("CreateContainerConfigError", f"unknown capability {', '.join(sorted(unknown))}")
    if security["privileged"]:
        return frozenset(CAPABILITIES)
    base: frozenset[str] = frozenset() if "ALL" in drop else DEFAULT
    base = frozenset(CAPABILITIES) if "ALL" in add else base | add
    return base - drop


def identity(security: dict[str, Any], image_user: str) -> Identity:
    """Resolve the user against /etc/passwd and /etc/group of the root we are in.

    Without `image_groups` what /etc/group says of the user does not count: only groups that were asked for by number.
    """
    user, _, group = image_user.partition(":")
    if security["run_as_user"] is not None:
        user, group = str(security["run_as_user"]), ""
    if security["run_as_group"] is not None:
        group = str(security["run_as_group"])
    entry = next((e for e in _entries("/etc/passwd", 6) if user in (e[0], e[2])), None)
    if user and not user.isdigit() and entry is None:
        raise Failure("CreateContainerError", f"unable to find user {user}: no matching entries in passwd file")
    uid = int(entry[2] if entry else user or 0)
    gid = _group(group) if group else int(entry[3]) if entry else 0
    groups = set(security["supplemental_groups"])
    if security.get("image_groups", True):
        groups |= {int(e[2]) for e in _entries("/etc/group", 4) if entry and entry[0] in e[3].split(",")}
    return Identity(uid, gid, (gid, *sorted(groups - {gid})), entry[5] if entry else "/")


def assume(
    who: Identity,
    capabilities: frozenset[str],
    security: dict[str, Any],
    *,
    tier: str,
    user_namespace: int | None = None,
) -> None:
    """Become `who` with no more than those capabilities, now and after exec.

    In tier B a user other than root gets a user namespace of its own: a new one, or the container's that is joined.
    """
    if tier == "C":
        _lock_privileges(security, unless_asked=True)
        return
    if user_namespace is not None:
        syscalls.setns(user_namespace, syscalls.NEWUSER)
    elif tier == "B" and (who.uid or who.gid):
        syscalls.unshare(syscalls.NEWUSER)  # any number can be shown for our one real uid
        map_one_identity(who.uid, 0, who.gid, 0)
    kept = 0
    for number, name in enumerate(CAPABILITIES):
        if name in capabilities:
            kept |= 1 << number
        else:
            with contextlib.suppress(OSError):  # a capability this kernel does not know
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
    if tier == "A":
        os.setgroups(who.groups)
    os.setresgid(who.gid, who.gid, who.gid)
    os.setresuid(who.uid, who.uid, who.uid)
    syscalls.capset(0 if who.uid else kept & syscalls.permitted_capabilities(), 0)
    _lock_privileges(security)


def _lock_privileges(security: dict[str, Any], *, unless_asked: bool = False) -> None:
    """From here on no program gains privileges, where the specification says so.

    A plain process on the machine itself (`unless_asked`) gains none even where it says nothing.
    """
    allowed = security["allow_privilege_escalation"]
    if allowed is False or (allowed is None and unless_asked):
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def _group(name: str) -> int:
    if name.isdigit():
        return int(name)
    for entry in _entries("/etc/group", 3):
        if entry[0] == name:
            return int(entry[2])
    raise Failure("CreateContainerError", f"unable to find group {name}: no matching entries in group file")


def _entries(path: str, fields: int) -> Iterator[list[str]]:
    with contextlib.suppress(OSError), open(path, errors="replace") as file:
        for line in file:
            entry = line.rstrip("\n").split(":")
            if len(entry) >= fields and entry[2].isdigit():
                yield entry
