"""The Kubernetes API of an embedded cluster, for client programs beside it."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

import kube_actors
from kube_actors.api.codecs.yaml import load_documents
from kube_actors.testing.builders import config_map


async def got(kubeconfig: Path, path: str, tmp_path: Path) -> Any:
    """What the API answers to the owner's GET."""
    import base64

    body = load_documents(kubeconfig.read_text(), "kubeconfig")[0].body
    cluster, user = body["clusters"][0]["cluster"], body["users"][0]["user"]
    for name, data in (("crt", user["client-certificate-data"]), ("key", user["client-key-data"])):
        (tmp_path / name).write_bytes(base64.b64decode(data))
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    where = urlsplit(cluster["server"])
    assert where.hostname is not None
    assert where.port is not None
    stream = await trio.open_ssl_over_tcp_stream(where.hostname, where.port, ssl_context=context, https_compatible=True)
    async with stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join([part async for part in stream])
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_clients_beside_the_program(tmp_path: Path) -> None:
    """What the program applies the clients see, in virtual time too; the file goes with the cluster."""
    async with kube_actors.open_cluster(config_map("settings", colour="blue"), virtual=True, api=True) as cluster:
        kubeconfig = cluster.kubeconfig
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        body = await got(kubeconfig, "/api/v1/namespaces/default/configmaps/settings", tmp_path)
        assert body["data"] == {"colour": "blue"}
    assert not kubeconfig.exists()


async def test_no_api_unless_asked_for() -> None:
    """Nothing listens, and it is said how to have it."""
    async with kube_actors.open_cluster(virtual=True) as cluster:
        with pytest.raises(kube_actors.UsageError, match="api=True"):
            assert cluster.kubeconfig
