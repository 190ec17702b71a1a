"""`run` where the machine, or a limit of the user, does not allow what is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .running import Place

REFUSING = """\
import subprocess
def refused(*arguments, **options):
    raise BlockingIOError(11, "Resource temporarily unavailable")
subprocess.Popen = refused
from kube_actors.cli.main import main
main()
"""


def test_wrong_files_are_told_where_no_process_starts(place: Place, tmp_path: Path) -> None:
    """The process that is started ahead is no condition for hearing what is wrong with a file."""
    wrong = place.file("apiVersion: v1\nkind: Nonsense\nmetadata: {name: a}\n")
    asked = [sys.executable, "-c", REFUSING, "run", "--no-input", wrong]
    done = subprocess.run(asked, env=place.environment, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_limit_that_is_too_low_is_told(place: Place, tmp_path: Path) -> None:
    """What ran out, in a sentence: a traceback would look as if the program were wrong."""
    config = place.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    limited = ["/bin/sh", "-c", 'ulimit -n 15; exec "$@"', "sh"]
    asked = [*limited, sys.executable, "-m", "kube_actors", "run", "--no-input", "--ephemeral", config]
    done = subprocess.run(asked, env=place.environment, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Too many open files" in done.stderr
    assert "Traceback" not in done.stderr
