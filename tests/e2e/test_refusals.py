"""What a cluster will not start with: said at once, nothing started, nothing lost."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import attrs
import pytest

from kube_actors.cluster import open_cluster
from kube_actors.config.types import ClusterConfig, ListenerConfig, NetworkConfig
from kube_actors.errors import InputError
from kube_actors.state import StateDirectory

from .manifests import CLUSTER, pod
from .stage import read_config, running


async def refused(config: ClusterConfig, state: Path) -> str:
    """Why a cluster does not start; nothing of it runs then."""
    with pytest.raises(InputError) as refusal:
        async with open_cluster(config, state=StateDirectory(state)):
            pass
    assert not (state / "agent" / "agent.sock").exists()
    return " ".join(f"{one.path} {one.message}" for one in refusal.value.problems)


async def test_a_port_in_use_names_its_holder(tmp_path: Path) -> None:
    """All of them at once, each with its place and who holds it."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [sock.getsockname()[1] for sock in (one, other)]
        listeners = tuple(ListenerConfig("web", port=port) for port in ports)
        told = await refused(attrs.evolve(read_config(CLUSTER), listeners=listeners), tmp_path / "s")
    for index, port in enumerate(ports):
        assert f"$.spec.listeners[{index}].port 127.0.0.1:{port} is in use by " in told
    assert f"(pid {os.getpid()})" in told


async def test_ranges_of_another_cluster_are_refused_by_name(tmp_path: Path) -> None:
    """Whose they are, and the first cluster does not notice."""
    async with running(read_config(CLUSTER), tmp_path / "first") as stage:
        ranges = stage.cluster.network.ranges
        wanted = attrs.evolve(read_config(CLUSTER), network=NetworkConfig(pod_cidr=str(ranges.pod_cidr)))
        told = await refused(wanted, tmp_path / "second")
        assert f"podCIDR {ranges.pod_cidr} overlaps" in told
        await stage.apply(pod("web"))
        await stage.ready("web")
