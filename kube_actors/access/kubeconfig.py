"""The kubeconfig of a cluster's owner: where the server is, whom to trust, and credentials, all in the one file."""

from __future__ import annotations

import base64
import contextlib
import stat
from pathlib import Path
from typing import Final

import attrs

from kube_actors.access.authority import Authority
from kube_actors.access.private_files import PRIVATE, write_private
from kube_actors.records import frozen

_TEMPLATE: Final = """\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    certificate-authority-data: {ca}
    server: {server}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
current-context: {name}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""


@frozen
class KubeconfigEntry:
    """One cluster with its user, in the shape of `client-go`'s kubeconfig. `name` names cluster, user and context."""

    name: str
    server: str
    ca_pem: bytes = attrs.field(repr=False)
    certificate: bytes = attrs.field(repr=False)
    key: bytes = attrs.field(repr=False)

    def text(self) -> str:
        """A whole kubeconfig with nothing else in it, as YAML. No value needs quotes."""
        return _TEMPLATE.format(
            name=self.name,
            server=self.server,
            ca=_encoded(self.ca_pem),
            certificate=_encoded(self.certificate),
            key=_encoded(self.key),
        )


def entry_name(cluster: str) -> str:
    """How a cluster, its user and its context are called in kubeconfigs: no other tool's entries begin so."""
    return f"kube-actors-{cluster}"


def owner_entry(cluster: str, server: str, authority: Authority) -> KubeconfigEntry:
    """The owner's entry for a cluster whose API answers at `server` (`https://127.0.0.1:6443`)."""
    admin = authority.admin
    return KubeconfigEntry(entry_name(cluster), server, authority.ca_pem, admin.certificate, admin.key)


def write_kubeconfig(path: Path, cluster: str, server: str, authority: Authority) -> None:
    """Have the owner's kubeconfig there, mode 0600; a file that says something else is replaced as a whole.

    OSError when it cannot be written.
    """
    text = owner_entry(cluster, server, authority).text().encode()
    with contextlib.suppress(OSError):
        if path.read_bytes() == text and stat.S_IMODE(path.stat().st_mode) == PRIVATE:
            return  # most starts: to have it on the disk again would cost milliseconds
    write_private(path, text)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
