"""The cluster in an asyncio program: `async with kube_actors.aio.open_cluster("cluster.yaml") as cluster`.

The verbs are those of `kube_actors.Cluster`, and so are errors and results; only what belongs to a loop is here.
"""

from kube_actors.embed.asyncio_bridge import AioStream as Stream
from kube_actors.embed.asyncio_facade import Cluster, open_cluster
from kube_actors.embed.asyncio_parts import AioClock as Clock
from kube_actors.embed.asyncio_parts import AioNode as Node
from kube_actors.embed.asyncio_parts import AioRollout as Rollout

__all__ = ["Clock", "Cluster", "Node", "Rollout", "Stream", "open_cluster"]
