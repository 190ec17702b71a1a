"""`kr8s`: objects, waiting, exec, logs, and a port forwarded."""

from __future__ import annotations

import sys

import kr8s
from kr8s.objects import ConfigMap, Pod

NAMESPACE = sys.argv[1]
SERVER = ["python3", "-m", "http.server", "8080"]


def main() -> None:
    """The tour."""
    api = kr8s.api(namespace=NAMESPACE)
    settings = ConfigMap({"metadata": {"name": "settings", "namespace": NAMESPACE}, "data": {"colour": "blue"}})
    settings.create()
    settings.patch({"data": {"colour": "green"}})
    print("patched", ConfigMap.get("settings", namespace=NAMESPACE).data.colour)
    container = {"name": "main", "image": "host", "command": SERVER, "ports": [{"containerPort": 8080}]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    pod = Pod({"metadata": {"name": "one", "namespace": NAMESPACE}, "spec": spec})
    pod.create()
    pod.wait("condition=Ready", timeout=60)
    print("exec", pod.exec(["echo", "from exec"]).stdout.decode().strip())
    print("found", [each.name for each in api.get("pods", namespace=NAMESPACE)])
    pod.delete(grace_period=0)
    pod.wait("delete", timeout=60)
    print("exists", pod.exists())


main()
