"""The choice of endpoints."""

from __future__ import annotations

import random

from kube_actors.network.balancer import Balancer
from kube_actors.network.services import Endpoint

A, B, C = (Endpoint(name, 80) for name in "abc")


def a_balancer(*endpoints: Endpoint, affinity: float | None = None) -> Balancer:
    """With a fixed seed."""
    balancer = Balancer(random.Random(0))
    balancer.set_endpoints(endpoints, affinity)
    return balancer


def first(balancer: Balancer, now: float = 0.0, client: str = "client") -> Endpoint | None:
    """Where a connection that succeeds at once goes."""
    endpoint = next(balancer.candidates(client, now), None)
    if endpoint is not None:
        balancer.connected(client, endpoint, now)
    return endpoint


def test_turns_are_taken_and_each_is_tried_once() -> None:
    """Round robin over connections; within one, every endpoint once."""
    balancer = a_balancer(A, B, C)
    assert sorted(balancer.candidates("x", 0)) == [A, B, C]
    turns = [first(balancer) for _ in range(6)]
    assert turns[:3] == turns[3:]
    assert set(turns) == {A, B, C}


def test_the_start_depends_on_the_seed() -> None:
    """Many proxies with one list do not all begin with the same pod."""
    rng = random.Random(0)
    starts = set()
    for _ in range(20):
        balancer = Balancer(rng)
        balancer.set_endpoints([A, B, C])
        starts.add(next(balancer.candidates("x", 0)))
    assert starts == {A, B, C}


def test_endpoints_may_change_while_one_is_tried() -> None:
    """The withdrawn are left out and the new ones tried last."""
    balancer = a_balancer(A, B)
    candidates = balancer.candidates("x", 0)
    tried = next(candidates)
    balancer.set_endpoints([tried, C])
    assert list(candidates) == [C]
    assert list(a_balancer().candidates("x", 0)) == []


def test_affinity_lasts_since_the_last_use_and_ends_with_the_endpoint() -> None:
    """sessionAffinity: ClientIP, per client."""
    balancer = a_balancer(A, B, C, affinity=10)
    mine = first(balancer, 0)
    assert mine is not None
    assert [first(balancer, now) for now in (9, 18, 27)] == [mine] * 3
    assert first(balancer, 27, "another") != mine
    others = [e for e in (A, B, C) if e != mine]
    balancer.set_endpoints(others, 10)
    assert first(balancer, 28) in others
    balancer.set_endpoints([A, B, C], None)
    assert {first(balancer, 29) for _ in range(3)} == {A, B, C}
