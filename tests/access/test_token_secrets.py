"""Secrets that hold a token of a service account: filled, kept right, used and removed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from kube_actors.access.authenticators import TokenRefused
from kube_actors.actors.namespace_object import EVERYWHERE
from kube_actors.api.times import rfc3339
from kube_actors.store import Key
from tests.access.requests import World, open_world

KEY = Key("secrets", "default", "robot-token")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A cluster with the account `robot`."""
    async with open_world(tmp_path) as world:
        await world.client.create(account("robot"))
        yield world


def account(name: str) -> dict[str, Any]:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}


def secret(name: str = "robot-token", owner: str = "robot") -> dict[str, Any]:
    """A Secret that asks for a token."""
    annotations = {"kubernetes.io/service-account.name": owner}
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}


async def filled(world: World) -> dict[str, str]:
    """The Secret's data, decoded, once the actor has looked."""
    await wait_all_tasks_blocked()
    revision = world.store.get(KEY)
    assert revision is not None
    return {name: base64.b64decode(value).decode() for name, value in (revision.body().get("data") or {}).items()}


async def test_a_secret_is_filled(world: World) -> None:
    """Token, certificate, namespace, and the account's uid beside its name."""
    await world.client.create(secret())
    data = await filled(world)
    assert data["ca.crt"].encode() == world.authority.ca_pem
    assert data["namespace"] == "default"
    verified = world.tokens.verify(data["token"])
    assert verified is not None
    assert verified.user.name == "system:serviceaccount:default:robot"
    revision = world.store.get(KEY)
    assert revision is not None
    uid = revision.body()["metadata"]["annotations"]["kubernetes.io/service-account.uid"]
    assert uid == verified.user.uid


async def test_tokens_that_are_used(world: World) -> None:
    """The Secret says on which day its token was used last; one that is marked as unused for too long is refused."""
    await world.client.create(secret())
    token = (await filled(world))["token"]

    async def last_used() -> str | None:
        assert world.tokens.verify(token) is not None
        await wait_all_tasks_blocked()
        revision = world.store.get(KEY)
        assert revision is not None
        return revision.projection.labels.get("kubernetes.io/legacy-token-last-used")

    assert await last_used() == "2025-01-01"
    head = world.store.head
    assert await last_used() == "2025-01-01"
    assert world.store.head == head
    await world.clock.step(2 * 24 * 3600)
    assert await last_used() == "2025-01-03"
    mark = {"kubernetes.io/legacy-token-invalid-since": "2025-01-03"}
    await world.client.mutate(KEY, lambda body: body["metadata"]["labels"].update(mark))
    with pytest.raises(TokenRefused, match="has been marked invalid"):
        world.tokens.verify(token)


async def test_a_renewed_authority(world: World) -> None:
    """Clients go on trusting the server: the Secret has the new certificate, and the token it had."""
    await world.client.create(secret())
    before = await filled(world)
    await world.clock.step(9 * 365 * 24 * 3600)
    assert world.authority.renew()
    actor = world.system.find("/token-secrets")
    assert actor is not None
    actor.notify(EVERYWHERE)
    after = await filled(world)
    assert after["ca.crt"] != before["ca.crt"]
    assert after == {**before, "ca.crt": world.authority.ca_pem.decode()}


async def test_the_token_lives_as_long_as_its_secret(world: World) -> None:
    """Deleted, or with another token in it, and it is good no more; time does nothing to it."""
    await world.client.create(secret())
    token = (await filled(world))["token"]
    await world.clock.step(10 * 365 * 24 * 3600)
    assert world.tokens.verify(token) is not None

    def change(body: dict[str, Any]) -> None:
        body["data"]["token"] = base64.b64encode(b"another").decode()

    await world.client.mutate(KEY, change)
    with pytest.raises(TokenRefused, match="does not match server's copy"):
        world.tokens.verify(token)
    await world.client.delete(KEY)
    with pytest.raises(TokenRefused, match="invalidated"):
        world.tokens.verify(token)


async def test_what_somebody_removes_comes_back(world: World) -> None:
    """A new token, not the one that was withdrawn, and the right certificate."""
    await world.client.create(secret())
    first = await filled(world)

    def change(body: dict[str, Any]) -> None:
        body["data"] = {"ca.crt": "AAAA", "mine": "AAAA"}

    await world.client.mutate(KEY, change)
    second = await filled(world)
    assert second["ca.crt"] == first["ca.crt"]
    assert "mine" in second
    assert world.tokens.verify(second["token"]) is not None


async def test_without_its_account_a_secret_goes(world: World) -> None:
    """One for nobody at once, one of a deleted account with it, also when another of the name comes."""
    await world.client.create(secret("nobodys", "nobody"))
    await world.client.create(secret())
    await wait_all_tasks_blocked()
    assert world.store.get(Key("secrets", "default", "nobodys")) is None
    assert world.store.get(KEY) is not None
    await world.client.delete(Key("serviceaccounts", "default", "robot"))
    await world.client.create(account("robot"))
    await wait_all_tasks_blocked()
    assert world.store.get(KEY) is None


async def test_other_secrets_are_left_alone(world: World) -> None:
    """Whatever their annotations say."""
    body = {**secret(), "type": "Opaque", "data": {}}
    body["metadata"]["annotations"]["note"] = '{"type":"kubernetes.io/service-account-token"}'
    await world.client.create(body)
    assert await filled(world) == {}


async def test_since_when_use_is_noted(world: World) -> None:
    """A ConfigMap says the day as soon as there is a place for it; it comes back, and nonsense is put right."""
    key = Key("configmaps", "kube-system", "kube-apiserver-legacy-service-account-token-tracking")
    assert world.store.get(key) is None
    await world.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})

    async def data() -> Any:
        await wait_all_tasks_blocked()
        return world.client.live(key).body()["data"]

    today = await data()
    assert today == {"since": rfc3339(world.clock.now())[:10]}
    for nonsense in ("yesterday", "20250101"):
        await world.client.mutate(key, lambda body, text=nonsense: body["data"].update(since=text))  # type: ignore[misc]
        assert await data() == today
    await world.client.mutate(key, lambda body: body["data"].update(since="2020-02-03"))
    assert await data() == {"since": "2020-02-03"}
    await world.client.delete(key)
    assert await data() == today
