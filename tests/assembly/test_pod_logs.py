"""Logs go after their pods."""

from __future__ import annotations

from pathlib import Path

from kube_actors.assembly.pod_logs import log_directories, remove_logs_except


def test_logs_of_unknown_pods_are_removed(tmp_path: Path) -> None:
    """Those of pods that exist stay, whatever their names have in common."""
    for name in ("default_web-1_aaa", "default_web-1_bbb", "shop_web_ccc"):
        (tmp_path / name / "app").mkdir(parents=True)
        (tmp_path / name / "app" / "0.log").write_text("a line\n")

    remove_logs_except(log_directories(tmp_path), {"bbb", "ccc"})

    assert sorted(path.name for path in tmp_path.iterdir()) == ["default_web-1_bbb", "shop_web_ccc"]


def test_a_directory_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """A cluster of simulated nodes may never have written a log."""
    assert log_directories(tmp_path / "logs") == []


def test_logs_of_a_pod_that_has_just_come_stay(tmp_path: Path) -> None:
    """What is made after the directories were listed is not looked at, whoever is known by then."""
    (tmp_path / "default_old_aaa").mkdir()
    found = log_directories(tmp_path)
    (tmp_path / "default_new_bbb").mkdir()

    remove_logs_except(found, {"ccc"})

    assert [path.name for path in tmp_path.iterdir()] == ["default_new_bbb"]
