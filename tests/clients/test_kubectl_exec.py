"""`kubectl exec`, `attach`, `run -it` and `cp`: programs in containers, their streams, terminals and files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.clients.kit import Program, eventually
from tests.clients.running_things import (
    apply,
    deployment,
    piped,
    pod,
    run,
    sh,
    started,
    terminal,
    with_environment,
)

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: exec}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""
SLEEPS = sh("main", "sleep 1000")
INTERNAL = "Internal error occurred: error executing command in container: failed to exec in container: exec:"
PROCESSES = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done"


@pytest.fixture(params=["websocket", "spdy"])
def over(kubectl: Program, request: pytest.FixtureRequest) -> Program:
    """kubectl over each of its two protocols for streams."""
    return with_environment(kubectl, KUBECTL_REMOTE_COMMAND_WEBSOCKETS=str(request.param == "websocket").lower())


def test_a_command_and_its_exit_code(each_kubectl: Program) -> None:
    """stdout and stderr apart, the exit code passed on, by a signal too; in a container, or one of a Deployment."""
    kubectl = each_kubectl
    run(kubectl, pod("two", SLEEPS, sh("side", "sleep 1000", env=[{"name": "WHO", "value": "side"}])))
    done = kubectl("exec", "two", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    assert (done.stdout, done.stderr) == ("out\n", "err\ncommand terminated with exit code 7\n")
    killed = kubectl("exec", "two", "-c", "main", "--", "sh", "-c", "kill -9 $$", code=137)
    assert killed.stderr == "command terminated with exit code 137\n"
    assert kubectl("exec", "two", "-c", "side", "--", "sh", "-c", "echo $WHO").stdout == "side\n"
    first = kubectl("exec", "two", "--", "hostname")
    assert (first.stdout, first.stderr) == ("two\n", 'Defaulted container "main" out of: main, side\n')
    apply(kubectl, deployment("web", SLEEPS))
    kubectl("rollout", "status", "deploy/web")
    assert kubectl("exec", "deploy/web", "--", "hostname").stdout.startswith("web-")


def test_what_cannot_be_executed(each_kubectl: Program) -> None:
    """A command, a container, a pod that is not there, not yet, or not any more."""
    kubectl = each_kubectl
    ended = pod("ended", sh("main", "true"), restartPolicy="Never")
    waiting = pod("waiting", sh("main", "true"), initContainers=[sh("setup", "sleep 1000")])
    apply(kubectl, waiting, ended, pod("unbound", SLEEPS, nodeSelector={"no": "such"}))
    run(kubectl, pod("one", SLEEPS))
    unknown = kubectl("exec", "one", "--", "nonesuch", code=1).stderr
    assert unknown == f'error: {INTERNAL} "nonesuch": executable file not found in $PATH\n'
    no_program = kubectl("exec", "one", "--", "/etc/passwd", code=1).stderr
    assert no_program == f'error: {INTERNAL} "/etc/passwd": permission denied\n'
    assert kubectl("exec", "one", "--", "sh", "-c", "nonesuch", code=127).stderr.endswith("exit code 127\n")
    assert "container nope is not valid for pod one" in kubectl("exec", "one", "-c", "nope", "--", "ls", code=1).stderr
    missing = kubectl("exec", "nope", "--", "ls", code=1).stderr
    assert missing == 'Error from server (NotFound): pods "nope" not found\n'
    not_yet = 'error: unable to upgrade connection: container not found ("main")\n'
    eventually(lambda: kubectl("exec", "waiting", "-c", "main", "--", "ls", code=1).stderr == not_yet)
    assert "pod unbound does not have a host assigned" in kubectl("exec", "unbound", "--", "ls", code=1).stderr
    kubectl("wait", "pod/ended", "--for=jsonpath={.status.phase}=Succeeded")
    completed = kubectl("exec", "ended", "--", "ls", code=1).stderr
    assert completed == "error: cannot exec into a container in a completed pod; current phase is Succeeded\n"


def test_bytes_go_through_unchanged(over: Program) -> None:
    """Five million in and out again; a command that takes little of them, and one that fails meanwhile."""
    run(over, pod("one", SLEEPS))
    data = os.urandom(5_000_000)
    assert piped(over, "exec", "-i", "one", "--", "cat", data=data) == (0, data)
    expected = (0, f"{hashlib.sha256(data).hexdigest()}  -\n".encode())
    assert piped(over, "exec", "-i", "one", "--", "sha256sum", data=data) == expected
    assert piped(over, "exec", "-i", "one", "--", "head", "-c", "3", data=data) == (0, data[:3])
    assert piped(over, "exec", "-i", "one", "--", "sh", "-c", "exit 9", data=data) == (9, b"")
    assert piped(over, "exec", "-i", "one", "--", "cat") == (0, b"")


def test_a_shell_in_a_terminal(over: Program) -> None:
    """It has the window's size, from the beginning and later; keys are signals; its exit code is kubectl's."""
    run(over, pod("one", SLEEPS))
    with terminal(over, "exec", "-it", "one", "--", "sh", rows=33, columns=111) as screen:
        screen.expect("# ")
        screen.type("stty size\n")
        screen.expect("33 111\r\n")
        screen.resize(44, 122)

        def is_resized() -> bool:
            screen.type("stty size\n")
            screen.expect("\r\n# ")
            return b"44 122\r\n" in screen.output

        eventually(is_resized)
        screen.type("echo $((1000 + 1)) && cat\n")
        screen.expect("1001\r\n")  # all that was typed before has been answered
        screen.type("echoed\n")
        screen.expect("echoed\r\nechoed\r\n")
        screen.type("\x03")
        screen.expect("# ")
        screen.type("exit 5\n")
        assert screen.end() == 5
        assert screen.output.endswith(b"command terminated with exit code 5\r\n")


def test_a_command_outlives_a_client_that_is_killed(over: Program) -> None:
    """It hears the end of its input and goes on, as in Kubernetes; with a terminal it is hung up on."""
    run(over, pod("one", SLEEPS))

    def said(file: str) -> str:
        return over("exec", "one", "--", "sh", "-c", f"cat /tmp/{file} 2>/dev/null; true").stdout

    with started(over, "exec", "-i", "one", "--", "sh", "-c", "echo begun > /tmp/plain; cat; echo alone > /tmp/plain"):
        eventually(lambda: said("plain") == "begun\n")
    eventually(lambda: said("plain") == "alone\n")
    with terminal(over, "exec", "-it", "one", "--", "sh") as screen:
        screen.type("echo begun > /tmp/typed; sleep 4242\n")
        eventually(lambda: said("typed") == "begun\n")
    eventually(lambda: "sleep 4242" not in over("exec", "one", "--", "sh", "-c", PROCESSES).stdout)


def test_attach(over: Program) -> None:
    """To a shell that runs: it goes on when its client detaches, and ends when it is told to."""
    shell = {"name": "main", "image": "host", "command": ["sh"], "stdin": True, "tty": True}
    run(over, pod("shell", shell, restartPolicy="Never"))
    with terminal(over, "attach", "-it", "shell") as first:
        first.expect("try pressing enter.")
        first.type("x=5\n")
        first.expect("# ")
    with terminal(over, "attach", "-it", "shell", "-q") as second:
        second.type("echo $x$x\n")
        second.expect("55\r\n")
        second.type("exit 3\n")
        second.end()
    exit_code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    eventually(lambda: over("get", "pod", "shell", "-o", exit_code).stdout == "3")
    completed = over("attach", "shell", code=1).stderr
    assert "cannot attach a container in a completed pod; current phase is Failed" in completed


def test_attach_to_output(kubectl: Program) -> None:
    """What is printed from now on, until the container ends."""
    script = "until test -e /tmp/go; do sleep 0.05; done; echo out; echo err >&2"
    run(kubectl, pod("one", sh("main", script), restartPolicy="Never"))
    with started(kubectl, "attach", "one") as attached:
        assert attached.stderr is not None
        while "press" not in attached.stderr.readline():
            pass
        kubectl("exec", "one", "--", "sh", "-c", "sleep 0.5; touch /tmp/go", code=None)  # it may end with the container
        out, err = attached.communicate(timeout=60)
        assert (out, err) == ("out\n", "err\n")
        assert attached.returncode == 0


def is_gone(kubectl: Program) -> bool:
    """Whether no pod is there any more: kubectl does not wait for the end of what it removes."""
    return kubectl("get", "pods", "-o", "name").stdout == ""


def test_run_and_remove(each_kubectl: Program) -> None:
    """A pod for one command: its output, its exit code, and it is gone."""
    kubectl = each_kubectl
    once = ("run", "once", "--image=host", "--restart=Never", "--rm")
    with terminal(kubectl, *once, "-it", "--command", "--", "sh", "-c", "read x; echo got $x; exit 4") as screen:
        screen.expect("try pressing enter.")
        screen.type("this\n")
        screen.expect("got this\r\n")
        assert screen.end() == 4
        assert b'pod "once" deleted' in screen.output
        assert b"once terminated (Error)" in screen.output
    eventually(lambda: is_gone(kubectl))
    quiet = (*once, "-i", "-q", "--command", "--", "sh", "-c", "tr a-z A-Z")
    assert kubectl(*quiet, stdin="hello\n").stdout == "HELLO\n"
    eventually(lambda: is_gone(kubectl))
    data = os.urandom(2_000_000)
    expected = (0, f"{hashlib.sha256(data).hexdigest()}  -\n".encode())
    assert piped(kubectl, *once, "-i", "-q", "--command", "--", "sha256sum", data=data) == expected


NEEDS_USERS = pytest.mark.skipif(os.geteuid() != 0, reason="files of several users need root")


@NEEDS_USERS
def test_copy_files(each_kubectl: Program, tmp_path: Path) -> None:
    """A file and a directory there and back; links are not followed out of the pod; what is missing is an error."""
    kubectl = each_kubectl
    run(kubectl, pod("one", SLEEPS, sh("side", "sleep 1000")))
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_text("deep down")
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o755)
    (source / "link").symlink_to("tool")
    kubectl("cp", str(source), "one:/tmp/copied")
    there = kubectl("exec", "one", "--", "sh", "-c", "cd /tmp/copied; cat deep/file; stat -c %a tool; readlink link")
    assert there.stdout == "deep down755\ntool\n"
    back = kubectl("cp", f"{kubectl.namespace}/one:/tmp/copied", str(tmp_path / "back"))
    assert (tmp_path / "back" / "deep" / "file").read_text() == "deep down"
    assert not (tmp_path / "back" / "link").exists()
    assert "skipping symlink" in back.stderr
    kubectl("cp", str(source / "tool"), "one:relative", "-c", "side")
    assert kubectl("exec", "one", "-c", "side", "--", "cat", "/relative").stdout == "#!/bin/sh\n"
    assert kubectl("cp", "/no/such/file", "one:/tmp/x", code=1).stderr.endswith("doesn't exist in local filesystem\n")
    nowhere = kubectl("cp", str(source / "tool"), "one:/no/such/directory/tool", code=None)
    assert nowhere.returncode != 0
    assert "No such file or directory" in nowhere.stderr
    assert 'pods "nope" not found' in kubectl("cp", str(source / "tool"), "nope:/x", code=1).stderr


@NEEDS_USERS
def test_copy_a_large_file(over: Program, tmp_path: Path) -> None:
    """Twenty million bytes, the same when they come back."""
    run(over, pod("one", SLEEPS))
    large = tmp_path / "large"
    large.write_bytes(os.urandom(20_000_000))
    over("cp", str(large), "one:/tmp/large", "--retries=3")
    over("cp", "one:/tmp/large", str(tmp_path / "again"), "--retries=3")
    assert (tmp_path / "again").read_bytes() == large.read_bytes()
