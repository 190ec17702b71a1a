"""`kubectl run` in its forms, with real processes; pods that end, in each way of restarting."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import Any

from tests.clients.kit import PATIENCE, Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: ran}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""


def pod_of(kubectl: Program, name: str) -> Any:
    """A pod as it is."""
    return kubectl("get", "pod", name, "-o", "json").json


def phase_of(kubectl: Program, name: str) -> str:
    """`Running`, `Succeeded`, …"""
    return str(pod_of(kubectl, name)["status"]["phase"])


def test_what_a_pod_is_made_of(each_kubectl: Program) -> None:
    """Labels, environment, ports, annotations, command and arguments; nothing is made in a dry run."""
    kubectl = each_kubectl
    plain = kubectl("run", "plain", "--image=a:1", "--dry-run=client", "-o", "json").json
    assert plain["metadata"]["labels"] == {"run": "plain"}
    assert plain["spec"]["restartPolicy"] == "Always"
    assert kubectl("run", "plain", "--image=a:1", "--dry-run=server").stdout == "pod/plain created (server dry run)\n"
    options = ("--labels=a=b,c=d", "--env=X=1", "--port=80", "--annotations=n=t", "--restart=OnFailure")
    told = kubectl("run", "full", "--image=a:1", *options, "--dry-run=server", "-o", "json", "--", "one", "two").json
    container = told["spec"]["containers"][0]
    assert (told["metadata"]["labels"], told["metadata"]["annotations"]) == ({"a": "b", "c": "d"}, {"n": "t"})
    assert container["env"] == [{"name": "X", "value": "1"}]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert (container["args"], told["spec"]["restartPolicy"]) == (["one", "two"], "OnFailure")
    overrides = '{"spec": {"hostname": "named"}}'
    told = kubectl("run", "o", "--image=a:1", "--overrides", overrides, "--dry-run=server", "-o", "json").json
    assert told["spec"]["hostname"] == "named"
    assert kubectl("get", "pods").stdout == ""


def test_each_way_of_restarting(kubectl: Program) -> None:
    """Once; until it succeeds; for ever."""
    kubectl("run", "never", "--image=host", "--restart=Never", "--command", "--", "sh", "-c", "exit 3")
    kubectl("run", "done", "--image=host", "--restart=OnFailure", "--command", "--", "true")
    kubectl("run", "again", "--image=host", "--command", "--", "true")
    kubectl("wait", "pod/never", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
    kubectl("wait", "pod/done", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    ended = pod_of(kubectl, "never")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    eventually(lambda: pod_of(kubectl, "again")["status"]["containerStatuses"][0]["restartCount"] >= 1)
    states = {row[0]: row[2] for row in kubectl("get", "pods", "--no-headers").rows}
    assert (states["never"], states["done"]) == ("Error", "Completed")
    eventually(lambda: "CrashLoopBackOff" in kubectl("get", "pod", "again").stdout)


def test_exposed(kubectl: Program) -> None:
    """With a service before it."""
    serve = ("python3", "-m", "http.server", "8000")
    told = kubectl("run", "web", "--image=host", "--port=8000", "--expose", "--command", "--", *serve).stdout
    assert told == "service/web created\npod/web created\n"
    kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    assert kubectl("get", "service", "web", "-o", "json").json["spec"]["selector"] == {"run": "web"}
    slices = ("get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", "json")
    eventually(lambda: kubectl(*slices).json["items"][0].get("endpoints"))
    kubectl("delete", "pod/web", "service/web", "--now")


def test_a_conversation(each_kubectl: Program) -> None:
    """`--rm -i`: what goes in comes out, the pod is gone, and its exit status is ours."""
    talk = ("run", "talk", "--image=host", "--rm", "-i", "--restart=Never", "--quiet")
    script = "read line; echo got $line"
    told = each_kubectl(*talk, "--command", "--", "sh", "-c", script, stdin="hello\n").stdout
    assert "got hello\n" in told
    assert each_kubectl("get", "pods").stdout == ""
    each_kubectl(*talk, "--command", "--", "sh", "-c", "read line; exit 7", stdin="x\n", code=7)
    assert each_kubectl("get", "pods").stdout == ""


def test_a_terminal(kubectl: Program) -> None:
    """`-it` gives the container a terminal of the size of ours."""
    ours, theirs = pty.openpty()
    arguments = ("run", "term", "--image=host", "--rm", "-it", "--restart=Never", "--command", "--")
    script = "read line; test -t 0 && echo terminal $line"
    process = subprocess.Popen(
        [kubectl.path, "--namespace", kubectl.namespace, *arguments, "sh", "-c", script],
        env=dict(kubectl.environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told = b""
    try:
        os.write(ours, b"hello\r")
        while b"terminal hello" not in told:
            told += os.read(ours, 4096)
    finally:
        os.close(ours)
        process.wait(PATIENCE)
    eventually(lambda: kubectl("get", "pods").stdout == "")


def test_attached(kubectl: Program) -> None:
    """The output of a pod until its end, whose log it is too."""
    script = "sleep 1; echo over"
    attach = ("run", "quick", "--image=host", "--attach", "--restart=Never", "--command", "--")
    assert "over\n" in kubectl(*attach, "sh", "-c", script).stdout
    assert phase_of(kubectl, "quick") == "Succeeded"
    assert kubectl("logs", "quick").stdout == "over\n"


def test_wrong_pods(kubectl: Program) -> None:
    """Names, images and pods that cannot be."""
    refused = kubectl("run", "Wrong", "--image=a:1", code=1).stderr
    assert refused.startswith('The Pod "Wrong" is invalid: ')
    assert "a lowercase RFC 1123 subdomain must consist of" in refused
    assert "Invalid image name" in kubectl("run", "wrong", "--image=in valid", code=1).stderr
    kubectl("run", "twice", "--image=host", "--", "sleep", "1000")
    assert kubectl("run", "twice", "--image=host", code=1).stderr == (
        'Error from server (AlreadyExists): pods "twice" already exists\n'
    )
    kubectl("delete", "pod", "twice", "--now", "--wait=false")
    kubectl("run", "nowhere", "--image=no-such-image:1")
    eventually(lambda: kubectl("get", "pod", "nowhere").rows[1][2] in ("ErrImagePull", "ImagePullBackOff"))


def test_overloaded(kubectl: Program) -> None:
    """A pod that fits nowhere waits, and says why."""
    overrides = {"spec": {"containers": [{"name": "big", "image": "host", "resources": {"requests": {"cpu": "900"}}}]}}
    kubectl("run", "big", "--image=host", "--overrides", json.dumps(overrides))
    eventually(lambda: "Insufficient cpu" in kubectl("describe", "pod", "big").stdout)
    assert kubectl("get", "pod", "big").rows[1][1:3] == ["0/1", "Pending"]
