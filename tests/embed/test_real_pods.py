"""Real processes in an embedded cluster: logs, commands, requests, and an orderly end."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

import kube_actors
from kube_actors import ApiError, SyncCluster
from kube_actors.node.runtime.base import RuntimeFailure
from kube_actors.testing.builders import service
from tests.e2e.footprint import Footprint
from tests.e2e.stage import nothing_left

SERVE = """
echo serving; echo trouble >&2
exec python3 -S -u -c '
import http.server, os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.uname().nodename.encode())
    def log_message(self, *_): pass
http.server.HTTPServer((os.environ["POD_IP"], 8080), Handler).serve_forever()'
"""


def web(goodbye: str) -> list[dict[str, Any]]:
    """A web server behind a Service, whose preStop hook leaves a file in the directory `goodbye`."""
    container = {
        "name": "web",
        "image": "host",
        "command": ["sh", "-c", SERVE],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo bye > /goodbye/$(hostname)"]}}},
        "volumeMounts": [{"name": "goodbye", "mountPath": "/goodbye"}],
    }
    pod = {
        "terminationGracePeriodSeconds": 60,
        "containers": [container],
        "volumes": [{"name": "goodbye", "hostPath": {"path": goodbye}}],
    }
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    return [deployment, service("web", target_port=8080)]


@pytest.fixture
def goodbye(tmp_path: Path) -> Path:
    """A directory that pods may write to."""
    place = tmp_path / "goodbye"
    place.mkdir()
    place.chmod(0o777)
    return place


@pytest.fixture
def cluster(goodbye: Path) -> Iterator[SyncCluster]:
    """Two process nodes in the best tier the machine allows; nothing may be left of them."""
    try:
        with kube_actors.run_cluster(web(str(goodbye)), nodes=2) as cluster:
            footprint = Footprint.of(cluster._cluster._life.cluster)
            yield cluster
            footprint.look()
    except RuntimeFailure as failure:
        if failure.reason == "AgentNotStarted":
            pytest.skip(f"no real pods here: {failure.message}")
        raise
    trio.run(nothing_left, footprint)


def test_real_pods_are_seen_heard_and_asked(cluster: SyncCluster) -> None:
    """Rollout, requests through a Service, logs as they come, commands with input, output and exit code, a crash."""
    assert cluster.rollout("deployment/web").status(timeout=120) == 'deployment "web" successfully rolled out'
    names = {each["metadata"]["name"] for each in cluster.get("pods", labels="app=web")}
    url = cluster.url("web")
    assert url == cluster.url("web")
    answers: set[str] = set()
    for _ in range(40):
        with urllib.request.urlopen(url, timeout=60) as answer:
            answers.add(answer.read().decode())
    assert answers == names
    name = min(names)
    assert sorted(cluster.logs(name).split()) == ["serving", "trouble"]
    assert cluster.logs(name, tail=1, timestamps=True).split()[0].startswith("20")
    result = cluster.exec(name, ["sh", "-c", "cat; echo no >&2; exit 7"], stdin="yes")
    assert (result.exit_code, result.stdout, result.stderr) == (7, "yes", "no\n")
    with pytest.raises(kube_actors.WaitTimeout, match="was killed"):
        cluster.exec(name, ["sleep", "600"], timeout=0.2)
    with cluster.follow_logs(name) as lines:
        assert sorted([next(lines), next(lines)]) == ["serving", "trouble"]
        cluster.kill(name)
        assert list(lines) == []
    cluster.wait(f"pod/{name}", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1, timeout=120)
    assert "serving" in cluster.logs(name, previous=True)
    with pytest.raises(ApiError, match="container other is not valid for pod"):
        cluster.logs(name, container="other")


def test_leaving_the_block_ends_pods_in_order(goodbye: Path) -> None:
    """preStop hooks run, also when an error ends the block."""
    names: list[str] = []
    try:
        with pytest.raises(ZeroDivisionError), kube_actors.run_cluster(web(str(goodbye))) as cluster:
            cluster.wait("deployment/web", "Available", timeout=120)
            names += [each["metadata"]["name"] for each in cluster.get("pods", labels="app=web")]
            raise ZeroDivisionError
    except RuntimeFailure as failure:
        pytest.skip(f"no real pods here: {failure.message}")
    assert sorted(os.listdir(goodbye)) == sorted(names)
    assert len(names) == 2
