"""Pods reach the API at the Service `kubernetes`, whatever keeps them apart."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from kube_actors.assembly.api_endpoints import open_api_endpoint, publish_api
from kube_actors.network.proxy import bind_tcp
from kube_actors.server.edge import Binding, open_edge
from kube_actors.server.http import Full, HttpRequest, Response
from tests.e2e.manifests import CLUSTER, pod, sleeper
from tests.e2e.stage import Stage, eventually, read_config, running

PLAIN: dict[str, Any] = {"automountServiceAccountToken": False}
ASK = (
    'import os, urllib.request as r; print(r.urlopen("http://" + os.environ["KUBERNETES_SERVICE_HOST"] + ":"'
    ' + os.environ["KUBERNETES_SERVICE_PORT"] + "/healthz", timeout=5).read().decode())'
)


async def tell_who(request: HttpRequest) -> Response:
    """Answers with the address the request comes from."""
    return Full(200, f"{request.path} for {request.peer.address}".encode())


async def reaches(stage: Stage, name: str) -> bool:
    """Whether a program in the pod gets an answer from the API's address in its environment."""
    code, said = await stage.exec(name, "python3", "-c", ASK)
    return code == 0 and said.startswith("/healthz for ")


@pytest.mark.parametrize("tier", ["A", "B", "C"])
async def test_a_pod_reaches_the_api(tmp_path: Path, tier: Literal["A", "B", "C"]) -> None:
    """By the address and port in its environment, from a network of its own and from its node's."""
    config = attrs.evolve(read_config(CLUSTER), tier=tier)
    async with running(config, tmp_path / "s") as stage:
        cluster, outside = stage.cluster, bind_tcp("127.0.0.1", 0)
        endpoint = await open_api_endpoint(cluster.link, cluster.network.ranges, outside)
        async with open_edge(tell_who, [Binding(sock) for sock in (outside, *endpoint.sockets)]) as edge:
            await publish_api(stage.client, endpoint)
            written = stage.store.head
            await publish_api(stage.client, endpoint)
            assert stage.store.head == written, "what is as it should be is not written again"
            await stage.apply(pod("own", sleeper(), **PLAIN), pod("shared", sleeper(), hostNetwork=True, **PLAIN))
            await stage.ready("own", "shared")
            await eventually(lambda: reaches(stage, "own"))
            await eventually(lambda: reaches(stage, "shared"))
            assert f"{endpoint.address}:{endpoint.port}" in edge.addresses
            assert stage.endpoints("kubernetes") == {endpoint.address}


async def test_pods_without_a_network_of_their_own(tmp_path: Path) -> None:
    """Pods on the machine's network use the socket everybody uses. Somebody's own Service `kubernetes` makes way."""
    config = read_config(CLUSTER.replace("{name: node, count: 2}", "{name: node, runtime: simulated}"))
    async with running(config, tmp_path / "s") as stage:
        with socket.create_server(("127.0.0.1", 0)) as outside:
            endpoint = await open_api_endpoint(stage.cluster.link, stage.cluster.network.ranges, outside)
            assert (endpoint.address, endpoint.port) == outside.getsockname()
            assert endpoint.sockets == ()
            assert endpoint.service_port == 443
            own = {"type": "ClusterIP", "ports": [{"port": 80}]}
            await stage.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes"}, "spec": own})
            await publish_api(stage.client, endpoint)
            assert stage.service_ip("kubernetes") == stage.cluster.network.ranges.api_address
