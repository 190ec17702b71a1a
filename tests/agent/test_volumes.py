"""Volumes of files: replaced at once, never half."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from kube_actors.node.agent.failures import Failure
from kube_actors.node.agent.volumes import etc_hosts, resolv_conf, write_files


def file(path: str, content: str, mode: int = 0o644) -> dict[str, object]:
    """A file as the runtime sends it."""
    return {"path": path, "content": base64.b64encode(content.encode()).decode(), "mode": mode}


def shown(volume: Path) -> dict[str, str]:
    """What a program sees, by path."""
    names = [path for path in volume.iterdir() if not path.name.startswith("..")]
    files = [found for name in names for found in (name.rglob("*") if name.is_dir() else [name]) if found.is_file()]
    return {str(path.relative_to(volume)): path.read_text() for path in files}


def test_files_and_their_update(tmp_path: Path) -> None:
    """New ones appear, changed ones change, lost ones go; one generation is kept."""
    write_files(str(tmp_path), [file("a", "1"), file("d/b", "2")], None, owned=False)
    assert shown(tmp_path) == {"a": "1", "d/b": "2"}
    assert os.readlink(tmp_path / "a") == "..data/a"
    write_files(str(tmp_path), [file("a", "one"), file("c", "3", 0o400)], None, owned=False)
    assert shown(tmp_path) == {"a": "one", "c": "3"}
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o400
    assert len([name for name in os.listdir(tmp_path) if name.startswith("..2")]) == 1


def test_an_empty_volume(tmp_path: Path) -> None:
    """No files is a directory with nothing to see."""
    write_files(str(tmp_path), [], None, owned=False)
    assert shown(tmp_path) == {}


@pytest.mark.parametrize("path", ["../evil", "a/../../evil", "/etc/passwd", "..data", "a//b"])
def test_paths_stay_in_the_volume(tmp_path: Path, path: str) -> None:
    """Anything that could lead out, or into the scheme itself, is refused."""
    with pytest.raises(Failure, match="invalid path"):
        write_files(str(tmp_path), [file(path, "x")], None, owned=False)


def test_etc_hosts() -> None:
    """As a kubelet writes it: loopback and groups, the pod's own names, and aliases under a heading."""
    text = etc_hosts([("10.1.0.5", ["web-0"]), ("10.9.9.9", ["db", "db.local"])])
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost")
    assert text.endswith("\n10.1.0.5\tweb-0\n\n# Entries added by HostAliases.\n10.9.9.9\tdb\tdb.local\n")


def test_etc_hosts_with_the_nodes_network() -> None:
    """The machine's file stands in it as it is, ended or not; then the node's own line and aliases."""
    text = etc_hosts([("192.168.0.1", ["node"]), ("10.9.9.9", ["db"])], node_hosts="127.0.0.1 localhost\n10.0.0.7 nfs")
    assert text == (
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n10.0.0.7 nfs\n192.168.0.1\tnode\n"
        "\n# Entries added by HostAliases.\n10.9.9.9\tdb\n"
    )


def test_resolv_conf() -> None:
    """Search list, servers, options; nothing for what is not given."""
    dns = {"nameservers": ["10.96.0.10"], "searches": ["a", "b"], "options": ["ndots:5"]}
    assert resolv_conf(dns) == "search a b\nnameserver 10.96.0.10\noptions ndots:5\n"
    assert resolv_conf({"nameservers": [], "searches": [], "options": []}) == ""
