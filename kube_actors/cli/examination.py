"""What `doctor` looks at, each as a finding in words with what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import attrs

from kube_actors.cli.about import VERSION
from kube_actors.cli.places import pods_run_on, states
from kube_actors.cli.runtime_file import read_record
from kube_actors.errors import InputError
from kube_actors.node.agent import cgroups
from kube_actors.node.agent.probe import Probe, Step, probe
from kube_actors.node.agent.settings import Settings, read_first
from kube_actors.records import frozen
from kube_actors.state import private_directory

_TIERS: Final = {
    "A": "root: everything, with cgroup limits and real user ids",
    "B": "user namespaces: network, mounts and processes of pods apart from each other; limits by rlimit",
    "C": "plain processes: an address in 127/8 per pod, and proxies instead of nftables",
}
_ADVICE: Final = {
    "root": "run as root for tier A",
    "namespaces": "allow user namespaces (sysctl user.max_user_namespaces, "
    "kernel.apparmor_restrict_unprivileged_userns); in a container: --privileged, or --security-opt seccomp=unconfined",
    "mounts": "in a container: --privileged, or --cap-add SYS_ADMIN --security-opt apparmor=unconfined",
    "overlay": "load the kernel module overlay",
    "overlay on disk": "writable layers then lie in memory; a state directory on ext4 or xfs takes them",
    "mount attributes": "needs Linux 5.12 or newer",
    "pid namespace": "in a container: --security-opt systempaths=unconfined",
    "veth": "load the kernel module veth",
    "nftables": "load the kernel module nf_tables",
}
_CONTROLLERS: Final = ("memory", "cpu", "pids")
_PROBE_ID: Final = "doctor"


class Verdict(Enum):
    """How good it is."""

    GOOD = "ok"
    LIMITED = "limited"
    BROKEN = "broken"


@frozen
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    subject: str
    found: str
    advice: str = ""

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {**attrs.asdict(self), "verdict": self.verdict.value}


def examine(home: Path) -> list[Finding]:
    """Everything there is to say about this machine."""
    found = [_program(), _kernel(), *_tier(), _cgroups(), _docker(), *_state(home)]
    return [*found, *_leftovers(home)]


def _program() -> Finding:
    said = f"kube-actors {VERSION} on Python {platform.python_version()} ({sys.executable})"
    return Finding(Verdict.GOOD, "program", said)


def _kernel() -> Finding:
    said = f"{platform.system()} {platform.release()} on {platform.machine()}, {os.cpu_count()} processors"
    if platform.system() != "Linux":
        return Finding(Verdict.BROKEN, "kernel", said, "pods need Linux")
    return Finding(Verdict.GOOD, "kernel", said)


def _tier() -> Iterator[Finding]:
    """The tier, found out as the agent does it, and what keeps the machine from a better one."""
    with tempfile.TemporaryDirectory(prefix="kube-actors-") as directory:
        settings = Settings(directory, _PROBE_ID, "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")
        os.mkdir(settings.memory, 0o700)
        found = probe(settings)
    verdict = Verdict.LIMITED if found.tier == "C" else Verdict.GOOD
    yield Finding(verdict, "tier", f"{found.tier}, {_TIERS[found.tier]}")
    for step in _refused(found):
        said = f"{step.name} ({step.message or 'refused'})"
        yield Finding(Verdict.LIMITED, f"tier {step.tier}", f"not possible: {said}", _ADVICE.get(step.name, ""))


def _refused(found: Probe) -> Iterator[Step]:
    """What failed on the way; of a tier that is in use only what it does without."""
    return (step for step in found.steps if not step.ok)


def _cgroups() -> Finding:
    mounts, own = read_first("/proc/self/mountinfo"), read_first("/proc/self/cgroup")
    hierarchies = cgroups.find_hierarchies(_PROBE_ID, mounts, own)
    for base in set(hierarchies.bases.values()):
        cgroups.remove_groups(base)
    missing = [each for each in _CONTROLLERS if not hierarchies.supports(each)]
    if not missing:
        said = f"version {hierarchies.version}: limits of {', '.join(_CONTROLLERS)} are kept"
        return Finding(Verdict.GOOD, "cgroups", said)
    advice = "run as root"
    if not os.geteuid():
        advice = "mount the controllers writable; in a container: --cgroupns=host, --privileged"
    return Finding(Verdict.LIMITED, "cgroups", f"no limits of {', '.join(missing)}", advice)


def _docker() -> Finding:
    """Whether an engine answers at the place clients look for it. Only nodes with `runtime: docker` need one."""
    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not address.startswith("unix://"):
        return Finding(Verdict.LIMITED, "docker", f"{address} is not a local socket", "unset DOCKER_HOST")
    path = address.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2.0)
            client.connect(path)
            client.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = client.recv(64)
    except OSError as error:
        installed = "" if shutil.which("dockerd") or shutil.which("docker") else "; Docker is not installed"
        said = f"{path} does not answer: {error.strerror or error}{installed}"
        return Finding(Verdict.LIMITED, "docker", said, "only nodes with `runtime: docker` need it")
    if b" 200 " not in answer:
        return Finding(Verdict.LIMITED, "docker", f"{path} answers strangely", "is it a Docker engine?")
    return Finding(Verdict.GOOD, "docker", f"an engine answers at {path}")


def _state(home: Path) -> Iterator[Finding]:
    fresh = not home.exists()
    try:
        private_directory(home)
    except InputError as error:
        yield Finding(Verdict.BROKEN, "state", f"{home}: {error.problems[0].message}", error.problems[0].hint or "")
        return
    free = shutil.disk_usage(home).free
    if fresh:
        home.rmdir()
    verdict = Verdict.GOOD if free > 1 << 30 else Verdict.LIMITED
    yield Finding(verdict, "state", f"{home} is writable, {free >> 20} MiB free")


def _leftovers(home: Path) -> Iterator[Finding]:
    """What runtimes that died left behind."""
    for state in states(home):
        name, record = state.root.name, read_record(state.runtime_file)
        if record is not None and record.process.is_alive():
            yield Finding(Verdict.GOOD, "cluster", f"{record.name} is running, as process {record.process.pid}")
        elif pods_run_on(state):
            again = "" if state.ephemeral else "start it again to take them over, or: "
            advice = f"{again}kube-actors reset --name {name}"
            yield Finding(Verdict.LIMITED, "leftover", f"pods of {name} run on without their runtime", advice)
        elif state.ephemeral:
            advice = f"kube-actors reset --name {name}"
            yield Finding(Verdict.LIMITED, "leftover", f"{state.root} of an ephemeral cluster that died", advice)
        elif record is not None:
            said = f"the runtime of {record.name} (process {record.process.pid}) died before its end"
            advice = "start it again: nothing acknowledged is lost"
            yield Finding(Verdict.LIMITED, "leftover", said, advice)
