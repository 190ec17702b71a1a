"""Lists of the past come to an end: as behind a kube-apiserver, which has etcd forget what is five minutes old."""

from __future__ import annotations

from typing import Final

import trio

from kube_actors.store import Store

INTERVAL: Final = 300.0
"""Machine seconds. What has been replaced for so long is forgotten when the next such time is over."""


async def keep_compact(store: Store) -> None:
    """Let the store show no list that is older than five to ten minutes. For ever.

    Watches go on from wherever the store's history reaches to.
    """
    while True:
        head = store.head
        await trio.sleep(INTERVAL)
        store.compact(head)
