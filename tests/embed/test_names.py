"""The public names: cheap to import, documented, and the same verbs in every world."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import kube_actors
from kube_actors import aio
from kube_actors.embed import asyncio_facade, sync_facade
from kube_actors.embed import cluster as trio_facade

WORLDS = [
    (kube_actors.Cluster, aio.Cluster, kube_actors.SyncCluster),
    (kube_actors.Clock, aio.Clock, kube_actors.SyncClock),
    (kube_actors.Node, aio.Node, kube_actors.SyncNode),
    (kube_actors.Rollout, aio.Rollout, kube_actors.SyncRollout),
]


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_loads_nothing() -> None:
    """A name is loaded when it is used, not before."""
    heavy = "{'trio', 'attrs', 'asyncio', 'orjson', 'ruamel', 'logging'}"
    assert python(f"import sys, kube_actors; print({heavy} & set(sys.modules))") == "set()\n"


def test_embedding_does_not_load_what_only_the_command_line_needs() -> None:
    """No structlog (and with it rich), click, prompt_toolkit or aiohttp for a cluster of one's own."""
    unwanted = "{'structlog', 'rich', 'click', 'prompt_toolkit', 'aiohttp', 'pytest'}"
    code = f"import sys, kube_actors; kube_actors.run_cluster; print({unwanted} & set(sys.modules))"
    assert python(code) == "set()\n"


@pytest.mark.parametrize("module", [kube_actors, aio], ids=["kube_actors", "aio"])
def test_every_public_name_is_there_and_documented(module: Any) -> None:
    """`__all__` is sorted, complete and explained."""
    assert list(module.__all__) == sorted(module.__all__)
    undocumented = []
    for name in module.__all__:
        value = getattr(module, name)
        parts = [(name, value)] if inspect.isclass(value) or inspect.isfunction(value) else []
        if inspect.isclass(value) and value.__module__.startswith("kube_actors.embed"):
            parts += [(f"{name}.{each}", part) for each, part in vars(value).items() if not each.startswith("_")]
        undocumented += [each for each, part in parts if callable(part) and not inspect.getdoc(part)]
    assert not undocumented


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Clustre'"):
        _ = kube_actors.Clustre
    assert set(kube_actors.__all__) <= set(dir(kube_actors))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world[0].__name__)
def test_the_verbs_are_the_same_in_every_world(world: tuple[type, type, type]) -> None:
    """Same names, same parameters, same defaults; asyncio awaits what trio awaits, and plain code nothing."""
    first, second, third = (_verbs(each) for each in world)
    assert first == second == third
    for name in first:
        asynchronous = [inspect.iscoroutinefunction(getattr(each, name)) for each in world]
        assert asynchronous[0] == asynchronous[1], name
        assert not asynchronous[2], name


def _verbs(kind: type) -> dict[str, list[tuple[str, Any]]]:
    found = {}
    for name, value in vars(kind).items():
        if callable(value) and not name.startswith("_"):
            parameters = inspect.signature(value).parameters.values()
            found[name] = [(each.name, each.default) for each in parameters]
    return found


def test_opening_takes_the_same_wishes_in_every_world() -> None:
    """asyncio alone has one more: guest mode."""
    wishes = [list(inspect.signature(each).parameters) for each in (kube_actors.open_cluster, kube_actors.run_cluster)]
    assert wishes[0] == wishes[1] == list(inspect.signature(aio.open_cluster).parameters)[:-1]


@pytest.mark.parametrize("module", [trio_facade, asyncio_facade, sync_facade], ids=["trio", "asyncio", "plain"])
def test_the_example_in_the_documentation_runs(module: Any) -> None:
    """It is the first thing people copy."""
    lines = (module.__doc__ or "").splitlines()
    example = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    assert python(example) == "Running\n"
