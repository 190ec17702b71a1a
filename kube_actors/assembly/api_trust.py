"""Whom the API trusts, for programs that extend it: the ConfigMap `extension-apiserver-authentication`."""

from __future__ import annotations

from typing import Any

from kube_actors.store import Key
from kube_actors.writes import Client

TRUST = Key("configmaps", "kube-system", "extension-apiserver-authentication")
CLIENT_CA = "client-ca-file"


async def publish_trust(client: Client, ca_pem: str) -> None:
    """Keep the certificate by which clients' certificates are checked where everybody looks for it."""
    data = {CLIENT_CA: ca_pem}
    if client.get(TRUST) is None:
        metadata: dict[str, Any] = {"name": TRUST.name, "namespace": TRUST.namespace}
        await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        return
    await client.mutate(TRUST, lambda body: body.setdefault("data", {}).update(data))
