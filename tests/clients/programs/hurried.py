"""`kubernetes`, by programs in a hurry: they send and hang up, send more than is asked for, and read less."""

from __future__ import annotations

import sys
import time
from typing import Any

from kubernetes import client, config, dynamic
from kubernetes.stream import portforward, stream

NAMESPACE = sys.argv[1]
SERVER = ["python3", "-m", "http.server", "8080"]
UPLOAD = "x" * 1_000_000


def run_in_pod(core: Any, *command: str, **options: Any) -> Any:
    """Run a command in the pod."""
    streams = {"stdin": True, "stdout": True, "stderr": True, "tty": False}
    return stream(core.connect_get_namespaced_pod_exec, "one", NAMESPACE, command=list(command), **streams, **options)


def upload(core: Any) -> None:
    """Write a file of the pod as copying modules do: send it, hang up, and trust that it arrives."""
    session = run_in_pod(core, "sh", "-c", "cat > /tmp/part; mv /tmp/part /tmp/whole", _preload_content=False)
    session.write_stdin(UPLOAD)
    session.close()
    for _ in range(300):
        if len(run_in_pod(core, "sh", "-c", "cat /tmp/whole 2>/dev/null").strip()) == len(UPLOAD):
            print("uploaded")
            return
        time.sleep(0.1)


def forward(core: Any) -> None:
    """A request through a forwarded port, and what is told of one where nobody listens."""
    request = b"GET / HTTP/1.0\r\n\r\n"
    for _ in range(300):
        forwarded = portforward(core.connect_get_namespaced_pod_portforward, "one", NAMESPACE, ports="8080")
        connection = forwarded.socket(8080)
        connection.setblocking(True)
        connection.sendall(request)
        answer = connection.recv(15)
        connection.close()
        if answer:
            print("forwarded", answer.decode())
            return
        time.sleep(0.1)


def scale(api: Any) -> None:
    """Scale as ansible's modules do: a strategic merge patch that names the kind of what is scaled."""
    deployments = dynamic.DynamicClient(api).resources.get(api_version="apps/v1", kind="Deployment")
    labels = {"app": "web"}
    spec = {"containers": [{"name": "main", "image": "host", "command": SERVER}], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": labels}, "spec": spec}
    deployment = {"metadata": {"name": "web"}, "spec": {"replicas": 0, "selector": {"matchLabels": labels}}}
    deployment["spec"]["template"] = template
    deployments.create(namespace=NAMESPACE, body=deployment)
    sent = {"kind": "Deployment", "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {"replicas": 1}}
    print("scaled", deployments.scale.patch(body=sent).spec.replicas)


def main() -> None:
    """The tour."""
    config.load_kube_config()
    core = client.CoreV1Api()
    container = {"name": "main", "image": "host", "command": SERVER}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    core.create_namespaced_pod(NAMESPACE, {"metadata": {"name": "one"}, "spec": spec})
    while core.read_namespaced_pod_status("one", NAMESPACE).status.phase != "Running":
        time.sleep(0.1)
    upload(core)
    forward(core)
    scale(client.ApiClient())


main()
