"""`kubernetes_asyncio`: objects, a watch, exec over a WebSocket."""

from __future__ import annotations

import asyncio
import sys

from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.stream import WsApiClient

NAMESPACE = sys.argv[1]
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "one"},
    "spec": {"containers": [{"name": "main", "image": "host", "command": ["sleep", "1000"]}]},
}


async def main() -> None:
    """The tour."""
    await config.load_kube_config()
    async with ApiClient() as api:
        core = client.CoreV1Api(api)
        await core.create_namespaced_pod(NAMESPACE, POD)
        async with watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, timeout_seconds=60) as events:
            async for event in events:
                if event["object"].status.phase == "Running":
                    print("running", event["object"].metadata.name)
                    break
    async with WsApiClient() as streaming:
        said = await client.CoreV1Api(streaming).connect_get_namespaced_pod_exec(
            "one", NAMESPACE, command=["echo", "from exec"], stdout=True, stderr=True, stdin=False, tty=False
        )
        print("exec", said.strip())
    async with ApiClient() as api:
        gone = await client.CoreV1Api(api).delete_namespaced_pod("one", NAMESPACE, grace_period_seconds=0)
        print("deleted", gone.metadata.name)


asyncio.run(main())
