"""The end of a log as a termination message."""

from __future__ import annotations

from pathlib import Path

from kube_actors.node.last_words import last_words

STAMP = "2026-01-02T03:04:05.000000006Z"


def test_lines_and_parts(tmp_path: Path) -> None:
    """Stamps go, parts of a line come together again."""
    log = tmp_path / "0.log"
    log.write_text(f"{STAMP} stdout F one\n{STAMP} stderr P tw\n{STAMP} stderr F o\n")
    assert last_words(str(log)) == "one\ntwo\n"


def test_only_the_end(tmp_path: Path) -> None:
    """At most 80 lines and 2048 bytes."""
    log = tmp_path / "0.log"
    log.write_text("".join(f"{STAMP} stdout F {number}\n" for number in range(1000)))
    assert last_words(str(log)).split() == [str(number) for number in range(920, 1000)]
    log.write_text("".join(f"{STAMP} stdout F {'x' * 100}\n" for _ in range(100)))
    assert len(last_words(str(log))) == 2048


def test_no_log(tmp_path: Path) -> None:
    """A container that never ran has no last words."""
    assert last_words(str(tmp_path / "0.log")) == ""
