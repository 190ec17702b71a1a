"""The `host` image: the machine's own programs, without its secrets.

A template directory is the lower layer of every container's root; /usr and its like are bound over it read-only. Of
/etc only what programs need to run and nothing that tells of users' keys or lets them in.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys

from .probe import remove_tree

_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
_EMPTY = ("dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var", "var/cache",
          "var/lib", "var/log", "var/spool", "var/tmp")  # fmt: skip
_OPEN_TO_ALL = ("tmp", "var/tmp")
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "debian_version", "ethertypes", "fonts", "gai.conf",
    "group", "host.conf", "inputrc", "issue", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias",
    "locale.conf", "localtime", "login.defs", "lsb-release", "magic", "magic.mime", "mime.types", "networks",
    "nsswitch.conf", "os-release", "passwd", "pki/ca-trust", "pki/tls/certs", "profile", "protocols", "python3",
    "python3.11", "redhat-release", "rpc", "services", "shells", "skel", "ssl/certs", "ssl/openssl.cnf", "terminfo",
    "timezone", "xdg",
)  # fmt: skip
_LARGEST_COPY = 4 * 1024 * 1024


class HostRoot:
    """The template of one cluster: made when it is first needed, the same for as long as containers stand on it."""

    def __init__(self, template: str) -> None:
        self._template = template

    def binds(self) -> tuple[str, ...]:
        """The machine's directories to bind over the template at their own paths; makes the template if need be."""
        if not os.path.exists(self._template):
            unfinished = f"{self._template}.new"
            remove_tree(unfinished)
            _build(unfinished)
            os.rename(unfinished, self._template)
        directories = (f"/{name}" for name in _TOP)
        own = tuple(path for path in directories if os.path.isdir(path) and not os.path.islink(path))
        return (*own, *interpreter_binds())


def _build(template: str) -> None:
    for name in _EMPTY:
        os.makedirs(os.path.join(template, name), mode=0o755, exist_ok=True)
    for name in _OPEN_TO_ALL:
        os.chmod(os.path.join(template, name), 0o1777)
    os.chmod(os.path.join(template, "root"), 0o700)
    os.symlink("/run", os.path.join(template, "var/run"))
    os.symlink("/run/lock", os.path.join(template, "var/lock"))
    for name in _TOP:
        path, copy = f"/{name}", os.path.join(template, name)
        if os.path.islink(path):
            os.symlink(os.readlink(path), copy)
        elif os.path.isdir(path):
            os.mkdir(copy)
    for name in _ETC:
        _copy(os.path.join("/etc", name), os.path.join(template, "etc", name))


def interpreter_binds() -> tuple[str, ...]:
    """The prefix of the Python that runs us, where it lies outside what is bound anyway and can be read."""
    prefix = os.path.realpath(sys.base_prefix)
    bound = prefix == "/usr" or prefix.startswith("/usr/") or not os.access(prefix, os.R_OK | os.X_OK)
    return () if bound else (prefix,)


def search_path() -> str:
    """PATH of a `host` container: the usual one, then our interpreter's programs."""
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return ":".join((usual, *(f"{prefix}/bin" for prefix in interpreter_binds())))


def _copy(source: str, target: str) -> None:
    """Copy files, links and directories as they are; sockets, devices and what we may not read are left out."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = os.lstat(source).st_mode
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(source), target)
        elif stat.S_ISDIR(mode):
            os.makedirs(target, mode=0o755, exist_ok=True)
            for name in os.listdir(source):
                _copy(os.path.join(source, name), os.path.join(target, name))
        elif stat.S_ISREG(mode) and mode & stat.S_IROTH:
            with open(source, "rb") as original:
                content = original.read(_LARGEST_COPY)
            with open(target, "wb") as copy:
                copy.write(content)
            os.chmod(target, stat.S_IMODE(mode) & 0o755)
