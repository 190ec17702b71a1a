"""A Docker engine of the tests' own, and nodes on it; leaving checks that nothing was left behind."""

from __future__ import annotations

import http.client
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import orjson
import pytest
import trio

from kube_actors.node.runtime.base import ContainerId, ContainerSpec, Image, ImageKind, SandboxSpec
from kube_actors.node.runtime.docker import DockerRuntime, DockerSettings, start_docker_runtime

from .contract import Does, Stage, pod_name, shell_script

IMAGE = Image("kube-actors-test:1", ImageKind.ENGINE)
_subnets = count(1)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def engine_ask(engine: str, method: str, path: str, body: bytes = b"") -> bytes:
    """One request to the engine, apart from the code under test."""
    connection = _UnixConnection(engine)
    connection.request(method, path, body, {"Content-Type": "application/x-tar"})
    answer = connection.getresponse().read()
    connection.close()
    return answer


class EngineProcess:
    """A dockerd with everything it has in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = str(directory / "d.sock")

    def start(self) -> None:
        """Start it and wait until it answers; a skip, with its last words, where it cannot."""
        roots = ["--data-root", f"{self.directory}/data", "--exec-root", f"{self.directory}/exec"]
        network = ["--bridge", "none", "--iptables=false", "--ip6tables=false"]
        where = ["-H", f"unix://{self.socket}", "--pidfile", f"{self.directory}/pid"]
        with open(self.directory / "log", "wb") as log:
            self._process = subprocess.Popen(["dockerd", *roots, *network, *where], stdout=log, stderr=log)
        for _ in range(300):
            time.sleep(0.1)
            try:
                if engine_ask(self.socket, "GET", "/_ping") == b"OK":
                    return
            except OSError:
                if self._process.poll() is not None:
                    break
        self.stop()
        pytest.skip(f"dockerd does not start here: {(self.directory / 'log').read_text()[-300:]}")

    def stop(self) -> None:
        """End it by its pid."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_engine() -> Iterator[EngineProcess]:
    """An engine with the test image, or a skipped test that says why."""
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of our own needs root")
    busybox = shutil.which("busybox")
    if shutil.which("dockerd") is None or busybox is None:
        pytest.skip("dockerd and busybox-static are not installed")
    directory = Path(tempfile.mkdtemp(prefix="engine-"))  # short: its sockets' paths have a limit of 107 bytes
    engine = EngineProcess(directory)
    try:
        engine.start()
        query = "fromSrc=-&repo=kube-actors-test&tag=1&changes=ENV%20FROM_IMAGE=yes&changes=CMD%20[%22sh%22]"
        engine_ask(engine.socket, "POST", f"/images/create?{query}", _root_archive(busybox))
        yield engine
    finally:
        engine.stop()
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        left = [mount for mount in mounts if mount.startswith(str(directory))]
        for mount in reversed(left):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def _root_archive(busybox: str) -> bytes:
    """A root file system with busybox under all its names."""
    names = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(os.path.realpath(busybox), "bin/busybox")
        for name in {"sh", *names} - {"busybox"}:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for folder in ("tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
    return buffer.getvalue()


class DockerStage(Stage):
    """One node on the engine."""

    runtime: DockerRuntime

    def __init__(self, engine: EngineProcess, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        self.number = next(_subnets)
        self.settings = DockerSettings(f"unix://{engine.socket}", subnet=f"10.213.{self.number}.0/24")

    def sandbox(self, uid: str = "u-1") -> SandboxSpec:
        """Pod u-N has address 10 + N."""
        address = f"10.213.{self.number}.{10 + int(uid.rpartition('-')[2])}"
        return SandboxSpec(pod_name(uid), f"pod-{uid}", address)

    def container(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerSpec:
        """A shell that behaves so."""
        log = self.directory / "logs" / f"{uid}-{name}-{attempt}.log"
        return ContainerSpec(ContainerId(uid, name, attempt), IMAGE, ("/bin/sh", "-c", shell_script(does)), str(log))

    async def reopen(self) -> None:
        """Let go keeping what runs, and look at it anew."""
        await self.runtime.aclose(keep=True)
        self.open()

    def open(self) -> None:
        """A runtime over what there is."""
        directory = str(self.directory / "node")
        self.runtime = start_docker_runtime(
            self.nursery, self.settings, cluster="test", node=f"node-{self.number}", directory=directory
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[DockerStage]:
        """Start, and at the end take everything down and look for leftovers."""
        async with trio.open_nursery() as self.nursery:
            self.open()
            yield self
            await self.runtime.aclose(keep=False)
        listed = orjson.loads(engine_ask(self.engine.socket, "GET", "/containers/json?all=1"))
        assert listed == []
        networks = orjson.loads(engine_ask(self.engine.socket, "GET", "/networks"))
        assert not [network["Name"] for network in networks if network["Name"].startswith("kube-actors")]
        assert not (self.directory / "node" / "pods").exists()
