"""`kube-actors run` and the API: where it listens, what stays over restarts, what it leaves on disk."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from kube_actors.network.machine_networks import machine_addresses
from kube_actors.state import StateDirectory

from .running import PATIENCE, Place, Running

CLUSTERS = [IPv4Network(text) for text in ("10.96.0.0/11", "10.128.0.0/9", "100.64.0.0/10")]
"""Where clusters, and the tests of their parts, have addresses."""
CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: served}
spec:
  nodes: [{name: sim, runtime: simulated}]
"""


@contextlib.contextmanager
def served(place: Place, text: str = CLUSTER) -> Iterator[tuple[Running, Path]]:
    """A running cluster and the path of its kubeconfig."""
    with place.start("run", place.file(text)) as running:
        exported = running.wait_for("export KUBECONFIG=")
        yield running, Path(exported.partition("=")[2].strip("'"))
        running.end()


def asked(path: Path, request: str) -> tuple[str, str]:
    """Status line and body of the answer on a unix socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return head.splitlines()[0], body


def test_port_and_authority_stay(place: Place) -> None:
    """The kubeconfig of the first start is still good after the second."""
    with served(place) as (_, kubeconfig):
        first = kubeconfig.read_text()
        authority = (kubeconfig.parent / "pki").iterdir()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (kubeconfig, *authority)}
        assert {name: mode for name, mode in modes.items() if mode != 0o600} == {}
        told = json.loads(place.call("status", "-o", "json").stdout)[0]
        assert (told["kubeconfig"], f"server: {told['api']}\n" in first) == (str(kubeconfig), True)
    with served(place) as (_, kubeconfig):
        assert kubeconfig.read_text() == first


def test_a_port_of_last_time_that_is_taken(place: Place) -> None:
    """Another one is found, and it is said."""
    with served(place) as (_, kubeconfig):
        port = int((kubeconfig.parent / "api-port").read_text())
    with socket.create_server(("127.0.0.1", port)), served(place) as (running, kubeconfig):
        assert f"https://127.0.0.1:{port}\n" not in kubeconfig.read_text()
        running.wait_for("port of the last time is taken")


def test_a_wanted_port_that_is_taken(place: Place) -> None:
    """Nothing is started; the message names the holder and the place in the file."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        file = place.file(f"{CLUSTER}  api: {{port: {port}}}\n")
        done = place.call_apart("run", file)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} is in use by" in done.stderr
    assert f"{file}:7:" in done.stderr
    assert not place.home.exists() or not list(place.home.iterdir())


def test_other_machines_are_let_in(place: Place) -> None:
    """Where it listens everywhere, its certificate is good for every address of this machine."""
    before = machine_addresses()
    with served(place, f"{CLUSTER}  api: {{host: 0.0.0.0}}\n") as (_, kubeconfig):
        port = int((kubeconfig.parent / "api-port").read_text())
        trust = ssl.create_default_context(cafile=str(kubeconfig.parent / "pki" / "ca.crt"))
        # Addresses of clusters beside this one come and go.
        lasting = [address for address in before if not any(IPv4Address(address) in one for one in CLUSTERS)]
        for address in ("127.0.0.1", *lasting):
            with socket.create_connection((address, port)) as sock, trust.wrap_socket(sock, server_hostname=address):
                pass


def test_an_address_of_another_machine(place: Place) -> None:
    """It is said which part of the file is wrong."""
    file = place.file(f"{CLUSTER}  api: {{host: 203.0.113.9}}\n")
    done = place.call_apart("run", file)
    assert done.returncode == 2
    assert f"{file}:7:9 $.spec.api.host: 203.0.113.9 is not an address of this machine" in done.stderr


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "address"), [("::1", "::1"), ("::", "127.0.0.1")])
def test_listening_by_ipv6(place: Place, host: str, address: str) -> None:
    """Clients reach it there; the Service `kubernetes` leads to an address that goes with its slice."""
    with served(place, f'{CLUSTER}  api: {{host: "{host}"}}\n') as (_, kubeconfig):
        assert "server: https://[::1]:" in kubeconfig.read_text()
        sock = StateDirectory(kubeconfig.parent).api_socket
        endpoint = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        found = json.loads(asked(sock, f"GET {endpoint}")[1])
        assert found["endpoints"][0]["addresses"] == [address]


def test_no_api(place: Place) -> None:
    """Where it is not wanted, nothing listens and no keys are made."""
    with place.start("run", place.file(f"{CLUSTER}  api: {{enabled: false}}\n")) as running:
        running.wait_for("ready in")
        state = place.home / "served"
        assert not (state / "kubeconfig").exists()
        assert not (state / "pki").exists()
        running.end()
        assert not [line for line in running.lines if "KUBECONFIG" in line]


def test_the_owners_socket(place: Place) -> None:
    """Private, without TLS, and whoever opens it is the administrator; what was written is in the audit log."""
    with served(place) as (_, kubeconfig):
        path = StateDirectory(kubeconfig.parent).api_socket
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        status, body = asked(path, "GET /api/v1/namespaces/kube-system")
        assert (status, json.loads(body)["metadata"]["name"]) == ("HTTP/1.1 200 OK", "kube-system")
        status, body = asked(path, "DELETE /api/v1/namespaces/default/configmaps/nope")
        assert status == "HTTP/1.1 404 Not Found"
        log = (kubeconfig.parent / "audit.log").read_text()
        assert [json.loads(line)["code"] for line in log.splitlines()] == [404]
    assert not path.exists()


def test_the_service_of_the_api_stays(place: Place) -> None:
    """Whoever deletes the Service `kubernetes` or its endpoints finds them again, as they were."""
    paths = (
        "/api/v1/namespaces/default/services/kubernetes",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
    )
    with served(place) as (_, kubeconfig):
        sock = StateDirectory(kubeconfig.parent).api_socket
        for path in paths:
            before = json.loads(asked(sock, f"GET {path}")[1])
            assert asked(sock, f"DELETE {path}")[0] == "HTTP/1.1 200 OK"
            deadline, after = time.monotonic() + PATIENCE, before
            while after.get("metadata", {}).get("uid") in (None, before["metadata"]["uid"]):
                assert time.monotonic() < deadline, f"{path} did not come back"
                time.sleep(0.02)
                after = json.loads(asked(sock, f"GET {path}")[1])
            assert [after.get(part) for part in ("spec", "endpoints", "ports")] == [
                before.get(part) for part in ("spec", "endpoints", "ports")
            ]


@pytest.mark.parametrize("mode", ["end", "keep"])
def test_a_watch_ends_whole(place: Place, mode: str) -> None:
    """Clients that watch when the runtime ends see the end of the answer, not a connection that broke."""
    with served(place, f"{CLUSTER}  onRuntimeExit: {mode}\n") as (running, kubeconfig):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(StateDirectory(kubeconfig.parent).api_socket))
            sock.sendall(b"GET /api/v1/namespaces?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            seen = sock.recv(65536)
            while b'"kube-system"' not in seen:
                seen += sock.recv(65536)
            running.end()
            rest = b"".join(iter(lambda: sock.recv(65536), b""))
        assert (seen + rest).endswith(b"\r\n0\r\n\r\n")
