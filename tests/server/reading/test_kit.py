"""What the kit promises to the tests that are built on it."""

from __future__ import annotations

from kube_actors.store import Key
from tests.server import kit


async def test_objects_of_a_session_are_stored_as_the_administrator() -> None:
    """What `create` stores is in the store, in the namespace asked for."""
    session = await kit.new_session("shop")
    await kit.create(session, kit.config_map("one", a="b"), "shop")
    assert session.plane.store.get(Key("configmaps", "shop", "one")) is not None


async def test_errors_come_as_a_status() -> None:
    """The whole chain answers an unknown path with 404 and a Status."""
    response = await kit.ask(await kit.new_session(), "GET", "/apis/apps/v1/things")
    assert kit.json_of(response)["reason"] == "NotFound"
