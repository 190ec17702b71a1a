"""`kube-actors run` and the commands that work with what it runs, on simulated nodes."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import PATIENCE, Place, Running

CLUSTER = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: shop}
spec:
  nodes:
  - {name: node, count: 2, runtime: simulated, simulation: {startSeconds: 0.1}}
"""
WEB = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1"}]
"""
SETTINGS = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
"""


@pytest.fixture
def running(place: Place) -> Iterator[Running]:
    """A cluster called shop with a Deployment and a ConfigMap, all ready."""
    with place.start("run", place.file(CLUSTER + WEB + SETTINGS)) as found:
        found.wait_for("ready in")
        yield found
        if found.process.poll() is None:
            assert found.end() == 0


def left_behind(place: Place, name: str = "shop") -> list[str]:
    """What tells of a runtime after its end: nothing should."""
    return [each for each in ("runtime.json", "run/console.sock") if (place.home / name / each).exists()]


@pytest.mark.usefixtures("running")
def test_working_with_a_running_cluster(place: Place) -> None:
    """The console answers, apply says what became of each object, status and stop find the cluster by themselves."""
    assert place.call("console", "-c", "get deployments -o name").stdout == "deployment.apps/web\n"
    assert place.call("console", "-c", "get pods nope").returncode == 1
    assert place.call("console", "-c", "gte pods").returncode == 2
    piped = place.call(
        "console", stdin="get nodes -o name\n\n# a remark\nget configmap settings -o name\nget pod nope\nget nodes\n"
    )
    assert piped.stdout.splitlines() == ["node/node-1", "node/node-2", "configmap/settings"]
    assert piped.returncode == 1

    changed = place.file(CLUSTER + WEB.replace("web:1", "web:2") + SETTINGS, "changed.yaml")
    applied = place.call("apply", "-f", changed)
    assert applied.stdout.splitlines() == ["deployment.apps/web configured", "configmap/settings unchanged"]
    assert place.call("console", "-c", "rollout status deployment/web --timeout 90s").returncode == 0
    described = place.call("status")
    assert "shop: running for" in described.stdout
    assert "2/2 ready" in described.stdout
    assert "2/2 available" in described.stdout
    (status,) = json.loads(place.call("status", "-o", "json").stdout)
    assert (status["name"], status["nodes"], status["deployments"]) == (
        "shop",
        {"ready": 2, "total": 2},
        {"deployment/web": {"ready": 2, "total": 2}},
    )
    grown = place.call("apply", "-f", place.file(CLUSTER.replace("count: 2", "count: 3"), "grown.yaml"))
    assert grown.stdout == "cluster.kube-actors.dev/shop configured\n"
    assert place.call("console", "-c", "wait node/node-3 --for condition=Ready --timeout 90s").returncode == 0
    assert place.call("stop").stdout == "stopped shop\n"
    assert place.call("status").returncode == 1
    assert place.call("console", "-c", "get pods").returncode == 1
    assert left_behind(place) == []


@pytest.mark.usefixtures("running")
def test_bad_input_while_running(place: Place) -> None:
    """Nothing that is refused changes anything: a second runtime, wrong files, the wrong cluster, a reset."""
    second = place.call_apart("run", place.file(CLUSTER))
    assert second.returncode == 2
    assert "cluster 'shop' is running already, as process" in second.stderr
    wrong = place.call("apply", "-f", place.file(CLUSTER + WEB.replace("replicas:", "replcas:"), "wrong.yaml"))
    assert wrong.returncode == 2
    assert 'wrong.yaml:12:3 $.spec.replcas: unknown field "spec.replcas" (did you mean "replicas"?)' in wrong.stderr
    other = place.call("apply", "-f", place.file(CLUSTER.replace("shop", "other"), "other.yaml"))
    assert (other.returncode, other.stderr) == (1, "error: no cluster named 'other' is running (running: shop)\n")
    seed = place.file(CLUSTER + "  seed: 5\n", "seed.yaml")
    refused = place.call("apply", "-f", seed)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{seed}:7:3 $.spec.seed: cannot change while the cluster runs" in refused.stderr
    reset = place.call("reset", "--yes")
    assert reset.returncode == 2
    assert "stop it first" in reset.stderr


def test_a_restart_keeps_everything_and_reports_what_is_gone(place: Place, running: Running) -> None:
    """The file is applied again; what is no longer in it is named, and deleted only with --prune."""
    assert running.end(signal.SIGINT) == 130
    less = place.file(CLUSTER + WEB, "less.yaml")
    with place.start("run", less) as again:
        again.wait_for("ready in")
        assert "deployment.apps/web unchanged" in again.lines
        assert "no longer in the files" in again.wait_for("configmaps/settings")
        assert place.call("console", "-c", "get configmap settings -o name").returncode == 0
        assert again.end() == 0
    with place.start("run", "--prune", less) as pruning:
        pruning.wait_for("ready in")
        assert "configmaps/settings pruned" in pruning.lines
        assert place.call("console", "-c", "get configmap settings").returncode == 1
        assert pruning.end() == 0
    assert place.call("reset", "--name", "shop", "--yes").stdout == "reset shop\n"
    assert not (place.home / "shop").exists()


def test_pruning_by_some_files_leaves_what_stands_in_others(place: Place, running: Running) -> None:
    """Only what these files said before and say no longer is named, and deleted; the cluster's own file stays whole."""
    config_map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
    other = place.file(config_map.format("other"), "other.yaml")
    extra = place.file(config_map.format("one") + config_map.format("two"), "extra.yaml")
    assert place.call("apply", "-f", other, "-f", extra).returncode == 0
    assert place.call("apply", "-f", extra).stdout == "configmap/one configured\nconfigmap/two configured\n"
    place.file(config_map.format("one"), "extra.yaml")
    told = place.call("apply", "-f", extra)
    assert told.stdout == "configmap/one unchanged\n"
    assert told.stderr == "configmap/two is no longer in the input (--prune deletes it)\n"
    pruned = place.call("apply", "--prune", "-f", extra)
    assert (pruned.stdout, pruned.stderr) == ("configmap/one unchanged\nconfigmap/two pruned\n", "")
    left = place.call("console", "-c", "get configmaps,deployments -o name").stdout.split()
    assert {"configmap/one", "configmap/other", "configmap/settings", "deployment.apps/web"} <= set(left)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_signals_end_it_also_where_they_were_ignored(place: Place, number: signal.Signals, status: int) -> None:
    """As under nohup, or in the background of a script; an ephemeral cluster leaves nothing at all."""
    with place.start("run", "--ephemeral", place.file(CLUSTER), ignoring=(number,)) as found:
        found.wait_for("ready in")
        assert found.end(number) == status
    assert list(place.home.iterdir()) == []


def test_clusters_side_by_side(place: Place) -> None:
    """Each has its name; commands ask which one is meant and list them."""
    path = place.file(CLUSTER)
    with place.start("run", path) as one, place.start("run", "--name", "other", "--ephemeral", path) as two:
        one.wait_for("ready in")
        two.wait_for("ready in")
        which = place.call("console", "-c", "get nodes")
        assert which.returncode == 2
        assert "several clusters are running: other, shop (choose one with --name)" in which.stderr
        assert place.call("console", "--name", "other", "-c", "get nodes").returncode == 0
        listed = place.call("status").stdout
        assert "other: running" in listed
        assert "shop: running" in listed
        assert place.call("stop", "--all").stdout == "stopped other\nstopped shop\n"
        assert (one.process.wait(PATIENCE), two.process.wait(PATIENCE)) == (0, 0)


def test_every_problem_at_once_and_nothing_started(place: Place) -> None:
    """Status 2, no state, no output."""
    text = CLUSTER.replace("count", "cuont") + WEB.replace("replicas:", "replcas:")
    done = place.call_apart("run", place.file(text))
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition("cluster.yaml:")[2].partition(":")[0] for line in done.stderr.splitlines()] == ["6", "12"]
    assert not place.home.exists()


def test_a_port_in_use(place: Place) -> None:
    """Its holder is named, with the place in the file; the state of a cluster that never was is taken away."""
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        path = place.file(f"{CLUSTER}  listeners: [{{service: web, port: {port}}}]\n{service}")
        done = place.call_apart("run", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:7:" in done.stderr
    assert f"127.0.0.1:{port} is in use by " in done.stderr
    assert list(place.home.iterdir()) == []


def test_a_state_directory_that_cannot_be_used(place: Place) -> None:
    """One message that says what to do."""
    done = place.call_apart("run", "--state-dir", place.file("", "file") + "/x", place.file(CLUSTER))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "the state directory cannot be used: Not a directory (choose another with --state-dir)" in done.stderr


def test_objects_an_earlier_run_left_may_be_named(place: Place) -> None:
    """A reference is dangling only when neither the file nor the state has what it names."""
    pod = WEB.replace('image: "web:1"', "image: x, envFrom: [{configMapRef: {name: settings}}]")
    alone = place.file(CLUSTER + pod, "alone.yaml")
    refused = place.call_apart("run", alone)
    assert refused.returncode == 2
    assert "there is no ConfigMap 'settings'" in refused.stderr
    for path in (place.file(CLUSTER + SETTINGS), alone):
        with place.start("run", path) as found:
            found.wait_for("ready in")
            assert found.end() == 0


def test_manifests_alone(place: Place) -> None:
    """They run on one default node, here a simulated one; `--until` ends it."""
    path = place.file(WEB.removeprefix("---\n"))
    done = place.call_apart("run", "--virtual", "--until", "1m", path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == ["deployment/web: 2/2 available", "at 2025-01-01T00:01:00Z"]
    with place.start("run", "--ephemeral", "--until", "1s", place.file(CLUSTER)) as found:
        assert found.process.wait(PATIENCE) == 0


def test_logs_are_json_where_asked_for(place: Place) -> None:
    """Every line of stderr is an object; data stays on stdout."""
    with place.start("run", "--ephemeral", "--log-format", "json", place.file(CLUSTER + WEB)) as found:
        found.wait_for("ready in")
        assert found.end() == 0
    assert {"cluster started", "ending"} <= {json.loads(line)["event"] for line in found.errors}


def test_virtual_runs_repeat_to_the_byte(place: Place) -> None:
    """The same file and seed give the same trace whatever PYTHONHASHSEED; another seed gives another."""
    path = place.file(CLUSTER.replace("startSeconds: 0.1", "startSeconds: 1..5, runSeconds: ~300") + WEB)
    traces = []
    for seed, hash_seed in ((7, "1"), (7, "2"), (8, "1")):
        trace = place.files / f"{seed}-{hash_seed}"
        arguments = ("run", "--virtual", "--seed", str(seed), "--until", "2h", "--trace", str(trace), path)
        done = place.call_apart(*arguments, PYTHONHASHSEED=hash_seed)
        assert done.returncode == 0, done.stderr
        traces.append(trace.read_bytes())
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]
    assert len(traces[0].splitlines()) > 100
    assert str(place.home).encode() not in traces[0]
    assert list(place.home.iterdir()) == []


def test_what_virtual_time_cannot_do(place: Place) -> None:
    """An end is needed, and nodes that live in it."""
    assert "--virtual needs an end" in place.call_apart("run", "--virtual", place.file(CLUSTER)).stderr
    process = CLUSTER.replace(", simulation: {startSeconds: 0.1}", "").replace("simulated", "process")
    done = place.call_apart("run", "--virtual", "--until", "1h", place.file(process))
    assert done.returncode == 2
    assert "cluster.yaml:5:3 $.spec.nodes: there are nodes of runtime process" in done.stderr


def test_the_last_line_is_the_url_of_the_first_listener(place: Place) -> None:
    """Printed when it answers: a plain line that a script can read, with nothing after it."""
    example = Path(__file__).parent.parent.parent / "configs" / "quickstart.yaml"
    with place.start("run", "--ephemeral", str(example)) as found:
        found.wait_for("http://127.0.0.1:")
        url = found.lines[-1]
        with urllib.request.urlopen(url, timeout=60) as answer:
            name = answer.read().decode()
        assert name.startswith("web-")
        assert found.end() == 0
    assert found.lines[-1] == url
    assert list(place.home.iterdir()) == []
