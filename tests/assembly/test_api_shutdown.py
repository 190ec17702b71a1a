"""How the API says good-bye."""

from __future__ import annotations

from pathlib import Path

import trio

from kube_actors.cluster import open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.state import StateDirectory
from tests.server.edge.clients import Client


async def test_a_server_that_ends_is_not_ready_before_it_is_gone(tmp_path: Path) -> None:
    """Who is connected, and who comes now, hears `/readyz` fail and `/livez` succeed; then nobody is let in. Pods need
    not have ended: that is how a cluster ends whose containers run on."""
    state = StateDirectory(tmp_path / "state", ephemeral=True)
    nodes = (NodeConfig("a", "simulated", {"cpu": "1", "memory": "1Gi", "pods": "10"}),)
    async with open_cluster(ClusterConfig(nodes=nodes), state=state, serve=True) as cluster:
        assert cluster.api is not None

        async def ask(client: Client, path: str) -> tuple[int, bytes]:
            await client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = await client.answer()
            return answer.status, answer.body

        here = Client(await trio.open_unix_socket(str(state.api_socket)))
        with trio.fail_after(30):
            async with here, trio.open_nursery() as nursery:
                assert await ask(here, "/readyz") == (200, b"ok")
                nursery.start_soon(cluster.end_serving)
                while not cluster.api.checks.draining:
                    await trio.lowlevel.checkpoint()
                async with Client(await trio.open_unix_socket(str(state.api_socket))) as late:
                    for client in (here, late):
                        status, text = await ask(client, "/readyz")
                        assert status == 500
                        assert b"[-]shutdown failed: reason withheld\n" in text
                        assert await ask(client, "/livez") == (200, b"ok")
        assert not cluster.api.edge.clients
