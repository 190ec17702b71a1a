"""The load's own process, standard library only: `python load_client.py HOST PORT RATE KEPT`.

Makes GET requests until its stdin ends, over new connections, or over kept-alive ones whose closing it notices before
it uses them again; then prints one JSON object.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from collections import Counter

WORKERS = 10
PATIENCE = 10.0


class _Worker:
    """One client with at most one connection."""

    def __init__(self, address: tuple[str, int], *, kept: bool) -> None:
        self.address, self.kept = address, kept
        self.connection: socket.socket | None = None

    def request(self) -> tuple[str, str]:
        """(pod, version) of the answer; raises OSError or ValueError when there is none."""
        connection = self._connect()
        try:
            close = "" if self.kept else "Connection: close\r\n"
            connection.sendall(f"GET / HTTP/1.1\r\nHost: e2e\r\n{close}\r\n".encode())
            head, body = _answer(connection)
        except BaseException:
            self.close()
            raise
        if not self.kept or b"connection: close" in head.lower():
            self.close()
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(head.split(b"\r\n")[0].decode())
        words = body.decode().split()
        return words[0], words[-1]

    def _connect(self) -> socket.socket:
        if self.connection is not None and select.select([self.connection], [], [], 0)[0]:
            self.close()  # readable without a question: the server has closed it
        if self.connection is None:
            self.connection = socket.create_connection(self.address, PATIENCE)
        return self.connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _answer(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection, received)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _some(connection, received)
    return head, body


def _some(connection: socket.socket, before: bytes) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError(f"closed after {before!r}")
    return data


def main() -> None:
    """Until stdin ends."""
    host, port, rate, kept = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1"
    over, lock = threading.Event(), threading.Lock()
    failed: list[str] = []
    versions: Counter[str] = Counter()
    pods: Counter[str] = Counter()
    began = time.perf_counter()

    def work(number: int) -> None:
        worker = _Worker((host, port), kept=kept)
        turn = 0
        while not over.is_set():
            wait = began + (turn * WORKERS + number) / rate - time.perf_counter()
            if wait > 0 and over.wait(wait):
                break
            turn += 1
            try:
                pod, version = worker.request()
            except (OSError, ValueError) as error:
                with lock:
                    failed.append(f"{time.perf_counter() - began:.2f} s: {error!r}")
                continue
            with lock:
                versions[version] += 1
                pods[pod] += 1
        worker.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    told = {"answered": sum(versions.values()), "failed": failed, "versions": versions, "pods": pods}
    print(json.dumps({**told, "seconds": seconds}))


if __name__ == "__main__":
    main()
