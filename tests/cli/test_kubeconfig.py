"""`kube-actors kubeconfig`: printing a cluster's kubeconfig, and merging it into one's own."""

from __future__ import annotations

import base64
import difflib
import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kube_actors.access.kubeconfig import KubeconfigEntry, entry_name
from kube_actors.api.codecs.yaml import load_documents
from kube_actors.cli import kubeconfig_merge
from kube_actors.cli.kubeconfig import command
from kube_actors.cli.kubeconfig_merge import merge_into, target
from kube_actors.cli.places import NotRunning, kept_state
from kube_actors.errors import InputError

from .running import Place
from .test_places import started

THEIRS = """\
# my clusters
apiVersion: v1
kind: Config
preferences: {}
current-context: work   # the one I use
clusters:
- name: work
  cluster:
    server: "https://work.example.com"   # behind the VPN
    certificate-authority-data: AAAA
contexts:
- context:
    cluster: work
    user: me
    namespace: 'team-a'
  name: work
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      args: [--yes, "0123"]
      interactiveMode: IfAvailable
"""


def own_text(name: str = "shop", server: str = "https://127.0.0.1:6443") -> str:
    """A kubeconfig as a running cluster writes it."""
    return KubeconfigEntry(entry_name(name), server, b"CA", b"CERTIFICATE" * 30, b"KEY").text()


def read(path: Path) -> dict[str, Any]:
    """A kubeconfig as any program reads it."""
    (document,) = load_documents(path.read_text())
    body: dict[str, Any] = document.body
    return body


def named(config: dict[str, Any], kind: str) -> dict[str, Any]:
    """The entries of a list by their name."""
    return {entry["name"]: entry for entry in config[kind]}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A cluster's own kubeconfig."""
    path = tmp_path / "state" / "kubeconfig"
    path.parent.mkdir()
    path.write_text(own_text())
    return path


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A person's kubeconfig."""
    path = tmp_path / "home" / ".kube" / "config"
    path.parent.mkdir(parents=True)
    path.write_text(THEIRS)
    return path


def test_it_is_printed(place: Place) -> None:
    """As it stands in the state of the cluster that runs; or its path."""
    state = kept_state(place.home, "shop")
    started(state, "shop")
    state.kubeconfig.write_text(own_text())
    assert CliRunner().invoke(command, []).output == own_text()
    assert CliRunner().invoke(command, ["--path"]).output == f"{state.kubeconfig}\n"


def test_a_cluster_that_does_not_run(place: Place) -> None:
    """Is answered for by name; without a name nobody knows which is meant."""
    state = kept_state(place.home, "shop")
    state.root.mkdir(parents=True)
    state.kubeconfig.write_text(own_text())
    assert CliRunner().invoke(command, ["--name", "shop"]).output == own_text()
    assert isinstance(CliRunner().invoke(command, []).exception, NotRunning)
    assert isinstance(CliRunner().invoke(command, ["--name", "other"]).exception, NotRunning)


def test_a_cluster_without_an_api(place: Place) -> None:
    """Says so."""
    started(kept_state(place.home, "shop"), "shop")
    error = CliRunner().invoke(command, []).exception
    assert isinstance(error, InputError)
    assert "serves no API" in str(error)


def test_merge_on_the_command_line(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file of KUBECONFIG is written, and said to be; HOME's otherwise."""
    state = kept_state(place.home, "shop")
    started(state, "shop")
    state.kubeconfig.write_text(own_text())
    one, other = place.files / "one", place.files / "other"
    monkeypatch.setenv("KUBECONFIG", f"{os.pathsep}{one}{os.pathsep}{other}")
    output = CliRunner().invoke(command, ["--merge"]).output
    assert output == f"{one} has the context kube-actors-shop, which is current now\n"
    assert one.read_text() == own_text()
    assert not other.exists()
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(place.files))
    assert target() == place.files / ".kube" / "config"


def test_everything_else_stays(theirs: Path, own: Path) -> None:
    """Comments, quotes, order and strange values; our three entries are added and ours is the current context."""
    merged = merge_into(theirs, own.read_text(), own)
    assert merged.changed
    after = theirs.read_text()
    difference = list(difflib.ndiff(THEIRS.splitlines(), after.splitlines()))
    assert [line for line in difference if line[0] == "-"] == ["- current-context: work   # the one I use"]
    config = read(theirs)
    assert config["current-context"] == "kube-actors-shop"
    assert "# the one I use" in after
    for kind in ("clusters", "contexts", "users"):
        assert named(config, kind)["kube-actors-shop"] == named(read(own), kind)["kube-actors-shop"]
        assert len(config[kind]) == 2


def test_a_copy_from_before_is_kept(theirs: Path, own: Path) -> None:
    """Both are private afterwards, whatever they were."""
    theirs.chmod(0o644)
    merged = merge_into(theirs, own.read_text(), own)
    assert merged.backup is not None
    assert merged.backup.read_text() == THEIRS
    assert {stat.S_IMODE(path.stat().st_mode) for path in (theirs, merged.backup)} == {0o600}
    assert not (theirs.parent / "config.lock").exists()


def test_merging_again_changes_nothing(theirs: Path, own: Path) -> None:
    """And makes no other copy."""
    merge_into(theirs, own.read_text(), own)
    before = theirs.read_text()
    merged = merge_into(theirs, own.read_text(), own)
    assert (merged.changed, merged.backup) == (False, None)
    assert theirs.read_text() == before


def test_a_new_port_replaces_the_old_one(theirs: Path, own: Path) -> None:
    """One entry of our name, with what a person added to its context still there."""
    merge_into(theirs, own.read_text(), own)
    theirs.write_text(
        theirs.read_text().replace("    user: kube-actors-shop\n", "    user: kube-actors-shop\n    namespace: dev\n")
    )
    merge_into(theirs, own_text(server="https://127.0.0.1:7443"), own)
    config = read(theirs)
    assert named(config, "clusters")["kube-actors-shop"]["cluster"]["server"] == "https://127.0.0.1:7443"
    assert named(config, "contexts")["kube-actors-shop"]["context"]["namespace"] == "dev"
    assert len(config["clusters"]) == 2


def test_what_was_put_into_our_entries_goes(theirs: Path, own: Path) -> None:
    """Ways around the certificate, another user's token: the entries are ours, and work after a merge."""
    merge_into(theirs, own.read_text(), own)
    text = theirs.read_text()
    text = text.replace(
        "    server: https://127.0.0.1:6443\n", "    server: https://x\n    insecure-skip-tls-verify: true\n"
    )
    text = text.replace("    client-key-data:", "    token: abc\n    client-key-data:")
    theirs.write_text(text)
    merge_into(theirs, own.read_text(), own)
    config = read(theirs)
    for kind in ("clusters", "users"):
        assert named(config, kind)["kube-actors-shop"] == named(read(own), kind)["kube-actors-shop"]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "apiVersion: v1\nkind: Config\nclusters: null\ncontexts: null\nusers: null\n",
        "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\npreferences: {}\n",
        '{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a", "cluster": {"server": "https://a"}}]}',
        "clusters:\n  - name: a\n    cluster:\n      server: https://a\n",
        "# nothing but a comment\n",
    ],
)
def test_other_shapes_of_kubeconfigs(tmp_path: Path, own: Path, before: str) -> None:
    """What kubectl leaves behind, JSON, indented lists, an empty file."""
    path = tmp_path / "config"
    path.write_text(before)
    merge_into(path, own.read_text(), own)
    config = read(path)
    assert config["current-context"] == "kube-actors-shop"
    assert "kube-actors-shop" in named(config, "clusters")
    assert ("https://a" in before) == ("a" in named(config, "clusters"))


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("clusters: [", "config:2:1: did not find"),
        ("kind: Pod\n", "is not a kubeconfig"),
        ("clusters: yes\n", "expected a list of objects"),
        ("- a\n", "expected an object"),
        ("kind: Config\n---\nkind: Config\n", "a kubeconfig is one document"),
    ],
)
def test_what_is_no_kubeconfig_is_left_alone(tmp_path: Path, own: Path, before: str, words: str) -> None:
    """The error says where and why."""
    path = tmp_path / "config"
    path.write_text(before)
    with pytest.raises(InputError, match=words):
        merge_into(path, own.read_text(), own)
    assert path.read_text() == before
    assert {each.name for each in tmp_path.iterdir()} == {"config", "state"}


def test_a_link_stays_a_link(tmp_path: Path, theirs: Path, own: Path) -> None:
    """The file it leads to is written."""
    link = tmp_path / "link"
    link.symlink_to(theirs)
    merge_into(link, own.read_text(), own)
    assert link.is_symlink()
    assert "kube-actors-shop" in named(read(theirs), "clusters")


def test_the_clusters_own_file_is_no_target(own: Path) -> None:
    """KUBECONFIG may well lead there."""
    with pytest.raises(InputError, match="nothing to merge"):
        merge_into(own, own.read_text(), own)


def test_a_locked_file_is_waited_for(theirs: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl locks it; a lock that nobody takes away is named."""
    lock = theirs.parent / "config.lock"
    lock.touch()
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    assert merge_into(theirs, own.read_text(), own).changed
    timer.join()
    lock.touch()
    monkeypatch.setattr(kubeconfig_merge, "LOCK_SECONDS", 0.1)
    with pytest.raises(InputError, match=r"another program is writing this file .*config\.lock"):
        merge_into(theirs, own_text("other"), own)
    assert lock.exists()


def test_kubectl_reads_what_was_merged(theirs: Path, own: Path) -> None:
    """The real one, where there is one."""
    merge_into(theirs, own.read_text(), own)
    arguments = ["kubectl", "--kubeconfig", str(theirs), "config", "view", "--minify", "--raw"]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("kubectl is not installed")
    assert base64.b64encode(b"KEY").decode() in done.stdout
    assert "https://127.0.0.1:6443" in done.stdout
