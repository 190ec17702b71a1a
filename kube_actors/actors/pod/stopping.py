"""Stopping a pod's containers: the grace of each, as an alarm of the Pod actor, and the kill at its end."""

from __future__ import annotations

from collections.abc import Callable

from kube_actors.actors.pod.work import PodWork
from kube_actors.api.views.containers import Container
from kube_actors.kernel import Context, Ref
from kube_actors.messages.network import NetworkMessage
from kube_actors.messages.pod import PodMessage
from kube_actors.node.runtime.base import ContainerId
from kube_actors.plan.observed import Observed
from kube_actors.plan.pod_lifecycle import StopContainer

LEAST_GRACE_AFTER_HOOK = 2.0
"""Seconds a container gets after preStop even when the hook used up the grace, as from the kubelet."""


class Stopping:
    """When the containers that are being stopped are killed. Alarms come back as `("kill", name)`."""

    def __init__(self, context: Context[PodMessage], work: PodWork, now: Callable[[], float]) -> None:
        self._context = context
        self._work = work
        self._now = now
        self._kill_at: dict[str, float] = {}

    def begin(self, action: StopContainer, container: Container, network: Ref[NetworkMessage] | None) -> None:
        """Begin to stop a container. With `network` its pod ends, and is withdrawn from there before."""
        self.shorten(action)
        self._work.say("Normal", action.reason, action.message, action.name)
        id = ContainerId(self._work.pod.metadata.uid, action.name, action.attempt)
        arguments = (container, id, action.kill_at, network)
        self._context.start_task(self._work.stop_container, *arguments, name=f"stop {action.name}")

    def shorten(self, action: StopContainer) -> None:
        """The grace of a container ends at another time than it was to."""
        self._set(action.name, action.kill_at)

    def forget(self, name: str) -> None:
        """A new attempt begins: what was ordered for the one before does not concern it."""
        self._kill_at.pop(name, None)

    def signal_sent(self, container: Container, grace_seconds: float) -> None:
        """After a hook that took long the container still gets a moment to react, unless its pod has no grace."""
        due, least = self._kill_at.get(container.name), self._now() + LEAST_GRACE_AFTER_HOOK
        hooked = container.lifecycle is not None and container.lifecycle.pre_stop is not None
        if due is not None and hooked and due < least and grace_seconds > 0:
            self._set(container.name, least)

    def kill_if_due(self, observed: Observed) -> None:
        """An alarm went off: kill, unless the grace has become longer meanwhile."""
        due = self._kill_at.get(observed.name)
        if due is None or not observed.alive:
            return
        if self._now() < due:
            self._set(observed.name, due)
            return
        id = ContainerId(self._work.pod.metadata.uid, observed.name, observed.attempt)
        self._context.start_task(self._work.kill, id, name=f"kill {observed.name}")

    def _set(self, name: str, due: float) -> None:
        self._kill_at[name] = due
        self._context.notify_at(due, ("kill", name))
