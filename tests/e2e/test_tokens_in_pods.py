"""What every pod is given to reach the API with, and files that follow what they show."""

from __future__ import annotations

import base64
import json
from typing import Any

from kube_actors.store import Key

from .manifests import pod, sleeper
from .stage import Stage, eventually

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def test_the_token_of_a_pod(stage: Stage) -> None:
    """Bound to the pod, its account and its node, beside the namespace and the certificate; nobody writes there."""
    await stage.apply(pod("caller", sleeper()))
    await stage.ready("caller")
    _, token = await stage.exec("caller", "cat", f"{PLACE}/token")
    claims = claims_of(token)
    bound, body = claims["kubernetes.io"], stage.pod("caller")
    assert claims["sub"] == "system:serviceaccount:default:default"
    assert claims["exp"] - claims["iat"] >= 3600
    assert (bound["namespace"], bound["pod"]["uid"]) == ("default", body["metadata"]["uid"])
    assert bound["node"]["name"] == body["spec"]["nodeName"]
    assert (await stage.exec("caller", "cat", f"{PLACE}/namespace"))[1] == "default"
    code, _ = await stage.exec("caller", "sh", "-c", f"ls {PLACE}/ca.crt && echo x >{PLACE}/token")
    assert code != 0


async def test_labels_in_a_file_follow_the_pod(stage: Stage) -> None:
    """A file of the downward API shows a new label while the container runs on."""
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    mounts = [{"name": "about", "mountPath": "/about"}]
    volumes = [{"name": "about", "downwardAPI": {"items": items}}]
    await stage.apply(pod("told", sleeper(volumeMounts=mounts), volumes=volumes, labels={"app": "told"}))
    await stage.ready("told")
    key = Key("pods", "default", "told")
    await stage.client.mutate(key, lambda body: body["metadata"]["labels"].update(colour="blue"))

    async def arrived() -> bool:
        _, told = await stage.exec("told", "cat", "/about/labels")
        return told.splitlines() == ['app="told"', 'colour="blue"']

    await eventually(arrived)
    assert stage.container("told")["restartCount"] == 0


async def test_a_token_is_renewed(stage: Stage) -> None:
    """Most of an hour later the running container finds another one in the same place."""
    await stage.apply(pod("caller", sleeper()))
    await stage.ready("caller")
    _, first = await stage.exec("caller", "cat", f"{PLACE}/token")
    stage.cluster.system.clock.jump(3000)

    async def renewed() -> bool:
        _, token = await stage.exec("caller", "cat", f"{PLACE}/token")
        return token != first and claims_of(token)["iat"] >= claims_of(first)["iat"] + 3000

    await eventually(renewed)
    assert stage.container("caller")["restartCount"] == 0
