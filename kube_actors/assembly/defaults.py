"""What every cluster has from the beginning: its four namespaces."""

from __future__ import annotations

from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes import Client

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


async def create_defaults(client: Client) -> None:
    """Create what is not there yet."""
    for name in NAMESPACES:
        if client.get(Key("namespaces", "", name)) is None:
            try:
                await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
