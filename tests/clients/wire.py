"""A client of nothing but sockets and TLS: what it sends is sent as it is, however wrong."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from kube_actors.api.codecs.yaml import load_documents
from kube_actors.records import frozen

NOBODY = "nobody"
PATIENCE = 30.0
"""Seconds a busy machine may take for an answer."""


@frozen
class Reply:
    """An answer: its status (0: none came), headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The first answer of what a server sent."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        if not first.startswith("HTTP/"):
            return cls(0, {}, data)
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return cls(int(first.split(" ")[1]), headers, body[: int(headers.get("content-length", len(body)))])

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of a Status."""
        return str(self.json["reason"])


@frozen
class Wire:
    """Ways to a cluster's API by its kubeconfig: `admin` shows a certificate, `anyone` does not."""

    host: str
    port: int
    anyone: ssl.SSLContext
    admin: ssl.SSLContext

    @classmethod
    def of(cls, kubeconfig: str) -> Self:
        """Read the kubeconfig."""
        config = load_documents(Path(kubeconfig).read_text(), kubeconfig)[0].body
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        url = urlsplit(cluster["server"])
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        admin = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile("wb") as file:
            for name in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user[name]) + b"\n")
            file.flush()
            admin.load_cert_chain(file.name)
        return cls(str(url.hostname), int(url.port or 443), ssl.create_default_context(cadata=authority), admin)

    def connect(self, *, anonymous: bool = False, timeout: float = PATIENCE) -> ssl.SSLSocket:
        """A connection after its handshake."""
        sock = socket.create_connection((self.host, self.port), timeout)
        return (self.anyone if anonymous else self.admin).wrap_socket(sock, server_hostname="localhost")

    def send(self, *pieces: bytes, anonymous: bool = True) -> Reply:
        """Send bytes as they are, and read one answer; a server that hangs up while it is sent to may have answered."""
        with self.connect(anonymous=anonymous) as sock:
            with contextlib.suppress(OSError):
                for piece in pieces:
                    sock.sendall(piece)
            return receive(sock)

    def request(self, method: str, path: str, body: bytes | Any = b"", *, user: str = "", **more: str) -> Reply:
        """One request as the administrator, or as a `user`: a token, or `NOBODY`. Headers have `_` for `-`."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            more.setdefault("content_type", "application/json")
        headers = {"host": "localhost", "connection": "close", "content_length": str(len(body)), **more}
        if user and user != NOBODY:
            headers["authorization"] = f"Bearer {user}"
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()
        return self.send(head, body, anonymous=bool(user))


def receive(sock: ssl.SSLSocket) -> Reply:
    """The next whole answer of a connection, or as much of it as comes."""
    data = b""
    with contextlib.suppress(OSError):
        while not _is_whole(data) and (more := sock.recv(1 << 16)):
            data += more
    return Reply.read(data)


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    length = Reply.read(data).headers.get("content-length")
    return length is not None and len(body) >= int(length)
