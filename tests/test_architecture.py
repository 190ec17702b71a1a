"""The house stands: imports point downwards, pure code is pure, and heavy things are imported in one place."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kube_actors"

# From the ground up; a part may import what stands below it, and itself. `kube_actors/README.md` says what each is.
LAYERS = (
    ("records",),
    ("errors",),
    ("text",),
    ("interpreters",),
    ("log",),
    ("kernel",),
    ("api",),
    ("state",),
    ("store",),
    ("kinds",),
    ("writes",),
    ("plan",),
    ("network",),
    ("node",),
    ("config",),
    ("messages",),
    ("actors",),
    ("access",),
    ("verbs",),
    ("server",),
    ("assembly",),
    ("cluster",),
    ("console",),
    ("embed",),
    ("aio",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
BESIDE = "testing"

# Plans only know the shape of objects.
PLAN_MAY_IMPORT = {"api", "plan", "records"}
IMPURE = {"asyncio", "logging", "os", "random", "socket", "structlog", "subprocess", "threading", "time", "trio"}

ONE_PLACE = {"ruamel": 1, "orjson": 1, "sqlite3": 1, "aiodocker": 1}

# The named boundaries at which any error at all is dealt with, each with its reason beside it in the code.
CATCH_ALL_LIMIT = 28


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def part_of(path: Path) -> str:
    """The part of the house a module belongs to; empty for the package itself."""
    relative = path.relative_to(PACKAGE)
    first = relative.parts[0]
    return first.removesuffix(".py") if first != "__init__.py" else ""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, but for type checking only too."""
    package = ("kube_actors", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield node.lineno, ".".join(filter(None, (base, node.module or "")))


def test_every_part_has_a_place() -> None:
    """A new package is given its place in the layers before anything is built into it."""
    parts = {part_of(path) for path in modules()} - {"", BESIDE}
    assert parts <= set(RANK), f"no place for {sorted(parts - set(RANK))}"


@pytest.mark.parametrize("part", sorted(RANK))
def test_imports_point_down(part: str) -> None:
    """Nothing knows what stands above it, and nothing but tests knows the testing kit."""
    wrong = []
    for path in modules():
        if part_of(path) != part:
            continue
        for line, name in imports(path):
            if not name.startswith("kube_actors."):
                continue
            target = name.split(".")[1]
            if target == BESIDE or (target != part and RANK.get(target, -1) >= RANK[part]):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong


def test_plans_are_pure() -> None:
    """No plan waits, logs, reads a clock, draws a number or knows more than the shape of objects."""
    wrong = []
    for path in modules():
        if part_of(path) != "plan":
            continue
        for line, name in imports(path):
            root, _, rest = name.partition(".")
            foreign = root == "kube_actors" and rest.split(".")[0] not in PLAN_MAY_IMPORT
            if root in IMPURE or foreign:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await):
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} is async")
    assert not wrong


def test_the_kernel_knows_no_kubernetes() -> None:
    """Actors, mailboxes, clocks: not one word of what they are used for."""
    words = re.compile(r"\b(kubernetes|pods?|nodes?|deployments?|kubelet|replicas?)\b", re.IGNORECASE)
    wrong = [
        f"{path.name}:{number}: {line.strip()}"
        for path in modules()
        if part_of(path) == "kernel"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if words.search(line)
    ]
    assert not wrong


@pytest.mark.parametrize("package", ["node.agent", "store.state_file"])
def test_what_runs_outside_needs_only_python(package: str) -> None:
    """Keeper, agent and committer run in interpreters of their own that see nothing installed."""
    wrong = []
    for path in modules():
        if ".".join(path.relative_to(PACKAGE).parts[:2]) != package:
            continue
        for line, name in imports(path):
            root = name.split(".")[0]
            inside = name.startswith(f"kube_actors.{package}")
            if not inside and root not in sys.stdlib_module_names:
                wrong.append(f"{path.name}:{line} imports {name}")
    assert not wrong


@pytest.mark.parametrize("library", sorted(ONE_PLACE))
def test_heavy_libraries_have_one_door(library: str) -> None:
    """What could be replaced some day is imported by one module."""
    users = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for _, name in imports(path)
        if name.split(".")[0] == library
    }
    assert len(users) <= ONE_PLACE[library], sorted(users)


def test_catch_alls_are_rare_and_explained() -> None:
    """`except Exception` stands only where foreign or unknown failures end, with the reason on its line."""
    found = []
    for path in modules():
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.search(r"except Exception\b", line):
                found.append((f"{path.relative_to(PACKAGE)}:{number + 1}", "\n".join(lines[number : number + 2])))
    bare = [place for place, text in found if "#" not in text]
    assert not bare, "without a reason beside it"
    assert len(found) <= CATCH_ALL_LIMIT


def test_modules_stay_small() -> None:
    """One idea each: no module grows beyond 450 lines."""
    long = {str(path.relative_to(PACKAGE)): n for path in modules() if (n := len(path.read_text().splitlines())) > 450}
    assert not long


def test_nothing_is_left_open() -> None:
    """No TODO and nothing that only pretends to be there."""
    pattern = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    wrong = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in modules()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not wrong
