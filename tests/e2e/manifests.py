"""Pods, Deployments and Services as the tests write them: short grace, probes every second, real programs."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: e2e}
spec:
  nodes: [{name: node, count: 2}]
  timeouts: {nodeHeartbeat: 1s, nodeGracePeriod: 4s, defaultToleration: 5s, shutdownTimeout: 10s}
"""

SERVER = r'''
"""Answers with its pod's name and version; on SIGTERM answers what it accepted and what still comes, then ends."""
import os, select, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    def do_GET(self):
        body = f"{os.environ['POD_NAME']} {os.environ.get('VERSION', '')}\n".encode()
        self.send_response(200 if self.path != "/fails" else 503)
        self.send_header("Content-Length", str(len(body)))
        if ending.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True
    def process_request(self, request, client_address):
        with busy:
            active.add(request)
        super().process_request(request, client_address)
    def shutdown_request(self, request):
        super().shutdown_request(request)
        with busy:
            active.discard(request)
            busy.notify_all()

def end():
    ending.set()
    while select.select([server], [], [], 0.2)[0]:
        time.sleep(0.05)  # on a busy machine there may still be connections to accept
    server.shutdown()

ending, busy, active = threading.Event(), threading.Condition(), set()
server = Server((os.environ.get("POD_IP", ""), 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end).start())
print("serving", flush=True)
server.serve_forever(poll_interval=0.05)
with busy:
    busy.wait_for(lambda: not active, timeout=20)
os._exit(0)
'''

SERVER_FILES = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "server"}, "data": {"server.py": SERVER}}


def shell(script: str, *, name: str = "main", **fields: Any) -> Body:
    """A container that runs a shell script with the machine's programs."""
    return {"name": name, "image": "host", "command": ["/bin/sh", "-c", script], **fields}


def sleeper(name: str = "main", **fields: Any) -> Body:
    """A container that does nothing, and ends at once on SIGTERM."""
    return shell("trap 'exit 0' TERM; sleep 1000 & wait", name=name, **fields)


def pod(name: str, *containers: Body, labels: dict[str, str] | None = None, **spec: Any) -> Body:
    """A pod with a grace of two seconds; without containers it sleeps."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"terminationGracePeriodSeconds": 2, "containers": list(containers) or [sleeper()], **spec},
    }


def field(path: str) -> Body:
    """An environment variable's `valueFrom` of the downward API."""
    return {"fieldRef": {"fieldPath": path}}


def server_container(version: str = "1", **fields: Any) -> Body:
    """A web server on port 8080 of the pod's address, ready when it answers."""
    return {
        "name": "main",
        "image": "host",
        "command": ["python3", "-S", "/app/server.py"],
        "env": [
            {"name": "VERSION", "value": version},
            {"name": "POD_NAME", "valueFrom": field("metadata.name")},
            {"name": "POD_IP", "valueFrom": field("status.podIP")},
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "app", "mountPath": "/app"}],
        **fields,
    }


SERVER_VOLUMES = [{"name": "app", "configMap": {"name": "server"}}]


def deployment(name: str, template: Body, replicas: int = 3, **spec: Any) -> Body:
    """A Deployment of pods labelled `app: NAME` with this pod spec."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template},
            **spec,
        },
    }


def web(name: str = "web", version: str = "1", replicas: int = 3, **spec: Any) -> Body:
    """A Deployment of web servers; its ConfigMap is `SERVER_FILES`."""
    template = {
        "terminationGracePeriodSeconds": 30,
        "containers": [server_container(version)],
        "volumes": SERVER_VOLUMES,
    }
    return deployment(name, template, replicas, **spec)


def service(name: str, *, port: int = 80, target: int | str = "http", **spec: Any) -> Body:
    """A Service over the pods labelled `app: NAME`."""
    ports = [{"name": "http", "port": port, "targetPort": target}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports, **spec},
    }


def set_version(spec: Body, version: str) -> None:
    """Change what `web` runs."""
    env = spec["template"]["spec"]["containers"][0]["env"]
    next(variable for variable in env if variable["name"] == "VERSION")["value"] = version
