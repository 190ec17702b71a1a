"""A cluster of its own process, and the real programs that talk to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from kube_actors.records import frozen

ROOT = Path(__file__).parent.parent.parent
FETCHED = ROOT / ".clients"
PATIENCE = 60.0
"""Seconds; how long a busy machine may take for anything here."""

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: clients}
spec:
  nodes: [{name: node-1}, {name: node-2}]
  timeouts: {shutdownTimeout: 5s}
"""


@frozen
class Done:
    """How a program ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Lines of stdout."""
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.stdout)

    @property
    def rows(self) -> list[list[str]]:
        """Stdout as a table: its cells, which stand two blanks or more apart."""
        return [re.split(r"\s{2,}", line.strip()) for line in self.lines]


@frozen
class Program:
    """A client program that is pointed at the cluster by its environment; `namespace` is where it works."""

    path: str
    environment: Mapping[str, str] = attrs.field(repr=False)
    directory: Path
    namespace: str = ""

    def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0, **environment: str) -> Done:
        """Run to the end; asserts the exit status `code` (None: any)."""
        where = ("--namespace", self.namespace) if self.namespace else ()
        done = subprocess.run(
            [self.path, *where, *arguments],
            env={**self.environment, **environment},
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run in the background, with pipes for stdin, stdout and stderr; to be ended by the caller."""
        where = ("--namespace", self.namespace) if self.namespace else ()
        return subprocess.Popen(
            [self.path, *where, *arguments],
            env=dict(self.environment),
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def within(self, namespace: str) -> Program:
        """The same program at work in another namespace."""
        return attrs.evolve(self, namespace=namespace)


def client_environment(kubeconfig: str, home: Path) -> dict[str, str]:
    """An environment in which client programs find the cluster, and nothing of the person who runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": kubeconfig, "TERM": "dumb", "LANG": "C.UTF-8"}


def kubectls() -> dict[str, str]:
    """Every kubectl there is, by its minor version: the fetched one, and the one on PATH."""
    found: dict[str, str] = {}
    for path in (str(FETCHED / "kubectl"), shutil.which("kubectl")):
        if path is not None and os.access(path, os.X_OK):
            told = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, check=True).stdout
            version = json.loads(told)["clientVersion"]["gitVersion"]
            found.setdefault(version.split(".")[1], path)
    return found


def eventually(look: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    """What `look` answers as soon as that is true; fails with its last answer."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"it did not come about: {found!r}"
        time.sleep(0.05)


def missing(path: Path) -> str:
    """Why a fetched program cannot be used, in words; empty where it can."""
    return "" if os.access(path, os.X_OK) else f"{path.name} is not in .clients/; python3 tools/clients.py fetches it"
