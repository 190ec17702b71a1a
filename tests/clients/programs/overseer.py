"""An operator written with kopf that uses most of it: retries, fields, an index, a timer, a daemon and its health."""

from __future__ import annotations

import asyncio
from typing import Any

import kopf

CHOSEN = {"overseen": "yes"}


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Look again often: a watch that ends is taken up where it ended."""
    settings.watching.server_timeout = 2
    settings.persistence.finalizer = "example.org/overseer"


@kopf.index("pods", labels=CHOSEN)
def phases(name: str, status: Any, **_: Any) -> dict[str, str]:
    """Pods by their phase."""
    return {status.get("phase", "Unknown"): name}


@kopf.on.create("configmaps", labels=CHOSEN, backoff=0.1)
def begin(body: Any, retry: int, patch: kopf.Patch, **_: Any) -> None:
    """Succeeds the second time, and says so in an Event."""
    if retry == 0:
        raise kopf.TemporaryError("not yet", delay=0.1)
    patch.metadata.labels["begun"] = "yes"
    kopf.info(body, reason="Begun", message="it has begun")


@kopf.on.field("configmaps", field="data.size", labels=CHOSEN)
def grow(old: str | None, new: str | None, **_: Any) -> None:
    """One field of many."""
    print("size", old, new, flush=True)


@kopf.timer("configmaps", interval=0.2, labels=CHOSEN)
def count(phases: kopf.Index, patch: kopf.Patch, **_: Any) -> None:
    """What the index knows, again and again."""
    patch["data"] = {"running": ",".join(sorted(phases.get("Running", [])))}


@kopf.daemon("configmaps", labels=CHOSEN, cancellation_timeout=30)
async def stay(stopped: Any, name: str, **_: Any) -> None:
    """Runs as long as the object is there."""
    print("began", name, flush=True)
    try:
        while not stopped:
            await asyncio.sleep(0.1)
    finally:
        print("ended", name, flush=True)


@kopf.on.create("deployments", labels=CHOSEN)
async def bear(namespace: str, **_: Any) -> None:
    """Make an object that goes with its owner."""
    from kubernetes_asyncio import client, config

    child: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child"}}
    kopf.append_owner_reference(child)
    await config.load_kube_config()
    async with client.ApiClient() as api:
        await client.CoreV1Api(api).create_namespaced_config_map(namespace, child)
