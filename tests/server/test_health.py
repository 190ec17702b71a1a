"""Whether the server is well, as load balancers, kubelets and people ask."""

from __future__ import annotations

import pytest

from kube_actors.server.health import HealthChecks
from kube_actors.server.http import Full
from kube_actors.store.journal.errors import JournalFailed
from tests.server.kit import ask, body_of, create, new_session
from tests.store.building import HeldJournal


async def get(target: str, checks: HealthChecks | None = None) -> tuple[int, str]:
    """Status and text of the answer."""
    parts = () if checks is None else (checks,)
    answer = await ask(await new_session(), "GET", target, parts=parts)
    assert isinstance(answer, Full)
    return answer.status, body_of(answer).decode()


async def ill() -> str:
    """A check that fails."""
    return "no more room"


@pytest.mark.parametrize("endpoint", ["healthz", "livez", "readyz"])
async def test_all_is_well(endpoint: str) -> None:
    """`ok`, and nothing else; the checks when asked."""
    assert await get(f"/{endpoint}") == (200, "ok")
    status, text = await get(f"/{endpoint}?verbose")
    assert status == 200
    assert text.startswith("[+]ping ok\n[+]log ok\n[+]etcd ok\n")
    assert text.endswith(f"{endpoint} check passed\n")


async def test_single_checks() -> None:
    """One check by its path; one that does not belong to the endpoint is not there."""
    assert await get("/readyz/etcd") == (200, "ok")
    assert (await get("/livez/shutdown"))[0] == 404
    assert (await get("/readyz/nope"))[0] == 404


async def test_a_draining_server_is_alive_but_not_ready() -> None:
    """Load balancers are to send nobody more; nothing is to restart it."""
    checks = HealthChecks(draining=True)
    status, text = await get("/readyz", checks)
    assert status == 500
    assert "[-]shutdown failed: reason withheld\n" in text
    assert text.endswith("readyz check failed\n")
    assert await get("/livez", checks) == (200, "ok")


async def test_more_checks() -> None:
    """A check that fails says why only where it alone is asked for."""
    checks = HealthChecks()
    checks.add("poststarthook/start-nodes", ill, ("readyz",))
    status, text = await get("/readyz?verbose", checks)
    assert (status, "no more room" in text) == (500, False)
    assert await get("/readyz/poststarthook/start-nodes", checks) == (500, "internal server error: no more room\n")
    assert await get("/readyz?exclude=poststarthook/start-nodes", checks) == (200, "ok")


async def test_what_cannot_be_excluded() -> None:
    """A name that nothing has is pointed out."""
    _, text = await get("/readyz?verbose&exclude=ping&exclude=x")
    assert "[+]ping excluded: ok\n" in text
    assert 'warn: some health checks cannot be excluded: no matches for "x"\n' in text


async def test_a_broken_journal() -> None:
    """What can no longer be made durable makes the server unhealthy."""
    journal = HeldJournal()
    session = await new_session(journal=journal)
    journal.release()
    assert body_of(await ask(session, "GET", "/readyz")) == b"ok"
    await create(session, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})
    journal.failure = JournalFailed("the disk is full")
    journal._on_failed()
    answer = await ask(session, "GET", "/readyz")
    assert isinstance(answer, Full)
    assert answer.status == 500
    assert b"[-]etcd failed: reason withheld" in body_of(answer)
