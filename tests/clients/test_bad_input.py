"""What no client should send, over the wire: each gets its Status or is dropped, and others notice nothing."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_actors.state import StateDirectory
from tests.clients.conftest import Served
from tests.clients.wire import NOBODY, PATIENCE, Reply, Wire, receive

HOST = b"Host: localhost\r\n"
MAPS = "/api/v1/namespaces/default/configmaps"
NOTICEABLE = 30.0
"""Seconds a small request of somebody else may take on a busy machine; a server that stands still takes longer."""


@pytest.fixture(scope="module")
def wire(served: Served) -> Wire:
    """The way to the cluster's API."""
    return Wire.of(served.kubeconfig)


@pytest.fixture(autouse=True)
def others_notice_nothing(wire: Wire) -> Iterator[None]:
    """After each test a small request is answered as ever."""
    yield
    began = time.monotonic()
    assert wire.request("GET", "/api/v1/namespaces/default").status == 200
    assert time.monotonic() - began < NOTICEABLE


def request(line: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    """A request with a Host header."""
    return line + b"\r\n" + HOST + headers + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01\x02garbage\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (request(b"get /version HTTP/1.1"), 400),
        (request(b"GET /version HTTP/1.2"), 400),
        (b"GET /version\r\n\r\n", 505),
        (b"GET /version HTTP/1.1\r\n\r\n", 400),
        (b"GET /version HTTP/1.1\nHost: localhost\n\n", 400),
        (request(b"GET /ver\x00sion HTTP/1.1"), 400),
        (request(b"GET /%zz HTTP/1.1"), 400),
        (request(b"GET /version HTTP/1.1", b"X: a\x00b\r\n"), 400),
        (request(b"GET /version HTTP/1.1", b"X Y: 1\r\n"), 400),
        (request(b"GET /version HTTP/1.1", b"X : 1\r\n"), 400),
        (request(b"GET /version HTTP/1.1", b"X: 1\r\n folded\r\n"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: 0\r\nContent-Length: 5\r\n", b"hello"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: +5\r\n", b"hello"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: -5\r\n", b"hello"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: " + b"9" * 5000 + b"\r\n"), 400),
        (request(b"POST /version HTTP/1.1", b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400),
        (request(b"POST /version HTTP/1.1", CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), 400),
        (request(b"POST /version HTTP/1.1", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501),
        (request(b"POST /version HTTP/1.1", CHUNKED, b"ffffffffffffffffff\r\nx\r\n"), 400),
        (request(b"POST /version HTTP/1.1", CHUNKED, b"5\r\nhelloXX0\r\n\r\n"), 400),
        (request(b"POST /version HTTP/1.1", CHUNKED, b"5\nhello\n0\n\n"), 400),
        (request(b"POST /version HTTP/1.1", b"Content-Length: 99999999999\r\n"), 413),
        (request(b"POST /version HTTP/1.1", b"Expect: 100-continue\r\nContent-Length: 99999999\r\n"), 413),
        (request(b"POST /version HTTP/1.1", b"Expect: 200-maybe\r\nContent-Length: 2\r\n"), 417),
        (request(b"GET /version HTTP/1.1", b"".join(b"X-%d: 1\r\n" % number for number in range(5000))), 431),
        (request(b"GET /version HTTP/1.1", b"X: " + b"a" * 2_000_000 + b"\r\n"), 431),
        (request(b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1"), 431),
        (request(b"GET /version?" + b"&".join(b"a%d" % number for number in range(20_000)) + b" HTTP/1.1"), 400),
        (request(b"CONNECT localhost:443 HTTP/1.1"), 400),
        (request(b"TRACE /version HTTP/1.1"), 403),
        (request(b"OPTIONS * HTTP/1.1"), 403),
    ],
)  # fmt: skip
def test_what_is_no_request(wire: Wire, sent: bytes, status: int) -> None:
    """It is refused with a Status that says so, and the connection ends where its bytes cannot be told apart."""
    reply = wire.send(sent)
    assert (reply.status, reply.json["kind"]) == (status, "Status")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example@localhost", "", "localhost, a"]
)
def test_names_that_are_not_ours(wire: Wire, host: str) -> None:
    """A page in a browser cannot let its own name lead here."""
    assert wire.request("GET", "/version", host=host).status == 403


@pytest.mark.parametrize(
    ("url", "status"), [(b"https://localhost/version", 200), (b"https://evil.example/version", 403)]
)
def test_a_name_in_the_url_counts_more_than_the_header(wire: Wire, url: bytes, status: int) -> None:
    """As the standard has it: nobody comes in by saying two names."""
    assert wire.send(request(b"GET " + url + b" HTTP/1.1")).status == status


def test_no_other_origin_is_let_in(wire: Wire) -> None:
    """There is no CORS, neither for the request nor for the question before it."""
    origin = "https://evil.example"
    for reply in (
        wire.request("GET", "/version", origin=origin),
        wire.request("OPTIONS", MAPS, origin=origin, access_control_request_method="GET"),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"", "application/json", 400),
        (b"{nope", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"metadata": {"name": "a"}} rest', "application/json", 400),
        (b'{"metadata": {"name": "a"}, "data": {"a": NaN}}', "application/json", 400),
        (b'{"metadata": {"name": "a"}, "data": {"a": "\xff"}}', "application/json", 400),
        (b'{"metadata": {"name": "a"}, "data": {"a": "\\udfff"}}', "application/json", 400),
        (b"[" * 3_000_000, "application/json", 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "application/json", 400),
        (b'{"metadata": {"generation": ' + b"9" * 100_000 + b"}}", "application/json", 400),
        (b'{"metadata": {"name": "' + b"a" * (3 << 20) + b'"}}', "application/json", 413),
        (b"x", "text/plain", 415),
        (b"x", "application/cbor", 415),
        (b"metadata: &a\n  name: *a\n", "application/yaml", 400),
        (b"a: " + b"[" * 100_000, "application/yaml", 400),
        (b"- " * 200_000, "application/yaml", 400),
        (b"!!python/object/apply:os.system ['id']", "application/yaml", 400),
        (b"metadata: {name: a, name: '\x00'}", "application/yaml", 400),
        (b"k8s\x00\x0a\xff\xff\xff\xff\x0f", "application/vnd.kubernetes.protobuf", 400),
        (b"k8s\x00" + b"\xff" * 1000, "application/vnd.kubernetes.protobuf", 400),
        (b"{}", "application/vnd.kubernetes.protobuf", 400),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_read(wire: Wire, body: bytes, type_: str, status: int) -> None:
    """The Status that Kubernetes gives."""
    assert wire.request("POST", MAPS, body, content_type=type_).status == status


@pytest.mark.parametrize("type_", ["application/yaml", "application/apply-patch+yaml"])
def test_an_alias_bomb_does_not_go_off(wire: Wire, type_: str) -> None:
    """A billion values in a few lines are refused before they are made."""
    lines = [b"a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [b"%c: &%c [%s]" % (98 + step, 98 + step, b", ".join([b"*%c" % (97 + step)] * 9)) for step in range(9)]
    method, path = ("PATCH", f"{MAPS}/a?fieldManager=a") if "patch" in type_ else ("POST", MAPS)
    reply = wire.request(method, path, b"\n".join(lines), content_type=type_)
    assert reply.status == 400
    assert "alias" in reply.json["message"]


def test_what_is_compressed_is_not_unpacked(wire: Wire) -> None:
    """A gigabyte of blanks in a megabyte is refused by its header alone."""
    bomb = gzip.compress(b" " * (64 << 20))
    reply = wire.request("POST", MAPS, bomb, content_encoding="gzip", content_type="application/json")
    assert (reply.status, reply.reason) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/api/v1/pods?labelSelector=a%3D%3D%3Db", b"", {}, 400),
        ("GET", "/api/v1/pods?labelSelector=a+in+(", b"", {}, 400),
        ("GET", "/api/v1/pods?fieldSelector=spec.nope%3D1", b"", {}, 400),
        ("GET", "/api/v1/pods?limit=x", b"", {}, 400),
        ("GET", "/api/v1/pods?resourceVersion=x", b"", {}, 400),
        ("GET", "/api/v1/pods?continue=nonsense", b"", {}, 400),
        ("GET", "/api/v1/pods", b"", {"accept": "image/png"}, 406),
        ("GET", "/apis/apps/v9/deployments", b"", {}, 404),
        ("GET", "/api/v1/deployments", b"", {}, 404),
        ("PUT", MAPS, {}, {}, 405),
        ("POST", f"{MAPS}/a", {}, {}, 405),
        ("DELETE", "/version", b"", {}, 405),
        ("POST", MAPS, {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}, {}, 400),
        ("POST", MAPS, {"metadata": {"name": "Not_A_Name"}}, {}, 422),
        ("PATCH", f"{MAPS}/kube-root-ca.crt", [{"op": "test", "path": "/data/a", "value": "x"}],
         {"content_type": "application/json-patch+json"}, 422),
        ("PATCH", f"{MAPS}/kube-root-ca.crt", {}, {"content_type": "application/json"}, 415),
        ("PUT", f"{MAPS}/kube-root-ca.crt",
         {"metadata": {"name": "kube-root-ca.crt", "resourceVersion": "1"}}, {}, 409),
        ("POST", f"{MAPS}/kube-root-ca.crt/exec", b"", {}, 404),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(
    wire: Wire, method: str, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    """Each has its code, and a Status to say why."""
    reply = wire.request(method, path, body, **headers)
    assert (reply.status, reply.json["kind"]) == (status, "Status"), reply.body


# --- nobody may do more than he may


@pytest.fixture(scope="module")
def token(wire: Wire) -> str:
    """The token of an account without any rights."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    assert wire.request("POST", accounts, {"metadata": {"name": "nobody"}}).status == 201
    reply = wire.request("POST", f"{accounts}/nobody/token", {"spec": {}})
    assert reply.status == 201
    return str(reply.json["status"]["token"])


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api", "/apis/apps/v1", "/openapi/v2", "/openid/v1/jwks", "/api/v1/namespaces"),
        *("/livez/ping", "/livez/../api", "/version/../api", "//version", "/metrics"),
    ],
)
def test_the_anonymous_see_nothing(wire: Wire, path: str) -> None:
    """But the version, and that the server is well."""
    assert wire.request("GET", path, user=NOBODY).status == 403
    for seen in ("/version", "/healthz", "/livez", "/readyz"):
        assert wire.request("GET", seen, user=NOBODY).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"impersonate_user": "kubernetes-admin", "impersonate_group": "system:masters"},
        {"impersonate_user": "system:serviceaccount:kube-system:default"},
        {"impersonate_user": "system:serviceaccount:default:nobody", "impersonate_group": "system:masters"},
        {"x_remote_user": "kubernetes-admin", "x_remote_group": "system:masters"},
        {"x_forwarded_for": "127.0.0.1"},
    ],
)
def test_nobody_is_somebody_else_by_a_header(wire: Wire, token: str, headers: dict[str, str]) -> None:
    """Whatever he calls himself."""
    assert wire.request("GET", "/api/v1/namespaces/kube-system/secrets", user=token, **headers).status == 403


def test_forged_tokens_are_nobodys(wire: Wire, token: str) -> None:
    """Cut, changed, unsigned or enormous ones."""
    head, claims, signature = token.split(".")
    none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for forged in (f"{head}.{claims}.", f"{none}.{claims}.", f"{none}.{claims}.{signature}", f"{head}.e30.{signature}",
                   "a.b.c", "...", "A" * 200_000, "\u00e9"):  # fmt: skip
        reply = wire.request("GET", "/version", user=forged)
        assert (reply.status, reply.reason) == (401, "Unauthorized")


def test_what_is_secret_is_told_to_nobody(wire: Wire, served: Served, token: str) -> None:
    """Neither in a refusal, nor in the audit log, nor in what the process prints."""
    planted, secrets = "planted-7f3a9c", "/api/v1/namespaces/default/secrets"
    bodies: list[tuple[str, str, object, str]] = [
        ("POST", secrets, {"metadata": {"name": "a"}, "data": {"p": f"{planted}!"}}, "application/json"),
        ("POST", secrets, {"metadata": {"name": "a"}, "stringData": {"p": [planted]}}, "application/json"),
        ("POST", secrets, b'{"stringData": {"p": "%s"' % planted.encode(), "application/json"),
        ("POST", secrets, b"stringData: {p: [%s}" % planted.encode(), "application/yaml"),
        ("POST", secrets, b"k8s\x00" + planted.encode() * 3, "application/vnd.kubernetes.protobuf"),
        ("PATCH", f"{secrets}/top", {"data": {"p": f"{planted}!"}}, "application/merge-patch+json"),
        ("PATCH", f"{secrets}/top", {"stringData": {"p": {"a": planted}}}, "application/strategic-merge-patch+json"),
        ("PATCH", f"{secrets}/top", [{"op": "test", "path": "/data/p", "value": planted}],
         "application/json-patch+json"),
    ]  # fmt: skip
    assert wire.request("POST", secrets, {"metadata": {"name": "top"}, "stringData": {"p": planted}}).status == 201
    for method, path, body, type_ in bodies:
        reply = wire.request(method, path, body, content_type=type_)
        assert reply.status in (400, 422)
        assert planted.encode() not in reply.body
    assert wire.request("GET", "/version", user=f"{planted}.a.b").status == 401
    assert wire.request("POST", f"/api/v1/namespaces/default/pods/none/exec?command={planted}").status == 404
    audit = (Path(served.kubeconfig).parent / "audit.log").read_text()
    printed = "\n".join((*served.running.lines, *served.running.errors))
    for secret in (planted, token):
        assert secret not in audit
        assert secret not in printed


# --- many at once


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the machine lets this user have; the test is skipped where they are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        pytest.skip(f"a process may have {hard} open files only (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_client_with_thousands_of_watches(wire: Wire, served: Served) -> None:
    """Beyond its share it is told to come again. Over the owner's socket, where thousands are opened in no time."""
    own_socket = str(StateDirectory(Path(served.kubeconfig).parent).api_socket)
    head = request(b"GET /api/v1/namespaces/none/pods?watch=1 HTTP/1.1")
    refused = b""
    with contextlib.ExitStack() as opened:
        for _ in range(2000):
            sock = opened.enter_context(socket.socket(socket.AF_UNIX))
            sock.settimeout(PATIENCE)
            sock.connect(own_socket)
            sock.sendall(head)
            if not (told := sock.recv(1 << 12)).startswith(b"HTTP/1.1 200"):
                refused = told
                break
        assert wire.request("GET", "/version").status == 200
    reply = Reply.read(refused)
    assert (reply.status, reply.reason) == (429, "TooManyRequests")
    assert int(reply.headers["retry-after"]) > 0


def test_a_thousand_at_once(wire: Wire) -> None:
    """Each POST is answered, and nothing is lost that was."""
    codes: list[int] = []

    def post(first: int) -> None:
        with wire.connect() as sock:
            for number in range(first, first + 20):
                body = json.dumps({"metadata": {"name": f"flood-{number}", "labels": {"flood": "yes"}}}).encode()
                sock.sendall(
                    request(b"POST " + MAPS.encode() + b" HTTP/1.1", b"Content-Length: %d\r\n" % len(body), body)
                )
                codes.append(receive(sock).status)

    threads = [threading.Thread(target=post, args=(20 * each,)) for each in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    assert len(codes) == 1000
    assert set(codes) <= {201, 429}
    listed = wire.request("GET", f"{MAPS}?labelSelector=flood%3Dyes").json["items"]
    assert len(listed) == codes.count(201)
    assert wire.request("DELETE", f"{MAPS}?labelSelector=flood%3Dyes").status == 200


def test_connections_that_say_nothing_or_nonsense(wire: Wire) -> None:
    """Open sockets, stalled handshakes, plain HTTP and noise keep nobody out."""
    with contextlib.ExitStack() as opened:
        for number in range(300):
            sock = opened.enter_context(socket.create_connection((wire.host, wire.port), PATIENCE))
            with contextlib.suppress(OSError):
                sock.sendall((b"", b"\x16\x03\x01\x02\x00", os.urandom(200))[number % 3])
        with socket.create_connection((wire.host, wire.port), PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert plain.recv(1 << 12).startswith(b"HTTP/1.0 400")
        assert wire.request("GET", "/version").status == 200


def test_answers_that_are_not_read(wire: Wire) -> None:
    """Clients that ask for much and take none of it keep others from nothing."""
    large = {"metadata": {"name": "large"}, "data": {"a": "x" * 1_000_000}}
    assert wire.request("POST", MAPS, large).status == 201
    with contextlib.ExitStack() as opened:
        for target in (MAPS.encode(), MAPS.encode() + b"?watch=1"):
            for _ in range(30):
                sock = opened.enter_context(wire.connect())
                sock.sendall(request(b"GET " + target + b" HTTP/1.1") * 2)
        assert wire.request("GET", "/version").status == 200
    assert wire.request("DELETE", f"{MAPS}/large").status == 200


def test_it_has_broken_nothing(wire: Wire, served: Served) -> None:
    """After all of that the process has told of no error of its own."""
    assert wire.request("GET", "/readyz").status == 200
    assert "Traceback" not in "\n".join((*served.running.lines, *served.running.errors))
    assert not [line for line in served.running.errors if " error " in line]
