"""Events: counting, putting together, and cutting short."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.times import parse_rfc3339
from kube_actors.plan.events import (
    CountEvent,
    CreateEvent,
    DropEvent,
    EventAction,
    EventCorrelator,
    Said,
    Similar,
    last_seen,
)

PULLED = Similar("kubelet", "n1", "pod-1", "Normal", "Pulled")


class Recorder:
    """A correlator whose created events are remembered under numbers."""

    def __init__(self) -> None:
        self.correlator = EventCorrelator()
        self.created = 0

    def say(self, similar: Similar, message: str, now: float, field_path: str = "") -> EventAction:
        """Plan, and remember what is created."""
        action, key = self.correlator.plan(Said(similar, message, field_path), now)
        if isinstance(action, CreateEvent):
            self.created += 1
            self.correlator.remember(key, f"e{self.created}", now)
        return action


def test_the_same_again_is_counted() -> None:
    """One Event with a growing count; another message makes another."""
    recorder = Recorder()
    assert recorder.say(PULLED, "a", 0.0) == CreateEvent("a")
    assert recorder.say(PULLED, "a", 1.0) == CountEvent("e1", 2, "a")
    assert recorder.say(PULLED, "b", 2.0) == CreateEvent("b")
    assert recorder.say(PULLED, "a", 3.0) == CountEvent("e1", 3, "a")


def test_each_container_has_its_own() -> None:
    """The same words about another container are another Event; put together, they are about the pod."""
    recorder = Recorder()
    assert recorder.say(PULLED, "a", 0.0, "spec.containers{one}") == CreateEvent("a")
    assert recorder.say(PULLED, "a", 0.0, "spec.containers{two}") == CreateEvent("a")
    assert recorder.say(PULLED, "a", 1.0, "spec.containers{one}") == CountEvent("e1", 2, "a")
    for number in range(8):
        recorder.say(PULLED, str(number), 2.0)
    assert recorder.say(PULLED, "x", 3.0, "spec.containers{one}") == CreateEvent("(combined from similar events): x")
    assert isinstance(recorder.say(PULLED, "y", 4.0, "spec.containers{two}"), CountEvent)


def test_many_similar_ones_are_put_together() -> None:
    """From the tenth different message on they share one Event, until ten quiet minutes have passed."""
    recorder = Recorder()
    for number in range(9):
        assert recorder.say(PULLED, str(number), 0.0) == CreateEvent(str(number))
    assert recorder.say(PULLED, "x", 1.0) == CreateEvent("(combined from similar events): x")
    assert recorder.say(PULLED, "y", 2.0) == CountEvent("e10", 2, "(combined from similar events): y")
    assert recorder.say(PULLED, "z", 700.0) == CreateEvent("z")


def test_an_object_that_says_too_much_is_cut_short() -> None:
    """25 at once, then one every five minutes; other objects are not affected."""
    recorder = Recorder()
    for _ in range(25):
        assert not isinstance(recorder.say(PULLED, "a", 0.0), DropEvent)
    assert recorder.say(PULLED, "a", 1.0) == DropEvent()
    assert recorder.say(PULLED._replace(uid="pod-2"), "a", 1.0) == CreateEvent("a")
    assert recorder.say(PULLED, "a", 302.0) == CountEvent("e1", 26, "a")
    assert recorder.say(PULLED, "a", 303.0) == DropEvent()


def test_an_event_that_is_gone_is_made_again() -> None:
    """Counting what nobody can read any more would lose it."""
    recorder = Recorder()
    recorder.say(PULLED, "a", 0.0)
    _, key = recorder.correlator.plan(Said(PULLED, "a"), 1.0)
    recorder.correlator.forget(key)
    assert recorder.say(PULLED, "a", 2.0) == CreateEvent("a")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, "2025-01-01T00:00:00Z"),
        ({"lastTimestamp": "2025-01-01T00:10:00Z"}, "2025-01-01T00:10:00Z"),
        ({"eventTime": "2025-01-01T00:20:00.500000Z", "lastTimestamp": None}, "2025-01-01T00:20:00.500000Z"),
        ({"series": {"lastObservedTime": "2025-01-01T00:30:00.000000Z"}}, "2025-01-01T00:30:00Z"),
    ],
)
def test_when_an_event_was_seen_last(fields: dict[str, Any], seen: str) -> None:
    """In whichever form it was written."""
    metadata = {"creationTimestamp": "2025-01-01T00:00:00Z"}
    assert last_seen({"metadata": metadata, **fields}) == parse_rfc3339(seen)
