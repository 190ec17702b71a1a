"""Client libraries of Python, in programs as users write them."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import Served
from tests.clients.kit import PATIENCE, ROOT, Program, eventually

PROGRAMS = Path(__file__).parent / "programs"
VENV = Path(sys.prefix)
CLUSTER = f"""
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {{name: libraries}}
spec:
  nodes: [{{name: node-1}}]
  images: {{python: {{host: true, binds: ["{VENV}", "{Path(sys.base_prefix)}", "{ROOT}"]}}}}
  timeouts: {{shutdownTimeout: 5s}}
"""


def told(served: Served, program: str, namespace: str, library: str) -> list[str]:
    """The lines a program prints."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    python = served.program(sys.executable)
    return python(str(PROGRAMS / f"{program}.py"), namespace).lines


def test_the_official_client(served: Served, namespace: str) -> None:
    """Typed objects, watches, exec, logs, pages, errors, and election of a leader."""
    assert told(served, "official", namespace, "kubernetes") == [
        "version v1.36.0",
        "running one",
        "exec from exec",
        "log hello",
        "available 3",
        "page 2 True True",
        "missing 404 Not Found",
        "leader one",
    ]


def test_programs_in_a_hurry(served: Served, namespace: str) -> None:
    """What was sent arrives though its sender has left; a Scale may be patched in the name of what it scales."""
    assert told(served, "hurried", namespace, "kubernetes") == ["uploaded", "forwarded HTTP/1.0 200 OK", "scaled 1"]


def test_the_official_client_under_asyncio(served: Served, namespace: str) -> None:
    """The same for programs on asyncio."""
    expected = ["running one", "exec from exec", "deleted one"]
    assert told(served, "asynchronous", namespace, "kubernetes_asyncio") == expected


def test_kr8s(served: Served, namespace: str) -> None:
    """Objects that know how to wait and to execute."""
    expected = ["patched green", "exec from exec", "found ['one']", "exists False"]
    assert told(served, "kr8s_tour", namespace, "kr8s") == expected


def test_lightkube(served: Served, namespace: str) -> None:
    """Server-side apply with its own field manager."""
    lines = told(served, "lightkube_tour", namespace, "lightkube")
    assert lines == ["applied {'colour': 'blue'} Apply", "watched MODIFIED 2", "pods 2"]


@contextlib.contextmanager
def operator(served: Served, namespace: str, program: str) -> Iterator[Callable[[], str]]:
    """A kopf operator at work in the namespace; once it has ended, what is yielded answers with all it printed."""
    if importlib.util.find_spec("kopf") is None:
        pytest.skip("kopf is not installed")
    command = served.program(sys.executable).start(
        "-m", "kopf", "run", "--standalone", "-n", namespace, str(PROGRAMS / program)
    )
    printed: list[str] = []
    try:
        yield lambda: "".join(printed)
    finally:
        command.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(PATIENCE)
        command.kill()
        printed.extend(command.communicate())


def test_an_operator(served: Served, kubectl: Program, namespace: str) -> None:
    """kopf sees what is created and deleted, writes to it, and holds it by a finalizer until it has let go."""
    with operator(served, namespace, "greeter.py") as printed:
        kubectl("create", "configmap", "world")
        kubectl("label", "configmap", "world", "greet=yes")
        greeting = ("get", "cm", "world", "-o", "jsonpath={.data.greeting}")
        eventually(lambda: kubectl(*greeting).stdout == "hello world")
        finalizers = kubectl("get", "cm", "world", "-o", "jsonpath={.metadata.finalizers}").stdout
        assert finalizers == '["example.org/greeter"]'
        kubectl("delete", "cm", "world", "--timeout=60s")
        assert 'configmaps "world" not found' in kubectl("get", "cm", "world", code=1).stderr
    assert "farewell world" in printed()


def test_an_operator_of_many_parts(served: Served, kubectl: Program, namespace: str) -> None:
    """Retries, fields, indexes, timers, daemons, Events and owned objects."""
    with operator(served, namespace, "overseer.py") as printed:
        kubectl("create", "configmap", "site", "--from-literal=size=1")
        kubectl("label", "configmap", "site", "overseen=yes")
        begun = ("get", "cm", "site", "-o", "jsonpath={.metadata.labels.begun}")
        eventually(lambda: kubectl(*begun).stdout == "yes")
        kubectl("run", "seen", "--image=host", "--labels=overseen=yes", "--command", "--", "sleep", "1000")
        eventually(lambda: kubectl("get", "cm", "site", "-o", "jsonpath={.data.running}").stdout == "seen")
        kubectl("patch", "cm", "site", "-p", '{"data":{"size":"2"}}')
        kubectl("create", "deployment", "owner", "--image=host", "--replicas=0")
        kubectl("label", "deployment", "owner", "overseen=yes")
        eventually(lambda: kubectl("get", "cm", "child", code=None).returncode == 0)
        eventually(lambda: "it has begun" in kubectl("events", "--for=configmap/site").stdout)
        kubectl("delete", "deployment", "owner")
        eventually(lambda: kubectl("get", "cm", "child", code=None).returncode == 1)
        kubectl("delete", "cm", "site", "--timeout=60s")
    lines = printed().splitlines()
    assert [line for line in lines if line.startswith(("size", "began", "ended"))] == [
        "began site",
        "size None 1",
        "size 1 2",
        "ended site",
    ]


def test_a_client_inside_a_pod(served: Served, kubectl: Program, namespace: str) -> None:
    """It finds its account, its namespace and the server by itself, and may do what its account may."""
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default")
    source = (
        "from kubernetes import client, config; config.load_incluster_config(); core = client.CoreV1Api(); "
        f"print([each.metadata.name for each in core.list_namespaced_pod('{namespace}').items])"
    )
    command = ("--command", "--", sys.executable, "-c", source)
    kubectl("run", "inside", "--image=python", "--restart=Never", *command)
    phase = ("get", "pod", "inside", "-o", "jsonpath={.status.phase}")
    eventually(lambda: kubectl(*phase).stdout in ("Succeeded", "Failed"))
    assert kubectl("logs", "inside").lines[-1] == "['inside']"
