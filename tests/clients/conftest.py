"""One cluster for the tests of a file, each of which works in a namespace of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_actors.records import frozen
from tests.cli.running import Place, Running
from tests.clients.kit import CLUSTER, FETCHED, Program, client_environment, kubectls, need

VERSIONS = kubectls()
_numbers = itertools.count(1)


@frozen
class Served:
    """A running cluster whose API is served."""

    running: Running
    kubeconfig: str
    home: Path

    def program(self, path: str) -> Program:
        """A client program at work on it."""
        return Program(path, client_environment(self.kubeconfig, self.home), self.home)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A cluster of two process nodes; a file's own `CLUSTER` is run instead if it has one."""
    root = tmp_path_factory.mktemp("clients")
    place = Place(root / "state" / "kube-actors", root / "files")
    place.files.mkdir()
    file = place.file(getattr(request.module, "CLUSTER", CLUSTER))
    with place.start("run", file) as running:
        exported = running.wait_for("export KUBECONFIG=")
        home = root / "home"
        home.mkdir()
        yield Served(running, exported.partition("=")[2].strip("'"), home)
        running.end()


@pytest.fixture
def namespace(served: Served) -> Iterator[str]:
    """A namespace for one test."""
    name = f"test-{next(_numbers)}"
    admin = served.program(newest_kubectl())
    admin("create", "namespace", name)
    yield name
    admin("delete", "namespace", name, "--wait=false")


def newest_kubectl() -> str:
    """The newest kubectl there is, or a reason to skip."""
    return VERSIONS[max(VERSIONS)] if VERSIONS else need(FETCHED / "kubectl")


@pytest.fixture
def kubectl(served: Served, namespace: str) -> Program:
    """The newest kubectl, at work in the test's namespace."""
    return served.program(newest_kubectl()).within(namespace)


@pytest.fixture(params=sorted(VERSIONS) or ["none"])
def each_kubectl(served: Served, namespace: str, request: pytest.FixtureRequest) -> Program:
    """Each kubectl there is, one after the other."""
    path = VERSIONS[request.param] if VERSIONS else need(FETCHED / "kubectl")
    return served.program(path).within(namespace)


@pytest.fixture
def helm(served: Served, namespace: str) -> Program:
    """helm, at work in the test's namespace."""
    return served.program(need(FETCHED / "helm")).within(namespace)
