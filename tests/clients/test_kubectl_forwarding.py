"""Ways to what listens in pods: `kubectl port-forward`, `kubectl proxy`, `get --raw` of proxies, names of services."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_actors.records import frozen
from tests.clients.kit import PATIENCE, Program, eventually
from tests.clients.running_things import Body, apply, deployment, run, started, with_environment
from tests.clients.running_things import pod as pod_of

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: forwarding}
spec:
  nodes: [{name: node-1}]
  timeouts: {shutdownTimeout: 5s}
"""
PAGES = {
    "name": "main",
    "image": "host",
    "command": ["sh", "-c", "mkdir /tmp/www; cd /tmp/www; hostname > name; exec python3 -m http.server 8080"],
    "ports": [{"name": "http", "containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/name", "port": 8080}, "periodSeconds": 1},
}
ECHO_PROGRAM = """
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
socketserver.ThreadingTCPServer.request_queue_size = 100
socketserver.ThreadingTCPServer(("", 9000), Echo).serve_forever()
"""
ECHO = {
    "name": "main",
    "image": "host",
    "command": ["python3", "-c", ECHO_PROGRAM],
    "ports": [{"name": "echo", "containerPort": 9000}],
    "readinessProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 1},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "shut", "port": 81, "targetPort": 9}],
    },
}


@pytest.fixture(params=["websocket", "spdy"])
def over(kubectl: Program, request: pytest.FixtureRequest) -> Program:
    """kubectl over each of its two protocols for streams."""
    return with_environment(kubectl, KUBECTL_PORT_FORWARD_WEBSOCKETS=str(request.param == "websocket").lower())


def site(kubectl: Program) -> str:
    """A service `web` of one pod; the pod's name."""
    apply(kubectl, deployment("web", PAGES), SERVICE)
    kubectl("rollout", "status", "deploy/web")
    return kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}").stdout


@frozen
class Forwarding:
    """A port-forward under way, and the local ports by those of the pod."""

    process: subprocess.Popen[str]
    ports: dict[int, int]


@contextlib.contextmanager
def forwarding(kubectl: Program, *arguments: str, ports: int = 1) -> Iterator[Forwarding]:
    """Forward that many ports for as long as the block runs."""
    with started(kubectl, "port-forward", "--address=127.0.0.1", *arguments) as process:
        assert process.stdout is not None
        found: dict[int, int] = {}
        while len(found) < ports:
            line = process.stdout.readline()
            told = re.fullmatch(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)\n", line)
            assert told, (line, process.stderr and process.stderr.read())
            found[int(told[2])] = int(told[1])
        yield Forwarding(process, found)


def fetched(url: str, **headers: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def echoed(port: int, data: bytes) -> bytes:
    """Send everything, then read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                answer += piece
        sender.join()
        return answer


@pytest.mark.parametrize("target", ["deploy/web :8080", "svc/web :80", "svc/web :http"])
def test_forward_to_what_has_pods(each_kubectl: Program, target: str) -> None:
    """A Deployment's port is its pod's; a service's is translated, by number and by name."""
    kubectl = each_kubectl
    name = site(kubectl)
    with forwarding(kubectl, *target.split()) as forward:
        assert fetched(f"http://127.0.0.1:{forward.ports[8080]}/name") == (200, f"{name}\n")


def test_many_connections(over: Program) -> None:
    """Thirty at once, a megabyte each way through each, every byte where it belongs."""
    run(over, pod_of("echo", ECHO))
    with forwarding(over, "pod/echo", ":echo") as forward:
        wrong: list[int] = []

        def talk(number: int) -> None:
            data = os.urandom(1_000_000)
            if echoed(forward.ports[9000], data) != data:
                wrong.append(number)

        talkers = [threading.Thread(target=talk, args=(number,)) for number in range(30)]
        for talker in talkers:
            talker.start()
        for talker in talkers:
            talker.join()
        assert wrong == []


def test_several_ports_and_one_that_is_shut(over: Program) -> None:
    """Each has its own local port; kubectl gives up when nothing listens behind one, and says what was refused."""
    run(over, pod_of("echo", ECHO))
    with forwarding(over, "echo", ":9000", ":9001", ports=2) as forward:
        assert echoed(forward.ports[9000], b"hello") == b"hello"
        assert echoed(forward.ports[9001], b"") == b""
        _, told = forward.process.communicate(timeout=PATIENCE)
        assert f"an error occurred forwarding {forward.ports[9001]} -> 9001: error forwarding port 9001 to pod" in told
        assert "127.0.0.1:9001: connect: connection refused" in told
        assert told.endswith("error: lost connection to pod\n")
        assert forward.process.returncode == 1


def test_a_pod_that_goes(kubectl: Program) -> None:
    """New connections fail, and kubectl ends."""
    run(kubectl, pod_of("echo", ECHO))
    with forwarding(kubectl, "echo", ":9000") as forward:
        assert echoed(forward.ports[9000], b"hello") == b"hello"
        kubectl("delete", "pod", "echo", "--now")

        def is_lost() -> bool:
            with contextlib.suppress(OSError):
                assert echoed(forward.ports[9000], b"hello") == b""
            return forward.process.poll() is not None

        eventually(is_lost)
        assert forward.process.returncode == 1


def test_what_cannot_be_forwarded(kubectl: Program) -> None:
    """No such pod, no such port, no running pod."""
    apply(kubectl, pod_of("unbound", ECHO, nodeSelector={"no": "such"}))
    missing = kubectl("port-forward", "nope", ":80", code=1).stderr
    assert missing == 'Error from server (NotFound): pods "nope" not found\n'
    pending = kubectl("port-forward", "unbound", ":9000", code=1).stderr
    assert pending == "error: unable to forward port because pod is not running. Current status=Pending\n"
    site(kubectl)
    assert "Service web does not have a service port 82" in kubectl("port-forward", "svc/web", ":82", code=1).stderr


def test_raw_proxies(each_kubectl: Program) -> None:
    """To a port of a pod, of a service by number and by name, and to the node; and what stands in their way."""
    kubectl = each_kubectl
    name = site(kubectl)
    here = f"/api/v1/namespaces/{kubectl.namespace}"
    for path in (f"pods/{name}:8080", f"pods/http:{name}:8080", "services/web:80", "services/http:web:http"):
        assert kubectl("get", "--raw", f"{here}/{path}/proxy/name").stdout == f"{name}\n"
    refused = kubectl("get", "--raw", f"{here}/services/web:shut/proxy/", code=1).stderr
    assert refused.startswith("Error from server (ServiceUnavailable): error trying to reach service: dial tcp ")
    assert refused.endswith(":9: connect: connection refused\n")
    assert "not found" in kubectl("get", "--raw", f"{here}/services/nope:80/proxy/", code=1).stderr
    absent = kubectl("get", "--raw", f"{here}/pods/{name}:8080/proxy/nope", code=1).stderr
    assert absent == "Error from server (NotFound): the server could not find the requested resource\n"
    assert kubectl("get", "--raw", "/api/v1/nodes/node-1/proxy/healthz").stdout == "ok"
    pods: Body = json.loads(kubectl("get", "--raw", "/api/v1/nodes/node-1/proxy/pods").stdout)
    assert name in [each["metadata"]["name"] for each in pods["items"]]


def test_kubectl_proxy(kubectl: Program, tmp_path: Path) -> None:
    """The API without credentials on a local port, for hosts that are accepted; files beside it; no exec through it."""
    name = site(kubectl)
    here = f"/api/v1/namespaces/{kubectl.namespace}"
    (tmp_path / "page").write_text("a file")
    with started(kubectl, "proxy", "--port=0", f"--www={tmp_path}") as proxy:
        assert proxy.stdout is not None
        base = "http://" + proxy.stdout.readline().rpartition(" ")[2].strip()
        status, body = fetched(f"{base}{here}/pods")
        assert (status, [each["metadata"]["name"] for each in json.loads(body)["items"]]) == (200, [name])
        assert fetched(f"{base}{here}/pods/{name}:8080/proxy/name") == (200, f"{name}\n")
        assert fetched(f"{base}{here}/services/web:http/proxy/name") == (200, f"{name}\n")
        assert fetched(f"{base}{here}/pods/nope")[0] == 404
        assert fetched(f"{base}/static/page") == (200, "a file")
        assert fetched(f"{base}/api", Host="evil.example") == (403, "Forbidden\n")
        assert fetched(f"{base}{here}/pods/{name}/exec?command=ls") == (403, "Forbidden\n")
        status, events = fetched(f"{base}{here}/pods?watch=1&timeoutSeconds=1")
        assert (status, json.loads(events.splitlines()[0])["object"]["metadata"]["name"]) == (200, name)


def test_names_of_services(kubectl: Program) -> None:
    """Short and long, as a pod sees them; and what has no name."""
    name = site(kubectl)
    address = kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}").stdout
    ask = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    for host in ("web", f"web.{kubectl.namespace}", f"web.{kubectl.namespace}.svc.cluster.local"):
        assert kubectl("exec", name, "--", "python3", "-c", ask, host).stdout == f"{address}\n"
    assert kubectl("exec", name, "--", "python3", "-c", ask, "kubernetes.default").returncode == 0
    assert "Name or service not known" in kubectl("exec", name, "--", "python3", "-c", ask, "nope", code=1).stderr
    hosts = kubectl("exec", name, "--", "cat", "/etc/hosts").lines
    assert [line.split()[1] for line in hosts].count(name) == 1
