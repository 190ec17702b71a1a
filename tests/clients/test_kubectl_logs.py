"""`kubectl logs` with all its options, on containers that run, have crashed, and wait."""

from __future__ import annotations

import datetime
import re
import time

from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, apply, deployment, pod, run, sh, started

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: logs}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""
TALKS = "for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; touch /tmp/done; sleep 1000"
ALL = ["line 1", "line 2", "line 3", "line 4", "line 5", "oops"]
DEFAULTED = 'Defaulted container "one" out of: one, two, setup (init)\n'
ONE = ("-c", "one")


def talker(kubectl: Program) -> None:
    """A pod of two containers and an init container, all of which have said what they have to say."""
    setup = sh("setup", "echo setting up")
    two = sh("two", "echo second; sleep 1000")
    run(kubectl, pod("talk", sh("one", TALKS), two, initContainers=[setup], labels={"app": "talk", "tier": "x"}))
    eventually(lambda: kubectl("logs", "talk", *ONE).lines == ALL)
    eventually(lambda: kubectl("logs", "talk", "-c", "two").lines == ["second"])


def test_which_containers(each_kubectl: Program) -> None:
    """The first by default, one by its name, all of them, init containers too, each line with its source."""
    kubectl = each_kubectl
    talker(kubectl)
    first = kubectl("logs", "talk")
    assert (first.lines, first.stderr) == (ALL, DEFAULTED)
    assert kubectl("logs", "talk", "-c", "setup").stdout == "setting up\n"
    assert kubectl("logs", "pod/talk", "two").stdout == "second\n"
    assert sorted(kubectl("logs", "talk", "--all-containers").lines) == sorted(["setting up", *ALL, "second"])
    prefixed = kubectl("logs", "talk", "--all-containers", "--prefix", "--tail=1").lines
    assert sorted(prefixed) == ["[pod/talk/one] oops", "[pod/talk/setup] setting up", "[pod/talk/two] second"]
    unknown = kubectl("logs", "talk", "-c", "nope", code=1).stderr
    assert unknown.startswith("error: container nope is not valid for pod talk")


def test_how_much(kubectl: Program) -> None:
    """The last lines, the first bytes, what came since a time; and numbers that make no sense."""
    talker(kubectl)
    assert kubectl("logs", "talk", *ONE, "--tail=2").lines == ["line 5", "oops"]
    assert kubectl("logs", "talk", *ONE, "--tail=0").stdout == ""
    assert kubectl("logs", "talk", *ONE, "--limit-bytes=10").stdout == "line 1\nlin"
    assert kubectl("logs", "talk", *ONE, "--tail=2", "--limit-bytes=4").stdout == "line"
    stamped = kubectl("logs", "talk", *ONE, "--timestamps").lines
    stamps = [line.partition(" ")[0] for line in stamped]
    assert [line.partition(" ")[2] for line in stamped] == ALL
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z", stamp) for stamp in stamps)
    assert kubectl("logs", "talk", *ONE, "--since=1h").lines == ALL
    assert kubectl("logs", "talk", *ONE, "--since-time=2020-01-01T00:00:00+01:00", "--tail=1").lines == ["oops"]
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert kubectl("logs", "talk", *ONE, f"--since-time={later:%Y-%m-%dT%H:%M:%SZ}").stdout == ""
    for flag, why in (
        ("--tail=-3", "--tail must be greater than or equal to -1"),
        ("--limit-bytes=-1", "--limit-bytes must be greater than 0"),
        ("--since=1ms", "sinceSeconds: Invalid value: 0: must be greater than 0"),
    ):
        assert why in kubectl("logs", "talk", *ONE, flag, code=1).stderr


def test_follow(each_kubectl: Program) -> None:
    """New lines as they are written, until the container ends."""
    kubectl = each_kubectl
    script = "echo begin; until test -e /tmp/go; do sleep 0.05; done; echo end"
    run(kubectl, pod("talk", sh("main", script), restartPolicy="Never"))
    with started(kubectl, "logs", "-f", "talk") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "begin\n"
        kubectl("exec", "talk", "--", "touch", "/tmp/go", code=None)  # it may end with the container
        assert following.communicate(timeout=60) == ("end\n", "")
        assert following.returncode == 0


def test_many_pods(kubectl: Program) -> None:
    """By selector and by Deployment; following too many at once is refused."""
    talker(kubectl)
    apply(kubectl, deployment("web", sh("main", "echo here; sleep 1000"), replicas=2))
    kubectl("rollout", "status", "deploy/web", WAIT)
    names = [name.removeprefix("pod/") for name in kubectl("get", "pods", "-l", "app=web", "-o", "name").lines]
    expected = sorted(f"[pod/{name}/main] here" for name in names)
    eventually(lambda: sorted(kubectl("logs", "-l", "app=web", "--prefix").lines) == expected)
    assert kubectl("logs", "-l", "tier=x", *ONE, "--tail=-1").lines == ALL
    one = kubectl("logs", "deploy/web")
    assert one.stdout == "here\n"
    assert one.stderr.startswith("Found 2 pods, using pod/web-")
    every = kubectl("logs", "deploy/web", "--all-pods", "--prefix").lines
    assert sorted(every) == expected
    many = kubectl("logs", "-f", "-l", "app=web", "--max-log-requests=1", code=1)
    assert many.stderr == (
        "error: you are attempting to follow 2 log streams, but maximum allowed concurrency is 1, "
        "use --max-log-requests to increase the limit\n"
    )
    none = kubectl("logs", "-l", "app=none").stderr
    assert none == f"No resources found in {kubectl.namespace} namespace.\n"


def test_previous(kubectl: Program) -> None:
    """What the attempt before the crash has said; there is none before the first."""
    script = "if test -e /data/ran; then echo again; sleep 1000; fi; touch /data/ran; echo first; exit 3"
    mounts = [{"name": "data", "mountPath": "/data"}]
    apply(kubectl, pod("crash", sh("main", script, volumeMounts=mounts), volumes=[{"name": "data", "emptyDir": {}}]))
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    eventually(lambda: kubectl("get", "pod", "crash", "-o", restarts).stdout == "1")
    eventually(lambda: kubectl("logs", "crash").stdout == "again\n")
    assert kubectl("logs", "crash", "--previous").stdout == "first\n"
    talker(kubectl)
    never = kubectl("logs", "talk", "-p", *ONE, code=1).stderr
    assert never == 'Error from server (BadRequest): previous terminated container "one" in pod "talk" not found\n'


def test_what_has_no_log_yet(each_kubectl: Program) -> None:
    """Why: initialization, no image, no node, no pod."""
    kubectl = each_kubectl
    nameless = {**sh("main", "true"), "image": "nowhere:1"}
    apply(
        kubectl,
        pod("waits", sh("main", "true"), initContainers=[sh("setup", "sleep 1000")]),
        pod("pulls", nameless),
        pod("unbound", sh("main", "true"), nodeSelector={"no": "such"}),
    )
    begins = 'Error from server (BadRequest): container "main" in pod "{}" is waiting to start: {}\n'
    eventually(lambda: kubectl("get", "pods", "pulls", "-o", "jsonpath={..waiting.reason}").stdout != "")

    def said(name: str) -> str:
        return kubectl("logs", name, "-c", "main", code=1).stderr

    eventually(lambda: said("waits") == begins.format("waits", "PodInitializing"))
    eventually(lambda: said("pulls") == begins.format("pulls", "trying and failing to pull image"))
    for flags in ((), ("-f",), ("--previous",)):
        unbound = kubectl("logs", "unbound", *flags)
        assert (unbound.stdout, unbound.stderr) == ("", "")
    assert 'pods "nope" not found' in kubectl("logs", "nope", code=1).stderr


def test_a_follower_that_leaves(kubectl: Program) -> None:
    """The server serves on, and others follow the same container."""
    run(kubectl, pod("talk", sh("main", "while echo tick; do sleep 0.1; done")))
    with started(kubectl, "logs", "-f", "talk", "--tail=1") as staying:
        assert staying.stdout is not None
        for _ in range(3):
            with started(kubectl, "logs", "-f", "talk", "--tail=1") as leaving:
                assert leaving.stdout is not None
                assert leaving.stdout.readline() == "tick\n"
        begun = time.monotonic()
        assert [staying.stdout.readline() for _ in range(5)] == ["tick\n"] * 5
        assert time.monotonic() - begun < 60
