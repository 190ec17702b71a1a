"""What a Cluster document means, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kube_actors.config.cluster_document import Problems, parse_cluster, parse_duration
from kube_actors.config.types import ApiConfig, ClusterConfig, ListenerConfig, SchedulerConfig, Taint, Timeouts
from kube_actors.errors import Problem


def read(spec: Any, name: str = "test") -> tuple[ClusterConfig, list[Problem]]:
    """The configuration and the problems of a spec."""
    problems = Problems()
    body = {"apiVersion": "kube-actors.dev/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec}
    return parse_cluster(body, directory=Path("/"), problems=problems), list(problems)


def test_an_empty_document_is_one_process_node() -> None:
    """Everything has a default."""
    config, problems = read({})
    assert problems == []
    assert [(node.name, node.runtime) for node in config.nodes] == [("node-1", "process")]
    assert config.schedulers == (SchedulerConfig(),)
    assert config.timeouts == Timeouts()


def test_no_nodes_at_all() -> None:
    """An empty list is taken at its word."""
    config, problems = read({"nodes": []})
    assert (config.nodes, problems) == ((), [])


def test_nulls_were_never_written() -> None:
    """As everywhere in Kubernetes, except among a scheduler's own options."""
    spec = {
        "nodes": [{"name": "a", "runtime": None, "labels": {"a": None}, "taints": None}],
        "listeners": [{"service": "web", "host": None, "port": None}],
        "schedulers": [{"name": "mine", "plugin": "a:B", "options": {"zone": None}}],
        "hostImage": None,
        "seed": None,
    }
    config, problems = read(spec)
    assert problems == []
    assert (config.nodes[0].runtime, dict(config.nodes[0].labels)) == ("process", {})
    assert config.listeners == (ListenerConfig("web"),)
    assert (config.host_image, config.seed, config.schedulers[0].options) == (True, 0, {"zone": None})


def test_unknown_and_impossible_words_do_not_stop_the_reading() -> None:
    """Each is a problem of its own."""
    _, problems = read({"timeouts": {"shutdown": "1s"}, "images": {"a": {"rootfs": "x\0y"}}})
    assert [each.path for each in problems] == ["$.spec.timeouts.shutdown", '$.spec.images["a"].rootfs']


def test_everything_that_can_be_said() -> None:
    """Counts, labels, taints, schedulers, listeners and durations as written."""
    config, problems = read(
        {
            "nodes": [
                {
                    "name": "east",
                    "count": 2,
                    "runtime": "simulated",
                    "capacity": {"cpu": 4, "example.com/gpu": "2"},
                    "labels": {"zone": "east"},
                    "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
                    "simulation": {"startSeconds": 1},
                }
            ],
            "schedulers": [{"name": "packing", "policy": "MostAllocated"}],
            "listeners": [{"service": "web", "namespace": "shop", "servicePort": 80, "port": 8080}],
            "timeouts": {"shutdownTimeout": "1m", "nodeHeartbeat": 2, "eventTTL": "500ms"},
            "on_runtime_exit": "keep",
        }
    )
    assert problems == []
    first, second = config.nodes
    assert (first.name, second.name) == ("east-1", "east-2")
    assert (first.capacity["cpu"], first.capacity["example.com/gpu"]) == ("4", "2")
    assert first.taints == (Taint("gpu", "yes", "NoSchedule"),)
    assert [each.name for each in config.schedulers] == ["packing", "default-scheduler"]
    assert config.listeners == (ListenerConfig("web", "shop", "80", "127.0.0.1", 8080),)
    assert (config.timeouts.shutdown, config.timeouts.node_heartbeat, config.timeouts.event_ttl) == (60, 2, 0.5)
    assert config.on_runtime_exit == "keep"


def test_problems_of_form_and_of_sense_together() -> None:
    """A wrong type in one part does not hide a wrong value in another."""
    _, problems = read(
        {
            "nods": [],
            "nodes": [{"name": "a", "count": "x"}],
            "listeners": [{"service": "web", "port": 70000}],
            "timeouts": {"shutdownTimeout": "soon"},
            "network": {"podCIDR": "10.1.2.3/8"},
        },
        name="No",
    )
    assert {(problem.path, problem.hint) for problem in problems} == {
        ("$.spec.nods", 'did you mean "nodes"?'),
        ("$.spec.nodes[0].count", None),
        ("$.metadata.name", "lower-case letters, digits and '-', at most 63"),
        ("$.spec.listeners[0].port", "between 0 and 65535; 0 takes a free one"),
        ("$.spec.timeouts.shutdownTimeout", "for example 10s, 500ms or 2m"),
        ("$.spec.network.podCIDR", "10.0.0.0/8 is"),
    }


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"nodes": [{"name": "a"}, {"name": "a"}]}, "$.spec.nodes[1].name", "the node 'a' is there already"),
        ({"nodes": [{"name": "a-1"}, {"name": "a", "count": 2}]}, "$.spec.nodes[1].name", "'a-1' is there already"),
        ({"nodes": [{"name": "A"}]}, "$.spec.nodes[0].name", "'A' is not a node name"),
        ({"nodes": [{"name": "a", "count": 30000}]}, "$.spec.nodes[0].count", "30000 nodes"),
        ({"nodes": [{"name": "a", "labels": {"a b": "c"}}]}, "$.spec.nodes[0].labels[a b]", "name part"),
        ({"nodes": [{"name": "a", "capacity": {"cpu": "1x"}}]}, "$.spec.nodes[0].capacity[cpu]", "quantity"),
        ({"nodes": [{"name": "a", "capacity": {"cpu": "-1"}}]}, "$.spec.nodes[0].capacity[cpu]", "less than nothing"),
        ({"nodes": [{"name": "a", "simulation": {}, "runtime": "simulated"}, 3]}, "$.spec.nodes[1]", "an object"),
        ({"images": {"web": {"host": True, "rootfs": "/usr"}}}, '$.spec.images["web"]', "either"),
        ({"images": {"web": {"hots": True}}}, '$.spec.images["web"].hots', "unknown field"),
        ({"images": {"web": "/no/such"}}, '$.spec.images["web"].rootfs', "no directory /no/such"),
        ({"schedulers": [{"name": "a"}, {"name": "a"}]}, "$.spec.schedulers[1].name", "there already"),
        ({"schedulers": [{"name": "a", "plugin": "x"}]}, "$.spec.schedulers[0].plugin", "does not name a class"),
        ({"onRuntimeExit": "end", "on_runtime_exit": "keep"}, "$.spec.on_runtime_exit", "something else"),
        (
            {"listeners": [{"service": "a", "port": 80}, {"service": "b", "port": 80}]},
            "$.spec.listeners[1].port",
            "127.0.0.1:80 is listed twice",
        ),
        ({"network": {"clusterDomain": "No Domain"}}, "$.spec.network.clusterDomain", "RFC 1123"),
        ("text", "$.spec", "expected an object"),
    ],
)
def test_what_is_wrong(spec: Any, path: str, message: str) -> None:
    """Each problem has its path and says what is wrong."""
    _, problems = read(spec)
    assert [problem.path for problem in problems] == [path]
    assert message in problems[0].message


def test_simulation_settings_are_checked() -> None:
    """A setting that does not exist, and settings on a node that is not simulated."""
    _, problems = read({"nodes": [{"name": "a", "runtime": "simulated", "simulation": {"startSecnds": 1}}]})
    assert [problem.path for problem in problems] == ["$.spec.nodes[0].simulation"]
    _, problems = read({"nodes": [{"name": "a", "simulation": {"startSeconds": 1}}]})
    assert "runtime: simulated" in problems[0].message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1.5m", 90.0),
        ("250ms", 0.25),
        ("24h", 86400.0),
        (7, 7.0),
        ("", None),
        ("1d", None),
        ("-1s", None),
    ],
)
def test_durations(text: str | int, seconds: float | None) -> None:
    """A number with its unit, or plain seconds."""
    assert parse_duration(text) == seconds


def test_the_api_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    """Where it listens, its names and its file of tokens; each mistake has its place."""
    tokens = tmp_path / "tokens"
    tokens.write_text("t,u,1\n")
    said = {"host": "0.0.0.0", "port": 6443, "names": ["kube.example.org", "192.0.2.7"], "tokenFile": str(tokens)}
    config, problems = read({"api": said})
    assert not problems
    assert config.api == ApiConfig(True, "0.0.0.0", 6443, ("kube.example.org", "192.0.2.7"), str(tokens))
    wrong = {"host": "localhost", "port": 70000, "names": ["Not A Name"], "tokenFile": "/missing"}
    _, problems = read({"api": wrong})
    fields = ("host", "port", "names[0]", "tokenFile")
    assert [each.path for each in problems] == [f"$.spec.api.{field}" for field in fields]
