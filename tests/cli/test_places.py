"""Finding clusters by what their runtimes wrote down."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import attrs
import pytest

from kube_actors.cli.places import (
    NotRunning,
    ephemeral_state,
    find_running,
    kept_state,
    known_names,
    running_clusters,
    state_home,
    states,
)
from kube_actors.cli.processes import ProcessIdentity
from kube_actors.cli.runtime_file import RuntimeRecord, read_record, running, write_record
from kube_actors.errors import InputError
from kube_actors.state import StateDirectory

from .running import Place


def record(name: str, **changes: Any) -> RuntimeRecord:
    """What a runtime in this very process would write."""
    listeners = (("web", "http://127.0.0.1:8080/"),)
    own = RuntimeRecord(name, ProcessIdentity.own(), "/run/console.sock", "0.1.0", 1.5, listeners, "A", 10.0)
    return attrs.evolve(own, **changes)


def started(state: StateDirectory, name: str, **changes: Any) -> None:
    """A state with a runtime."""
    state.root.mkdir(parents=True, exist_ok=True)
    write_record(state.runtime_file, record(name, **changes))


def test_a_record_comes_back(tmp_path: Path) -> None:
    """What is written is what is read, and only its owner can read it whatever the umask."""
    path = tmp_path / "runtime.json"
    before = os.umask(0)
    try:
        write_record(path, record("shop"))
        write_record(path, record("shop", tier="B"))
    finally:
        os.umask(before)
    assert read_record(path) == record("shop", tier="B")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"name": "x", "process": 3, "listeners": []})])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    """Half a file or another program's is nobody's record."""
    (tmp_path / "runtime.json").write_text(text)
    assert read_record(tmp_path / "runtime.json") is None


def test_only_the_living_run(place: Place) -> None:
    """A record whose process has gone is not a running cluster, its state is there all the same."""
    started(kept_state(place.home, "alive"), "alive")
    dead = ProcessIdentity(os.getpid(), "another boot", 1)
    started(kept_state(place.home, "dead"), "dead", process=dead)
    assert [each.record.name for each in running_clusters(place.home)] == ["alive"]
    assert running(kept_state(place.home, "dead").runtime_file) is None
    assert known_names(place.home) == ["alive", "dead"]


def test_the_only_one_needs_no_name(place: Place) -> None:
    """None is running; then the one; then they are listed."""
    with pytest.raises(NotRunning, match="kube-actors run FILE"):
        find_running(place.home, None)
    started(kept_state(place.home, "shop"), "shop")
    assert find_running(place.home, None).record.name == "shop"
    started(ephemeral_state(place.home, "test"), "test")
    with pytest.raises(InputError, match="several clusters are running: shop, test"):
        find_running(place.home, None)
    assert find_running(place.home, "test").state.ephemeral


def test_a_name_that_does_not_run(place: Place) -> None:
    """Names the one that may have been meant."""
    started(kept_state(place.home, "quickstart"), "quickstart")
    with pytest.raises(NotRunning, match="did you mean"):
        find_running(place.home, "quickstar")


def test_ephemeral_states_are_private_and_apart(place: Place) -> None:
    """Two of the same name do not share anything, and neither is taken for a kept one."""
    one, two = ephemeral_state(place.home, "shop"), ephemeral_state(place.home, "shop")
    assert one.root != two.root
    assert one.root.stat().st_mode & 0o777 == 0o700
    assert [state.ephemeral for state in states(place.home)] == [True, True]
    assert known_names(place.home) == []


def test_state_home(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--state-dir` wins; then XDG_STATE_HOME; a relative XDG_STATE_HOME does not count, as its specification says."""
    monkeypatch.chdir(tmp_path)
    assert state_home("mine") == tmp_path / "mine"
    assert state_home(None) == place.home
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_home(None) == tmp_path / ".local" / "state" / "kube-actors"


def test_no_state_at_all(tmp_path: Path) -> None:
    """A home that does not exist holds nothing."""
    assert states(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("state", "home", "expected"),
    [
        ("/srv/state", "/home/me", "/srv/state/kube-actors"),
        ("", "/home/me", "/home/me/.local/state/kube-actors"),
        ("relative", "/home/me", "/home/me/.local/state/kube-actors"),
        ("", "relative", f"{pwd.getpwuid(os.geteuid()).pw_dir}/.local/state/kube-actors"),
        ("", "", f"{pwd.getpwuid(os.geteuid()).pw_dir}/.local/state/kube-actors"),
    ],
)
def test_where_states_are(state: str, home: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG Base Directory Specification says; never below the working directory."""
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", home)
    assert state_home(None) == Path(expected)


def test_a_record_that_cannot_be_written(tmp_path: Path) -> None:
    """A full or vanished disk is a sentence with the file's name, not a traceback."""
    with pytest.raises(InputError, match=r"runtime\.json: the state directory cannot be used: No such file"):
        write_record(tmp_path / "gone" / "runtime.json", record("web"))
