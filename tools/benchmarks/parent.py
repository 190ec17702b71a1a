"""`tools/bench`: chooses figures, has each group measured in its own process, and prints a JSON line for each."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import FIGURES, Figure
from benchmarks.measured import say

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 600.0
"""Seconds one group may take; then its figures have no value."""

Answer = dict[str, Any]


def measure(group: list[Figure], tree: Path) -> Answer:
    """Run one group against the package in `tree`."""
    names = [figure.name for figure in group]
    say(f"measuring {', '.join(names)} …")
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    for name in ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"):  # the product is measured as people run it
        environment.pop(name, None)
    command = [sys.executable, str(Path(__file__).with_name("child.py")), group[0].module, *names]
    try:
        done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, timeout=LONGEST, check=True)
        answer: Answer = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"reason": f"took longer than {LONGEST:g} s"}
    except (subprocess.CalledProcessError, ValueError, IndexError) as error:
        return {"reason": f"the measurement failed: {error}"}
    return answer


def groups(chosen: list[Figure]) -> Iterator[list[Figure]]:
    """Figures that come out of the same run stand together."""
    left = list(chosen)
    while left:
        first = left[0]
        group = [each for each in left if each is first or (first.run and each.run == first.run)]
        left = [each for each in left if each not in group]
        yield group


def line(figure: Figure, answer: Answer, before: Answer | None) -> Answer:
    """What is printed for a figure."""
    value = _value(figure, answer)
    found: Answer = {"name": figure.name, "value": value, "unit": figure.unit, "goal": figure.goal, "op": figure.op}
    found["met"] = figure.met(value)
    if value is None:
        found["reason"] = answer.get("reason", "not measured")
    if before is not None:
        earlier = _value(figure, before)
        found["before"] = earlier
        found["ratio"] = round(value / earlier, 3) if value is not None and earlier else None
        if earlier is None:
            found["reason"] = f"the other commit: {before.get('reason', 'not measured')}"
    return found


def _value(figure: Figure, answer: Answer) -> float | None:
    value = answer.get("values", {}).get(figure.name)
    return None if value is None else float(f"{value:.4g}")


@contextlib.contextmanager
def checkout_of(revision: str) -> Iterator[Path]:
    """A temporary worktree of another commit."""
    with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as directory:
        tree = Path(directory) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, revision], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)


def main() -> int:
    """Measure what was asked for; 0 whether or not goals are met."""
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"figures to measure, by default all: {', '.join(names)}")
    parser.add_argument("--vs", metavar="REV", help="measure this commit beside it, in turn, and print the ratio")
    options = parser.parse_args()
    unknown = sorted(set(options.name) - set(names))
    if unknown:
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(names)}")
    chosen = [figure for figure in FIGURES if not options.name or figure.name in options.name]
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"the machine is busy (load {load:.1f}): figures will be worse than it can do")
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(checkout_of(options.vs)) if options.vs else None
        for group in groups(chosen):
            before = measure(group, other) if other is not None else None
            answer = measure(group, ROOT)
            for figure in group:
                print(json.dumps(line(figure, answer, before)), flush=True)
    return 0


sys.exit(main())
