"""How endpoints share the slots of the service table."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.service_rules import SIZES
from kube_actors.node.agent.services import Backends, Endpoint, affinity_seconds, evenly

ENDPOINTS = st.lists(
    st.tuples(st.from_regex(r"10\.0\.0\.[1-9]", fullmatch=True), st.integers(1, 65535)),
    min_size=1,
    max_size=9,
    unique=True,
)


@given(ENDPOINTS)
def test_every_endpoint_has_as_many_slots(endpoints: list[Endpoint]) -> None:
    """Give or take one slot."""
    counts = Counter(evenly(tuple(endpoints), 64))
    assert sum(counts.values()) == 64
    assert set(counts) == set(endpoints)
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("affinity", [None, 10])
@pytest.mark.parametrize(("endpoints", "slots"), [(1, 64), (64, 64), (65, 1024), (300, 1024)])
def test_no_endpoint_is_left_out(endpoints: int, slots: int, affinity: int | None) -> None:
    """However many there are, each gets its share of the clients."""
    backends = Backends(tuple((f"10.0.{n // 250}.{n % 250 + 1}", 80) for n in range(endpoints)), affinity)
    chosen = evenly(backends.endpoints, backends.slots)
    assert len(chosen) == backends.slots == slots
    assert slots in SIZES
    assert set(chosen) == set(backends.endpoints)


def test_what_earlier_runtimes_say_of_affinity() -> None:
    """Only whether: then it is three hours."""
    assert [affinity_seconds(said) for said in (None, False, True, 7)] == [None, None, 10800, 7]


CHANGES = """
from kube_actors.node.agent import syscalls
from kube_actors.node.agent.nftables import Transaction
from kube_actors.node.agent.services import Backends, ServicePort, ServiceTable

def known(seconds):
    try:
        with Transaction() as change:
            change.add_elements(f"serving_{seconds}", [(bytes(20), None)]).commit()
    except FileNotFoundError:
        return False
    return True

syscalls.unshare(syscalls.NEWUSER | syscalls.NEWNET)
one, other = (ServicePort(f"10.1.0.{n}", "TCP", 80) for n in (1, 2))
lasting = lambda seconds: Backends((("10.0.0.1", 80),), seconds)
table = ServiceTable({one: lasting(7), other: lasting(7)})
changes = [{one: lasting(8)}, {other: None}, *({one: lasting(seconds)} for seconds in (7, None, 7)), {one: None}]
for wanted in changes:
    table.change(wanted)
    print(known(7), known(8))
"""


def test_what_remembers_clients_goes_with_its_last_service() -> None:
    """The kernel holds nothing for a time-out that no service has any more, and has it again when one does."""
    ran = subprocess.run([sys.executable, "-c", CHANGES], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == [
        "True True",
        "False True",
        "True False",
        "False False",
        "True False",
        "False False",
    ], ran.stderr
