"""Limits as the kernel's files, in both versions, against directories that look like cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_actors.node.agent.cgroups import (
    Group,
    Hierarchies,
    Resources,
    find_hierarchies,
    group_name,
    make_group,
    remove_groups,
)

LIMITS: Resources = {"memory_limit": 64 << 20, "cpu_limit_milli": 250, "cpu_request_milli": 100, "pids_limit": 20}
NONE: Resources = {"memory_limit": None, "cpu_limit_milli": None, "cpu_request_milli": None, "pids_limit": None}


def written(root: Path) -> dict[str, str]:
    """Every file below a directory with its text."""
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_version_one(tmp_path: Path) -> None:
    """Each controller has its own directory."""
    for name in ("memory", "cpu", "pids"):
        (tmp_path / name).mkdir()
    at = Hierarchies({name: str(tmp_path / name) for name in ("memory", "cpu", "pids")}, 1)
    group = make_group(at, "pod", "main-0", LIMITS, NONE)
    assert written(tmp_path) == {
        "memory/pod/main-0/memory.limit_in_bytes": "67108864",
        "cpu/pod/main-0/cpu.cfs_period_us": "100000",
        "cpu/pod/main-0/cpu.cfs_quota_us": "25000",
        "cpu/pod/main-0/cpu.shares": "102",
        "pids/pod/main-0/pids.max": "20",
    }
    assert group.process_files == [
        str(tmp_path / name / "pod/main-0/cgroup.procs") for name in ("cpu", "memory", "pids")
    ]


def test_version_two(tmp_path: Path) -> None:
    """One directory, controllers enabled on the way down, shares as weight."""
    at = Hierarchies(dict.fromkeys(("memory", "cpu", "pids"), str(tmp_path)), 2)
    group = make_group(at, "pod", "main-0", LIMITS, {**NONE, "memory_limit": 128 << 20})
    assert written(tmp_path) == {
        "pod/cgroup.subtree_control": "+cpu +memory +pids",
        "pod/memory.max": "134217728",
        "pod/main-0/memory.max": "67108864",
        "pod/main-0/cpu.max": "25000 100000",
        "pod/main-0/cpu.weight": "4",
        "pod/main-0/pids.max": "20",
    }
    assert group.process_files == [str(tmp_path / "pod/main-0/cgroup.procs")]


def test_no_limits_no_groups(tmp_path: Path) -> None:
    """Nothing is made for a container that asks for nothing."""
    assert make_group(Hierarchies({"memory": str(tmp_path)}, 1), "pod", "main-0", NONE, NONE) == Group({}, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "name", "text"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        (2, "memory.events", "low 0\noom_kill 2\n"),
    ],
)
def test_out_of_memory_is_counted(tmp_path: Path, version: int, name: str, text: str) -> None:
    """From the file each version has for it; 0 without a group."""
    (tmp_path / name).write_text(text)
    assert Group({"memory": str(tmp_path)}, version).oom_kills() == 2
    assert Group({}, version).oom_kills() == 0


def test_finding_version_one_below_our_own_group(tmp_path: Path) -> None:
    """Where the mount shows our own group the cluster's lies in it."""
    mount = tmp_path / "memory"
    (mount / "box" / "kube-actors-c1").mkdir(parents=True)
    (mount / "box" / "kube-actors-c1" / "cgroup.procs").write_text("")
    info = f"30 20 0:26 / {mount} rw,relatime - cgroup cgroup rw,memory\n"
    assert find_hierarchies("c1", info, "4:memory:/box\n0::/\n") == Hierarchies(
        {"memory": f"{mount}/box/kube-actors-c1"}, 1
    )


def test_finding_version_two(tmp_path: Path) -> None:
    """The controllers there are, enabled at the top."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    info = f"30 20 0:26 / {tmp_path} rw,relatime - cgroup2 cgroup2 rw\n"
    path = f"{tmp_path}/kube-actors-c1"
    assert find_hierarchies("c1", info, "0::/\n") == Hierarchies({"memory": path, "cpu": path}, 2)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_without_cgroups_there_are_no_limits() -> None:
    """And nothing fails."""
    assert find_hierarchies("c1", "30 20 0:26 / / rw - ext4 /dev/vda rw\n", "").bases == {}


def test_groups_are_removed_from_below(tmp_path: Path) -> None:
    """As the kernel demands; what is gone already is fine."""
    (tmp_path / "pod" / "main-0").mkdir(parents=True)
    remove_groups(str(tmp_path / "pod"))
    remove_groups(str(tmp_path / "pod"))
    assert list(tmp_path.iterdir()) == []


def test_any_cluster_id_is_one_group(tmp_path: Path) -> None:
    """An id with slashes is neither a path nor another cluster's group."""
    assert group_name("quickstart") == "kube-actors-quickstart"
    names = {group_name(cluster) for cluster in ("a:/tmp/x", "a:/tmp/y", "../a", "a" * 300)}
    assert len(names) == 4
    assert not any("/" in name or len(name) > 80 for name in names)
