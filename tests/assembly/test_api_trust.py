"""Where extensions of the API find the certificate of its clients."""

from __future__ import annotations

from kube_actors.assembly.api_trust import TRUST, publish_trust
from tests.server.kit import new_session


async def test_the_certificate_is_published_and_kept() -> None:
    """Made once, put right later; what others keep beside it stays."""
    session = await new_session("kube-system")
    await publish_trust(session.client, "FIRST")
    found = session.client.live(TRUST)
    assert found.body()["data"] == {"client-ca-file": "FIRST"}
    await session.client.mutate(TRUST, lambda body: body["data"].update(other="kept"))
    await publish_trust(session.client, "SECOND")
    assert session.client.live(TRUST).body()["data"] == {"client-ca-file": "SECOND", "other": "kept"}
