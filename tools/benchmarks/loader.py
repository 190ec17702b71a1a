"""Load for `services`, in a process of its own, in a pod or outside; standard library only.

`loader.py load ROUNDS URL URL` prints [requests/s, requests/s] per round, by wrk where that is installed.
`loader.py serve` answers every request on port 8080.
"""

import json
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from urllib.parse import SplitResult, urlsplit

CONNECTIONS, SECONDS = 16, 2.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def requests_per_second(url: str) -> float:
    """Requests over kept connections."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{int(SECONDS)}s", url]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0])
    return _own_requests_per_second(urlsplit(url))


def _own_requests_per_second(url: SplitResult) -> float:
    assert url.hostname
    request = f"GET / HTTP/1.1\r\nHost: {url.hostname}\r\n\r\n".encode()
    poll, count = select.epoll(), 0
    connections: dict[int, socket.socket] = {}
    for _ in range(CONNECTIONS):
        connection = socket.create_connection((url.hostname, url.port), 5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
        connection.sendall(request)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for descriptor, _ in poll.poll(1.0):
            if connections[descriptor].recv(65536):
                count += 1
                connections[descriptor].sendall(request)
    return count / SECONDS


def serve() -> None:
    """Answer whatever comes."""
    poll, server = select.epoll(), socket.create_server(("", 8080), backlog=128)
    connections: dict[int, socket.socket] = {}
    poll.register(server, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == server.fileno():
                connection, _ = server.accept()
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            elif connections[descriptor].recv(65536):
                connections[descriptor].sendall(ANSWER)
            else:
                connections.pop(descriptor).close()


if sys.argv[1] == "serve":
    serve()
for _ in range(int(sys.argv[2])):
    print(json.dumps([requests_per_second(url) for url in sys.argv[3:]]), flush=True)
