"""Killed at any moment, or out of disk: what was acknowledged is there, and no number is given out twice."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kube_actors.store.journal import SqliteJournal

from .building import new_store

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def program(name: str, *arguments: object) -> list[str]:
    """The command line of a program beside this file."""
    return [sys.executable, "-m", f"{__package__}.{name}", *map(str, arguments)]


def write_until_killed(path: Path, writers: int, lines: int) -> list[tuple[str, str, int]]:
    """Runs the writer, kills it after it has said this much, and returns everything that it said."""
    command = program("crashing_writer", path, writers)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline() for _ in range(lines)]
        finally:
            process.kill()
        said += process.stdout.readlines()
    words = [line.decode().split() for line in said]
    return [(word, name, int(number)) for word, name, number in words]


def test_kill_loses_nothing_and_reuses_nothing(tmp_path: Path) -> None:
    """Six kills of the same state at random moments, with one writer and with many."""
    path = tmp_path / "state.db"
    chance = random.Random(7)
    highest = 0
    for round_number in range(6):
        said = write_until_killed(path, writers=(1, 12)[round_number % 2], lines=chance.randrange(1, 400))
        issued = [number for word, _, number in said if word == "issued"]
        assert len(set(issued)) == len(issued)
        assert min(issued) > highest
        highest = max(issued)
        store = new_store(SqliteJournal(path, history_count=100))
        found = {revision.key.name: revision.resource_version for revision in store.list("pods")}
        for name in {name.lstrip("-") for _, name, _ in said}:
            last = max((each for each in said if each[0] == "kept" and each[1].lstrip("-") == name), key=lambda e: e[2])
            later = {number for word, other, number in said if (word, other) == ("issued", name) and number > last[2]}
            if not later:
                assert (name not in found) if last[1].startswith("-") else (found[name] == last[2]), (name, last)
            elif name in found:
                assert found[name] in {last[2], *later}
        assert store.head > highest
        highest = store.head
        store.close()


def check_full_disk(command: list[str]) -> None:
    """Whoever waited got 503, so does who comes later; everything acknowledged is there after there is room again."""
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    assert (seen["refused"], seen["late"]) == ([503] * 8, 503)
    assert "state.db: " in seen["failure"]
    assert len(seen["kept"]) > 50
    assert set(seen["kept"]) <= set(seen["found"])


def test_disk_limit(tmp_path: Path) -> None:
    """The file may not grow any more."""
    check_full_disk(program("filling_writer", tmp_path / "state.db", "limit"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs util-linux' unshare to mount in private")
def test_full_disk(tmp_path: Path) -> None:
    """A real file system without space, mounted for the program alone."""
    can_mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if subprocess.run(can_mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    fill = shlex.join(program("filling_writer", tmp_path / "state.db", "ballast"))
    place = shlex.quote(str(tmp_path))
    script = f"mount -t tmpfs -o size=6m none {place} && head -c 1m /dev/zero > {place}/ballast && exec {fill}"
    check_full_disk(["unshare", "--mount", "sh", "-c", script])


def test_second_runtime_in_another_process(tmp_path: Path) -> None:
    """Refused, naming the first one's pid; free as soon as that is killed."""
    path = tmp_path / "state.db"
    store = new_store(SqliteJournal(path))
    command = program("crashing_writer", path, 1)
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)
    assert f"in use by process {os.getpid()}" in done.stderr.decode()
    store.close()
    assert write_until_killed(path, 1, 1)
    new_store(SqliteJournal(path)).close()
