"""A pod's volumes as directories of the machine, and the little files every container sees in /etc."""

from __future__ import annotations

import base64
import os
import stat
import time
from typing import Any

from . import syscalls
from .failures import Failure
from .probe import remove_tree
from .settings import Settings

Volume = dict[str, Any]
_TYPES = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def volume_path(settings: Settings, uid: str, volume: Volume) -> str:
    """Where a volume's content lies."""
    if volume["kind"] == "host_path":
        return str(volume["path"])
    in_memory = volume["kind"] == "files" or volume["memory"]
    return os.path.join(settings.pod_directory(uid, memory=in_memory), "volumes", volume["name"])


def make_volume(settings: Settings, uid: str, volume: Volume, *, mounts: bool, chown: bool) -> bool:
    """Make a volume; True when it is a mount of its own, to be undone by `umount`.

    `mounts` tells whether we may mount, `chown` whether we may give files to another group.
    """
    path = volume_path(settings, uid, volume)
    if volume["kind"] == "host_path":
        _check_host_path(volume["name"], path, volume["type"])
        return False
    os.makedirs(path, mode=0o755, exist_ok=True)
    group = volume["fs_group"] if chown else None
    if volume["kind"] == "files":
        write_files(path, volume["files"], group, owned=chown)
        os.chmod(path, 0o777)
        return False
    mounted = bool(mounts and volume["memory"] and volume["size_limit"])
    if mounted:
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", path, "tmpfs", flags, f"size={volume['size_limit']},mode=777")
    if group is not None:
        os.chown(path, -1, group)
    os.chmod(path, 0o777 if group is None else 0o2777)
    return mounted


def write_files(path: str, files: list[dict[str, Any]], group: int | None, *, owned: bool) -> None:
    """Replace a volume's files at once: `..data` points to the new generation, each name at the top through it.
    `owned` files that name a user are given to it.

    The scheme of Kubernetes, which programs that watch for changes know.
    """
    generation = f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{time.time_ns() % 10**9}"
    for file in files:
        _write_file(os.path.join(path, generation), file, group, owned=owned)
    os.makedirs(os.path.join(path, generation), mode=0o755, exist_ok=True)
    data = os.path.join(path, "..data")
    old = os.readlink(data) if os.path.islink(data) else None
    os.symlink(generation, os.path.join(path, "..data_tmp"))
    os.rename(os.path.join(path, "..data_tmp"), data)
    wanted = {file["path"].split("/")[0] for file in files}
    for name in wanted - set(os.listdir(path)):
        os.symlink(f"..data/{name}", os.path.join(path, name))
    for name in set(os.listdir(path)) - wanted:
        if not name.startswith(".."):
            os.unlink(os.path.join(path, name))
    if old:
        remove_tree(os.path.join(path, old))


def _write_file(root: str, file: dict[str, Any], group: int | None, *, owned: bool) -> None:
    parts = file["path"].split("/")
    if ".." in parts or "" in parts or parts[0].startswith(".."):
        raise Failure("FailedMount", f"invalid path {file['path']!r} in a volume: must be relative, without '..'")
    target = os.path.join(root, *parts)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    mode = file["mode"]
    with open(target, "wb") as out:
        out.write(base64.b64decode(file["content"]))
    if owned and file.get("user") is not None:
        os.chown(target, file["user"], -1)
    if group is not None:
        os.chown(target, -1, group)
        mode |= 0o040
    os.chmod(target, mode)


def _check_host_path(name: str, path: str, kind: str) -> None:
    if kind == "DirectoryOrCreate":
        os.makedirs(path, mode=0o755, exist_ok=True)
    elif kind == "FileOrCreate" and not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    if not kind:
        return
    is_kind, words = _TYPES[kind]
    try:
        fits = is_kind(os.stat(path).st_mode)
    except FileNotFoundError:
        fits = False
    if not fits:
        text = f"hostPath type check failed: {path} is not {words}"
        raise Failure("FailedMount", f'MountVolume.SetUp failed for volume "{name}" : {text}')


_EVERY_HOST = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
fe00::\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def etc_hosts(entries: list[tuple[str, list[str]]], *, node_hosts: str | None = None) -> str:
    """A pod's /etc/hosts: what every host knows, the pod's own address and names (the first entry), then aliases.

    With the node's network it is `node_hosts`, the file of the node's machine, that stands at the head instead, under
    other words; the first entry is then the node's own line, which no installer has written into that file.
    """
    lines = ["\t".join((ip, *names)) + "\n" for ip, names in entries]
    if node_hosts is None:
        text = f"# Kubernetes-managed hosts file.\n{_EVERY_HOST}"
    else:
        text = f"# Kubernetes-managed hosts file (host network).\n{node_hosts}"
    text = text if text.endswith("\n") else f"{text}\n"
    text += "".join(lines[:1])
    return text + "".join(("\n# Entries added by HostAliases.\n", *lines[1:])) if lines[1:] else text


def hosts_of_machine() -> str:
    """The machine's /etc/hosts; what every host knows where it has none."""
    try:
        with open("/etc/hosts", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return _EVERY_HOST


def resolv_conf(dns: dict[str, list[str]]) -> str:
    """A pod's /etc/resolv.conf."""
    lines = [f"search {' '.join(dns['searches'])}"] if dns["searches"] else []
    lines += [f"nameserver {server}" for server in dns["nameservers"]]
    lines += [f"options {' '.join(dns['options'])}"] if dns["options"] else []
    return "".join(line + "\n" for line in lines)
