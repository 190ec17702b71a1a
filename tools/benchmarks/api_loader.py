"""Clients of the API for `api`, in processes of their own; standard library only.

`api_loader.py PLAN`, where PLAN is JSON: {"address": [host, port], "pem": file with certificate, key and authority,
"kind": "get" | "post" | "list" | "watch", "connections": n, "seconds": s, "path": …}. Prints one JSON object.
A watch waits until `events` have come over each connection.
"""

import json
import select
import socket
import ssl
import sys
import time
from typing import Any

Plan = dict[str, Any]
LONGEST = 120.0
"""Seconds after which whatever has been reached counts."""


class Connection:
    """One kept connection. `received` counts bytes of the answer that is awaited."""

    def __init__(self, plan: Plan, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(tuple(plan["address"]), 30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=plan["address"][0])
        self.socket.setblocking(False)
        self.began = 0.0
        self._head = b""
        self._left = -1

    def ask(self, request: bytes) -> None:
        """Send a request; they are small."""
        self.began = time.perf_counter()
        if self.socket.send(request) != len(request):
            raise SystemExit("a request was not taken in one piece")

    def is_answered(self) -> bool:
        """Read what is there; whether the answer is complete. Its length is announced: nothing is compressed."""
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except ssl.SSLWantReadError:
                return False
            if not data:
                raise SystemExit("the server closed a connection")
            if self._left < 0:
                self._head += data
                head, end, body = self._head.partition(b"\r\n\r\n")
                if not end:
                    continue
                if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                    raise SystemExit(f"answered: {self._head[:600]!r}")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self._left, self._head = int(length) - len(body), b""
            else:
                self._left -= len(data)
            if self._left <= 0:
                self._left = -1
                return True


class Requests:
    """What is sent: the same GET again and again, or POSTs of new objects."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._count = plan, 0
        self._head = f"Host: {plan['address'][0]}\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
        self._same = f"GET {plan['path']} HTTP/1.1\r\n{self._head}\r\n".encode()

    def next(self) -> bytes:
        """The next request."""
        if self._plan["kind"] != "post":
            return self._same
        self._count += 1
        name = f"{self._plan['prefix']}-{self._count}"
        body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
        head = f"POST {self._plan['path']} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def load(plan: Plan, context: ssl.SSLContext) -> dict[str, float]:
    """Requests for so many seconds, each connection one after the other."""
    requests, poll = Requests(plan), select.epoll()
    connections = {one.socket.fileno(): one for one in (Connection(plan, context) for _ in range(plan["connections"]))}
    for descriptor, connection in connections.items():
        poll.register(descriptor, select.EPOLLIN)
        connection.ask(requests.next())
    took: list[float] = []
    began = time.perf_counter()
    end = began + plan["seconds"]
    while time.perf_counter() < end:
        for descriptor, _ in poll.poll(1.0):
            connection = connections[descriptor]
            if connection.is_answered():
                took.append(time.perf_counter() - connection.began)
                connection.ask(requests.next())
    took.sort()
    rate = len(took) / (time.perf_counter() - began)
    return {"rate": rate, "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}


def watch(plan: Plan, context: ssl.SSLContext) -> dict[str, float]:
    """Watch until every connection has had its events; says `ready` on a line of its own when all are watching."""
    poll, left, began = select.epoll(), {}, 0.0
    connections: dict[int, ssl.SSLSocket] = {}
    for _ in range(plan["connections"]):
        connection = Connection(plan, context)
        connection.ask(Requests(plan).next())
        connections[connection.socket.fileno()] = connection.socket
    for descriptor, stream in connections.items():
        stream.setblocking(True)
        received = b""
        while b"\r\n\r\n" not in received:
            received += stream.recv(65536)
        stream.setblocking(False)
        left[descriptor] = plan["events"] - received.count(MARK)
        poll.register(descriptor, select.EPOLLIN)
    print("ready", flush=True)
    waiting, longest = len(left), time.perf_counter() + LONGEST
    while waiting and time.perf_counter() < longest:
        for descriptor, _ in poll.poll(1.0):
            began = began or time.perf_counter()
            waiting -= _take(connections[descriptor], left, descriptor)
    seconds = time.perf_counter() - began
    delivered = plan["events"] * plan["connections"] - sum(max(0, each) for each in left.values())
    return {"rate": delivered / seconds}


MARK = b'"MODIFIED"'


def _take(stream: ssl.SSLSocket, left: dict[int, int], descriptor: int) -> bool:
    """Take what is there; whether it completed the connection's events. A mark that is cut in two is not counted,
    which is why `events` is less than what is written."""
    before = left[descriptor]
    while True:
        try:
            data = stream.recv(1 << 18)
        except ssl.SSLWantReadError:
            break
        if not data:
            raise SystemExit("the server ended a watch")
        left[descriptor] -= data.count(MARK)
    return before > 0 >= left[descriptor]


def main() -> None:
    """Do as the plan says."""
    plan: Plan = json.loads(sys.argv[1])
    context = ssl.create_default_context(cafile=plan["pem"])
    context.load_cert_chain(plan["pem"])
    print(json.dumps((watch if plan["kind"] == "watch" else load)(plan, context)), flush=True)


main()
