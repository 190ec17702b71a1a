"""What doctor says of a machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs
import pytest

from kube_actors.cli.examination import Verdict, examine
from kube_actors.cli.processes import ProcessIdentity
from kube_actors.cli.runtime_file import RuntimeRecord, write_record

from .running import Place

RECORD = RuntimeRecord("shop", ProcessIdentity.own(), "/run/console.sock", "0.1.0", 1.5)


def said(home: Path) -> dict[str, str]:
    """What was found, by subject; the last of each."""
    return {each.subject: each.found for each in examine(home)}


def test_this_machine(place: Place) -> None:
    """Says the tier, and leaves nothing behind: no state, no group."""
    found = said(place.home)
    assert found["tier"][0] in "ABC"
    assert {"program", "kernel", "cgroups", "docker", "state"} <= set(found)
    assert not place.home.exists()
    groups = Path("/sys/fs/cgroup")
    assert not list(groups.glob("**/kube-actors-doctor")) if groups.exists() else True


def test_running_and_dead_clusters(place: Place) -> None:
    """A living one is named; of a dead one it is told what is left and what to do."""
    for name in ("alive", "dead", "test.abc"):
        (place.home / name).mkdir(parents=True)
    dead = attrs.evolve(RECORD, name="dead", process=ProcessIdentity(os.getpid(), "another boot", 1))
    write_record(place.home / "alive" / "runtime.json", attrs.evolve(RECORD, name="alive"))
    write_record(place.home / "dead" / "runtime.json", dead)
    found = [each for each in examine(place.home) if each.subject in ("cluster", "leftover")]
    assert [each.found for each in found] == [
        f"alive is running, as process {os.getpid()}",
        f"the runtime of dead (process {os.getpid()}) died before its end",
        f"{place.home}/test.abc of an ephemeral cluster that died",
    ]
    assert [bool(each.advice) for each in found] == [False, True, True]


def test_a_state_that_cannot_be_written(tmp_path: Path) -> None:
    """Keeps every cluster from running, and doctor says so."""
    (tmp_path / "file").touch()
    (state,) = (each for each in examine(tmp_path / "file" / "state") if each.subject == "state")
    assert state.verdict is Verdict.BROKEN


def test_the_command(place: Place) -> None:
    """Text for people, JSON for programs, status 1 when nothing can run."""
    text = place.call("doctor")
    assert (text.returncode, text.stderr) == (0, "")
    assert "tier " in text.stdout
    assert {each["verdict"] for each in json.loads(place.call("doctor", "-o", "json").stdout)} <= {"ok", "limited"}
    broken = place.call("doctor", "--state-dir", place.file("") + "/x")
    assert broken.returncode == 1
    assert "broken" in broken.stdout


def test_docker(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is not there limits nobody but docker nodes."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place.home}/none.sock")
    (docker,) = (each for each in examine(place.home) if each.subject == "docker")
    assert docker.verdict is Verdict.LIMITED
    assert "does not answer" in docker.found
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert "is not a local socket" in said(place.home)["docker"]
