"""The kernel calls Python does not offer, each raising OSError as `os` does.

Every call keeps the interpreter lock (`PyDLL`): the callers are single-threaded, and a child that comes out of `clone`
must find the lock as it left it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct

_libc = ctypes.PyDLL(None, use_errno=True)

CLONE_PARENT, CLONE_PIDFD = 0x8000, 0x1000
NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MS_SLAVE = 32, 4096, 16384, 1 << 18, 1 << 19
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 4
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
INTERNAL_SIGNALS = (32, 33)
"""glibc's own. A program started by posix_spawn, as Python 3.13 does it, finds them ignored, as would its children."""
RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 2, 8, 16

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECUREBITS = 1, 4, 28
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 24, 36, 38

# Only these differ between architectures; the newer calls share one number everywhere.
_CLONE, _PIVOT_ROOT, _CAPSET, _SIGACTION = (56, 155, 126, 13) if os.uname().machine == "x86_64" else (220, 41, 91, 134)
_OPEN_TREE, _MOVE_MOUNT, _OPENAT2, _MOUNT_SETATTR = 428, 429, 437, 442


def _check(result: int, what: object = None) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
    return result


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def _long(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def clone_sibling(flags: int) -> tuple[int, int]:
    """Fork with new namespaces as a child of *our parent*: (pid, pidfd), pid 0 in the child.

    The keeper is that parent, so that exit codes outlive the agent.
    """
    pidfd = ctypes.c_int(-1)
    flags |= CLONE_PARENT | CLONE_PIDFD | signal.SIGCHLD
    pid = _libc.syscall(_long(_CLONE), ctypes.c_ulong(flags), _long(0), ctypes.byref(pidfd), _long(0), _long(0))
    return _check(pid), pidfd.value


def reset_signal(number: int) -> None:
    """Give a signal its default action, `INTERNAL_SIGNALS` too, which `signal.signal` refuses."""
    default = bytes(32)  # the kernel's struct sigaction: SIG_DFL, no flags, no mask
    _check(_libc.syscall(_long(_SIGACTION), ctypes.c_int(number), default, None, _long(8)))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)))


def setns(fd: int, flags: int) -> None:
    """Join a namespace (or, through a pidfd, several)."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(flags)))


def sethostname(name: str) -> None:
    """Set the host name of the current UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))))


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """mount(2)."""
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data))
    _check(result, target)


def umount(target: str) -> None:
    """Detach a mount lazily."""
    _check(_libc.umount2(_text(target), ctypes.c_int(MNT_DETACH)), target)


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2); both may be "." (the old root is then stacked on the new one)."""
    _check(_libc.syscall(_long(_PIVOT_ROOT), _text(new), _text(old)))


def open_tree(path: str, *, recursive: bool = True) -> int:
    """A detached copy of the mounts at `path`: a descriptor for `move_mount`, good across pivot_root."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (AT_RECURSIVE if recursive else 0)
    return _check(_libc.syscall(_long(_OPEN_TREE), _long(AT_FDCWD), _text(path), ctypes.c_uint(flags)), path)


def open_tree_at(fd: int, *, recursive: bool = True) -> int:
    """As `open_tree`, of what the descriptor `fd` shows."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    return _check(_libc.syscall(_long(_OPEN_TREE), _long(fd), b"", ctypes.c_uint(flags)))


def move_mount(tree: int, target: str) -> None:
    """Attach what `open_tree` made at `target`."""
    flags = ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH)
    result = _libc.syscall(_long(_MOVE_MOUNT), _long(tree), b"", _long(AT_FDCWD), _text(target), flags)
    _check(result, target)


def mount_setattr(fd: int, attributes: int, *, path: str = "", recursive: bool = True) -> None:
    """Add MOUNT_ATTR_* to a mount (and those below it) without clearing any."""
    attr = struct.pack("=QQQQ", attributes, 0, 0, 0)
    flags = (AT_RECURSIVE if recursive else 0) | (0 if path else AT_EMPTY_PATH)
    args = (_long(fd), _text(path), ctypes.c_uint(flags), attr, ctypes.c_size_t(len(attr)))
    _check(_libc.syscall(_long(_MOUNT_SETATTR), *args), path)


def openat2(directory: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
    """open(2) that stays inside `directory` as `resolve` (RESOLVE_*) demands."""
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, mode, resolve)
    args = (_long(directory), _text(path), how, ctypes.c_size_t(len(how)))
    return _check(_libc.syscall(_long(_OPENAT2), *args), path)


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument."""
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), _long(0), _long(0), _long(0)))


def capset(permitted: int, inheritable: int) -> None:
    """Set our effective and permitted capabilities, and the inheritable ones, as bit masks."""
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    ilow, ihigh = inheritable & 0xFFFFFFFF, inheritable >> 32
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.syscall(_long(_CAPSET), header, struct.pack("=6I", low, low, ilow, high, high, ihigh)))


def permitted_capabilities() -> int:
    """Our permitted capabilities as a bit mask."""
    header, data = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    _check(_libc.syscall(_long(_CAPSET - 1), header, data))
    _, low, _, _, high, _ = struct.unpack("=6I", data.raw)
    return int(low | high << 32)
