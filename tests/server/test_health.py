"""Whether the server is well, as load balancers, kubelets and people ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from kube_actors.assembly.api_endpoints import ApiEndpoint, publish_api
from kube_actors.assembly.api_trust import TRUST, publish_trust
from kube_actors.assembly.default_api_services import publish_api_services
from kube_actors.assembly.defaults import create_defaults
from kube_actors.server.flow_control import FlowControl
from kube_actors.server.health import HealthChecks
from kube_actors.server.http import Full
from kube_actors.store import Key
from kube_actors.store.journal.errors import JournalFailed
from kube_actors.verbs.session import Session
from tests.server.kit import ask, body_of, create, new_session
from tests.store.building import HeldJournal

HOOKS = (
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "autoregister-completion",
)


async def get(target: str, session: Session | None = None, *parts: object) -> tuple[int, str]:
    """Status and text of the answer."""
    answer = await ask(session or await new_session(), "GET", target, parts=parts)
    assert isinstance(answer, Full)
    return answer.status, body_of(answer).decode()


@asynccontextmanager
async def started() -> AsyncIterator[tuple[Session, FlowControl]]:
    """A cluster as it is when its API is served: everything is made that a start makes."""
    session = await new_session()
    client, flow = session.client, FlowControl(session.plane.store)
    await create_defaults(client)
    await publish_trust(client, "a certificate")
    await publish_api(client, ApiEndpoint("10.0.0.1", 6443, "10.96.0.1"))
    await publish_api_services(client)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.run)
        await trio.testing.wait_all_tasks_blocked()
        yield session, flow
        nursery.cancel_scope.cancel()


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
    for nothing in ("nope", "", "etcd/", "/etcd"):
        assert await get(f"/readyz/{nothing}") == (404, "404 page not found\n")


@pytest.mark.parametrize("endpoint", ["healthz", "livez", "readyz"])
async def test_what_a_start_has_done(endpoint: str) -> None:
    """Every endpoint names it, in Kubernetes' order; done, it stays done, whatever becomes of what was made."""
    async with started() as (session, flow):
        parts = HealthChecks(), flow
        status, text = await get(f"/{endpoint}?verbose", session, *parts)
        names = [line.removeprefix("[+]").removesuffix(" ok") for line in text.splitlines()]
        assert (status, tuple(name for name in names if name in HOOKS)) == (200, HOOKS)
        for kind, name in (("clusterroles.rbac.authorization.k8s.io", "edit"), ("services", "kubernetes")):
            await session.client.delete(Key(kind, "default" if kind == "services" else "", name))
        assert (await get(f"/{endpoint}", session, *parts))[0] == 200
        assert (await get(f"/{endpoint}/poststarthook/rbac/bootstrap-roles", session, *parts)) == (200, "ok")


ROLES = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("hook", "key"),
    [
        ("start-system-namespaces-controller", Key("namespaces", "", "kube-node-lease")),
        ("start-cluster-authentication-info-controller", TRUST),
        ("rbac/bootstrap-roles", Key(f"clusterroles.{ROLES}", "", "view")),
        ("rbac/bootstrap-roles", Key(f"clusterrolebindings.{ROLES}", "", "system:controller:job-controller")),
        ("rbac/bootstrap-roles", Key(f"rolebindings.{ROLES}", "kube-system", "system::leader-locking-kube-scheduler")),
        (
            "scheduling/bootstrap-system-priority-classes",
            Key("priorityclasses.scheduling.k8s.io", "", "system-node-critical"),
        ),
        ("priority-and-fairness-config-producer", Key("flowschemas.flowcontrol.apiserver.k8s.io", "", "exempt")),
        ("bootstrap-controller", Key("endpointslices.discovery.k8s.io", "default", "kubernetes")),
    ],
)
async def test_what_a_start_has_not_done(hook: str, key: Key) -> None:
    """That hook fails and no other, and it can be left out of the question."""
    async with started() as (session, flow):
        store, parts, name = session.plane.store, (HealthChecks(), flow), f"poststarthook/{hook}"
        missing = store.get(key)
        assert missing is not None
        store.remove(key, missing.resource_version, missing.body())
        assert await get(f"/livez/{name}", session, *parts) == (500, "internal server error: not finished\n")
        status, text = await get("/livez", session, *parts)
        failed = [line for line in text.splitlines() if line.startswith("[-]")]
        assert (status, failed) == (500, [f"[-]{name} failed: reason withheld"])
        assert await get(f"/livez?exclude={name}", session, *parts) == (200, "ok")


async def test_apis_that_nobody_registered() -> None:
    """They are named; what is added to what is served without an APIService would be, too."""
    async with started() as (session, flow):
        path, store = "/readyz/autoregister-completion", session.plane.store
        for name in ("v1.apps", "v1."):
            missing = store.get(Key("apiservices.apiregistration.k8s.io", "", name))
            assert missing is not None
            store.remove(missing.key, missing.resource_version, missing.body())
        why = "internal server error: missing APIService: [v1. v1.apps]\n"
        assert await get(path, session, HealthChecks(), flow) == (500, why)


async def test_flow_control_that_does_not_run() -> None:
    """Requests that wait for time to pass would wait for ever."""
    async with started() as (session, _):
        checks, path = HealthChecks(), "/livez/poststarthook/priority-and-fairness-filter"
        flow = FlowControl(session.plane.store)
        assert await get(path, session, checks, flow) == (500, "internal server error: not finished\n")


async def test_a_draining_server_is_alive_but_not_ready() -> None:
    """Load balancers are to send nobody more; nothing is to restart it."""
    async with started() as (session, flow):
        parts = HealthChecks(draining=True), flow
        status, text = await get("/readyz", session, *parts)
        assert status == 500
        assert "[-]shutdown failed: reason withheld\n" in text
        assert text.endswith("readyz check failed\n")
        assert await get("/livez", session, *parts) == (200, "ok")


async def test_more_checks() -> None:
    """A check that fails says why only where it alone is asked for."""
    async with started() as (session, flow):
        checks = HealthChecks()
        checks.add("start-nodes", ill, ("readyz",))
        status, text = await get("/readyz?verbose", session, checks, flow)
        assert (status, "no more room" in text) == (500, False)
        assert await get("/readyz/start-nodes", session, checks, flow) == (500, "internal server error: no more room\n")
        assert await get("/readyz?exclude=start-nodes", session, checks, flow) == (200, "ok")


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
