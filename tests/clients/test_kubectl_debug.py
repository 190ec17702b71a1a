"""`kubectl debug`: containers added to running pods, copies of pods, and pods that see a node."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, apply, pod, run, sh, terminal

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: debug}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""
SLEEPS = sh("main", "sleep 1000")
PROCESSES = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done"


def ephemeral(kubectl: Program, name: str) -> dict[str, Any]:
    """The ephemeral container of this name in the pod `one`."""
    containers = kubectl("get", "pod", "one", "-o", "json").json["spec"]["ephemeralContainers"]
    return next(each for each in containers if each["name"] == name)


def debuggers(kubectl: Program) -> list[str]:
    """The pods that debug a node."""
    names = kubectl("get", "pods", "-o", "name").lines
    return [name for name in names if name.startswith("pod/node-debugger-node-1-")]


def test_beside_the_processes_of_a_container(each_kubectl: Program) -> None:
    """The new container sees them, and its terminal is kubectl's; the pod is otherwise as it was."""
    kubectl = each_kubectl
    run(kubectl, pod("one", SLEEPS))
    debug = ("debug", "one", "-it", "--image=host", "--target=main", "-c", "look", "--profile=general")
    with terminal(kubectl, *debug, "--", "sh") as screen:
        screen.expect("try pressing enter.")
        screen.type(f"{PROCESSES}\n")
        screen.expect("sleep 1000")
        screen.type("exit\n")
        screen.end()
        assert b'Targeting container "main".' in screen.output
    assert ephemeral(kubectl, "look")["targetContainerName"] == "main"
    assert ephemeral(kubectl, "look")["securityContext"] == {"capabilities": {"add": ["SYS_PTRACE"]}}
    ended = "jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.reason}"
    eventually(lambda: kubectl("get", "pod", "one", "-o", ended).stdout == "Completed")
    table = kubectl("get", "pod", "one").rows[1]
    assert table[1:4] == ["1/1", "Running", "0"]
    assert "sleep 1000" in kubectl("logs", "one", "-c", "look").stdout


def test_without_attaching(kubectl: Program) -> None:
    """It runs and its log is read; several may be added, none twice, and none for what is not there."""
    run(kubectl, pod("one", SLEEPS))
    begun = kubectl("debug", "one", "--image=host", "--profile=sysadmin", "--attach=false", "--", "echo", "looked")
    name = begun.stdout.rpartition("Defaulting debug container name to ")[2].strip(" .\n")
    eventually(lambda: kubectl("logs", "one", "-c", name).stdout == "looked\n")
    assert ephemeral(kubectl, name)["securityContext"] == {"privileged": True}
    kubectl("debug", "one", "--image=host", "-c", "other", "--attach=false", "--profile=general", "--", "sleep", "1000")
    eventually(lambda: kubectl("exec", "one", "-c", "other", "--", "hostname", code=None).stdout == "one\n")
    twice = kubectl("debug", "one", "--image=host", "-c", "other", "--attach=false", "--", "true", code=1).stderr
    assert 'existing ephemeral containers "other" may not be changed' in twice
    missing = kubectl("debug", "one", "--image=host", "--target=nope", "--attach=false", "--", "true", code=1).stderr
    assert 'targetContainerName: Not found: "nope"' in missing
    missing = kubectl("debug", "nope", "--image=host", code=1).stderr
    assert 'pods "nope" not found' in missing


def test_a_copy(kubectl: Program) -> None:
    """Another command and image for one of its containers; or a new one that shares the processes of the others."""
    apply(kubectl, pod("crash", sh("main", "exit 1"), {**sh("side", "sleep 1000"), "image": "nowhere:1"}))
    asked = ("debug", "crash", "--copy-to=copy", "--set-image=*=host", "--container=main", "--attach=false")
    kubectl(*asked, "--", "sh", "-c", "echo copied; sleep 1000")
    kubectl("wait", "--for=condition=Ready", "pod/copy", WAIT)
    assert kubectl("logs", "copy", "-c", "main").stdout == "copied\n"
    images = "jsonpath={.spec.containers[*].image}"
    assert kubectl("get", "pod", "copy", "-o", images).stdout == "host host"
    assert kubectl("get", "pod", "crash", "-o", images).stdout == "host nowhere:1"
    assert kubectl("get", "pod", "copy", "-o", "jsonpath={.metadata.labels}").stdout == ""

    run(kubectl, pod("one", SLEEPS))
    shared = ("debug", "one", "--copy-to=seen", "--image=host", "-c", "eyes", "--share-processes", "--same-node")
    kubectl(*shared, "--attach=false", "--", "sleep", "2000")
    kubectl("wait", "--for=condition=Ready", "pod/seen", WAIT)
    seen = kubectl("exec", "seen", "-c", "eyes", "--", "sh", "-c", PROCESSES).stdout
    assert "sleep 1000" in seen
    kubectl("debug", "one", "--copy-to=moved", "--replace", "--image=host", "--attach=false", "--", "sleep", "2000")
    eventually(lambda: 'pods "one" not found' in kubectl("get", "pod", "one", code=None).stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="the machine's files and network need root")
def test_a_node(kubectl: Program) -> None:
    """A pod in the node's network, with the machine's files under /host."""
    kubectl("debug", "node/node-1", "--image=host", "--profile=general", "--attach=false", "--", "sleep", "1000")
    (name,) = debuggers(kubectl)
    kubectl("wait", "--for=condition=Ready", name, WAIT)
    body = kubectl("get", name, "-o", "json").json
    spec = body["spec"]
    assert (spec["nodeName"], spec["hostNetwork"], spec["hostPID"], spec["hostIPC"]) == ("node-1", True, True, True)
    assert {"name": "host-root", "hostPath": {"path": "/", "type": ""}} in spec["volumes"]
    assert "usr" in kubectl("exec", name, "--", "ls", "/host").lines
    assert kubectl("exec", name, "--", "hostname").stdout == "node-1\n"
    address = "jsonpath={.status.addresses[?(@.type=='InternalIP')].address}"
    assert body["status"]["podIP"] == kubectl("get", "node", "node-1", "-o", address).stdout
    kubectl("delete", name)
    with terminal(kubectl, "debug", "node/node-1", "-it", "--image=host", "--profile=sysadmin", "--", "sh") as screen:
        screen.expect("try pressing enter.")
        screen.type("chroot /host readlink /proc/self/root; exit\n")
        screen.expect("\r\n/\r\n")
        screen.end()
        assert b"Creating debugging pod node-debugger-node-1-" in screen.output
    missing = kubectl("debug", "node/nope", "--image=host", code=1).stderr
    assert missing == 'Error from server (NotFound): nodes "nope" not found\n'
