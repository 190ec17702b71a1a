"""What a fact about one attempt at a container makes of what is known of it, and of what people are told. Pure."""

from __future__ import annotations

from typing import NamedTuple

from kube_actors.actors.pod.words import Words, resize_words, start_failure, start_success
from kube_actors.api.views.containers import Container
from kube_actors.messages.pod import ContainerFailed, ContainerResized, ContainerStarted, HookEnded
from kube_actors.plan.observed import Observed


class Heard(NamedTuple):
    """What is known now, and Events about the container."""

    observed: Observed
    words: tuple[Words, ...] = ()


def started(container: Container, before: Observed, fact: ContainerStarted) -> Heard:
    """An attempt runs; its postStart, if it has one, has begun."""
    hook = container.lifecycle is not None and container.lifecycle.post_start is not None
    image, one = container.image, fact.started
    after = before.running(one.started_at, container_id=one.runtime_id, image=image, image_id=image, hook=hook)
    return Heard(after.run_by(one.user), start_success(image))


def failed(container: Container, before: Observed, fact: ContainerFailed, now: float) -> Heard:
    """An attempt could not be started.

    A program that cannot be executed is an attempt that ended; everything else is tried again as the same attempt.
    """
    words = start_failure(container.image, fact.reason, fact.message, again=before.failure is not None)
    if fact.reason == "StartError":
        return Heard(before.not_executed(fact.message, now), words)
    return Heard(before.failed(fact.reason, fact.message, now), words)


def resized(before: Observed, fact: ContainerResized, now: float) -> Heard:
    """A change of resources is done, or could not be made."""
    return Heard(before.resized(fact.reason, fact.message, now), resize_words(fact))


def hooked(before: Observed, fact: HookEnded) -> Heard:
    """PostStart has ended, well or not."""
    if fact.error is None:
        return Heard(before.hooked(True))
    words = Words("Warning", "FailedPostStartHook", f"PostStartHook failed: {fact.error}")
    return Heard(before.hooked(False), (words,))
