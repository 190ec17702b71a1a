"""Pods whose containers are shell scripts, and kubectl under a terminal or with bytes in its pipes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from typing import Any

import attrs

from tests.clients.kit import PATIENCE, Program

Body = dict[str, Any]
WAIT = f"--timeout={PATIENCE:.0f}s"


def sh(name: str, script: str, **fields: Any) -> Body:
    """A container that runs a shell script."""
    return {"name": name, "image": "host", "command": ["sh", "-c", script], **fields}


def pod(name: str, *containers: Body, labels: Body | None = None, **spec: Any) -> Body:
    """A pod that is soon gone when it is deleted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": list(containers), **spec},
    }


def deployment(name: str, *containers: Body, replicas: int = 1, **spec: Any) -> Body:
    """A Deployment of such pods; `spec` is its own."""
    template = pod(name, *containers)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
            **spec,
        },
    }


def apply(kubectl: Program, *bodies: Body) -> None:
    """Create or change the objects."""
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)}))


def run(kubectl: Program, *pods: Body) -> None:
    """Create pods and wait until they are ready."""
    apply(kubectl, *pods)
    kubectl("wait", "--for=condition=Ready", WAIT, *(f"pod/{one['metadata']['name']}" for one in pods))


def piped(kubectl: Program, *arguments: str, data: bytes = b"") -> tuple[int, bytes]:
    """Run kubectl with these bytes as its input; its exit status, and the bytes it printed."""
    done = subprocess.run(
        [kubectl.path, "--namespace", kubectl.namespace, *arguments],
        env=dict(kubectl.environment),
        cwd=kubectl.directory,
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE * 2,
        check=False,
    )
    return done.returncode, done.stdout


def with_environment(kubectl: Program, **variables: str) -> Program:
    """kubectl with more variables."""
    return attrs.evolve(kubectl, environment={**kubectl.environment, **variables})


class Terminal:
    """kubectl at the other end of a terminal of this size."""

    def __init__(self, kubectl: Program, arguments: tuple[str, ...], rows: int, columns: int) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.output = b""
        self._seen = 0

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [kubectl.path, "--namespace", kubectl.namespace, *arguments],
            env=dict(kubectl.environment),
            cwd=kubectl.directory,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=take_terminal,
        )
        os.close(slave)

    def resize(self, rows: int, columns: int) -> None:
        """The window is drawn to another size; kubectl is told by the kernel."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def expect(self, text: str) -> None:
        """Read on until this is printed."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.output.find(text.encode(), self._seen)) < 0:
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.output!r}"
            assert self._read(), f"it ended before {text!r}: {self.output!r}"
        self._seen = found + len(text)

    def end(self) -> int:
        """Read to the end; kubectl's exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"it did not end: {self.output!r}"
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End kubectl if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        if select.select([self._master], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):  # Linux says EIO when nobody has the other end open
                self.output += (data := os.read(self._master, 65536))
                return bool(data)
            return False
        return True


@contextlib.contextmanager
def terminal(kubectl: Program, *arguments: str, rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    """Run kubectl under a terminal; it is killed in the end if it still runs."""
    opened = Terminal(kubectl, arguments, rows, columns)
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def started(kubectl: Program, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run kubectl in the background; it is killed in the end if it still runs."""
    process = kubectl.start(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
