"""The pytest plugin: a cluster for a test, by a fixture.

    def test_the_shop_opens(kube_cluster):
        kube_cluster.apply("shop.yaml")
        kube_cluster.wait("deployment/shop", "Available", timeout=30)

    @pytest.mark.kube_cluster("shop.yaml")
    def test_a_lost_node(kube_virtual_cluster):
        kube_virtual_cluster.wait("deployment/shop", "Available", timeout=60)
        kube_virtual_cluster.node("node-1").stop()
        kube_virtual_cluster.clock.advance(600)
        kube_virtual_cluster.wait("deployment/shop", "Available", timeout=60)

`kube_cluster` and `kube_virtual_cluster` are fresh for every test, with two simulated nodes, and leave nothing behind.
The marker `kube_cluster(source, name=, seed=, nodes=, runtime=, state_dir=, api=)` says something else; a path in it
starts at the test's file. The ini option `kube_cluster_file` is the source of tests that say none.
`kube_cluster_factory` makes any number of clusters, each to the end of the test. When a test fails, its report tells
how its clusters stood.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kube_actors import SyncCluster

INI_FILE = "kube_cluster_file"
MARKER = "kube_cluster"
NODES = ("node-1", "node-2")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`kube_cluster_file`."""
    parser.addini(INI_FILE, "cluster.yaml of the kube_cluster fixtures, where no marker says another", type="paths")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    text = f"{MARKER}(source=None, *, name, seed, nodes, runtime, state_dir, api): what the kube_cluster fixtures run"
    config.addinivalue_line("markers", text)


class ClusterFactory:
    """Makes clusters that last until the test ends: `factory(source, ...)`, with the arguments of `run_cluster`.

    Without a Cluster document there are two simulated nodes.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.clusters: list[SyncCluster] = []
        """Those it has made, ended ones included."""

    def __call__(self, source: Any = None, **options: Any) -> SyncCluster:
        from kube_actors.config.types import ClusterConfig, NodeConfig
        from kube_actors.embed.opening import Wish, prepare
        from kube_actors.embed.sync_facade import running

        nodes = tuple(NodeConfig(name, runtime="simulated") for name in NODES)
        opening = prepare(Wish(source, **options), default=ClusterConfig(nodes=nodes))
        cluster = self._stack.enter_context(running(opening))
        self.clusters.append(cluster)
        return cluster


_FACTORY = pytest.StashKey[ClusterFactory]()


@pytest.fixture
def kube_cluster_factory(request: pytest.FixtureRequest) -> Iterator[ClusterFactory]:
    """Make clusters: `kube_cluster_factory("cluster.yaml", virtual=True)`. They end with the test."""
    with ExitStack() as stack:
        factory = request.node.stash[_FACTORY] = ClusterFactory(stack)
        yield factory


@pytest.fixture
def kube_cluster(request: pytest.FixtureRequest, kube_cluster_factory: ClusterFactory) -> SyncCluster:
    """A cluster in real time, fresh for this test."""
    source, options = _wanted(request)
    return kube_cluster_factory(source, **options)


@pytest.fixture
def kube_virtual_cluster(request: pytest.FixtureRequest, kube_cluster_factory: ClusterFactory) -> SyncCluster:
    """A cluster in virtual time, fresh for this test: time passes, at once, only while the test waits for something."""
    source, options = _wanted(request)
    return kube_cluster_factory(source, **{**options, "virtual": True})


def _wanted(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    """What the nearest marker says, else the ini file."""
    marker = request.node.get_closest_marker(MARKER)
    source = marker.args[0] if marker is not None and marker.args else None
    options = dict(marker.kwargs) if marker is not None else {}
    source = options.pop("source", source)
    if source is None and "nodes" not in options and "runtime" not in options:
        source = list(request.config.getini(INI_FILE)) or None
    return _placed(source, request.path.parent), options


def _placed(source: Any, directory: Path) -> Any:
    """The same, with relative paths starting at a directory."""
    if isinstance(source, str) and "\n" not in source and not source.lstrip().startswith("{"):
        return directory / source
    if isinstance(source, (list, tuple)):
        return [_placed(each, directory) for each in source]
    return directory / source if isinstance(source, Path) else source


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """How its clusters stand, in the report of a test that failed."""
    result: Any = yield
    factory = item.stash.get(_FACTORY, None)
    report = result.get_result()
    if factory is not None and report.when == "call" and report.failed:
        from kube_actors.testing.reporting import standing_of

        for cluster in factory.clusters:
            report.sections.append((f"kube-actors cluster {cluster.name!r}", standing_of(cluster)))
