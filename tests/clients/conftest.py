"""One cluster for the tests of a file, each of which works in a namespace of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_actors.records import frozen
from tests.cli.running import Place, Running
from tests.clients.kit import CLUSTER, FETCHED, Program, client_environment, eventually, kubectls, missing
from tests.clients.wire import Wire

VERSIONS = kubectls()
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is not there is said before a cluster is started for it."""
    without_kubectl = "" if VERSIONS else missing(FETCHED / "kubectl")
    reasons = {"kubectl": without_kubectl, "each_kubectl": without_kubectl, "helm": missing(FETCHED / "helm")}
    for item in items:
        wanted = [reasons.get(name, "") for name in getattr(item, "fixturenames", ())]
        for reason in filter(None, wanted):
            item.add_marker(pytest.mark.skip(reason=reason))


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
    name, wire = f"test-{next(_numbers)}", Wire.of(served.kubeconfig)
    assert wire.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    eventually(lambda: wire.request("GET", account).status == 200)
    yield name
    assert wire.request("DELETE", f"/api/v1/namespaces/{name}").status == 200


def newest_kubectl() -> str:
    """The newest kubectl there is, or a reason to skip."""
    if not VERSIONS:
        pytest.skip(missing(FETCHED / "kubectl"))
    return VERSIONS[max(VERSIONS)]


@pytest.fixture
def kubectl(served: Served, namespace: str) -> Program:
    """The newest kubectl, at work in the test's namespace."""
    return served.program(newest_kubectl()).within(namespace)


@pytest.fixture(params=sorted(VERSIONS) or ["none"])
def each_kubectl(served: Served, namespace: str, request: pytest.FixtureRequest) -> Program:
    """Each kubectl there is, one after the other."""
    return served.program(VERSIONS[request.param]).within(namespace)


@pytest.fixture
def helm(served: Served, namespace: str) -> Program:
    """helm, at work in the test's namespace."""
    return served.program(str(FETCHED / "helm")).within(namespace)
