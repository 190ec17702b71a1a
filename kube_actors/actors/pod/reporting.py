"""What became of a pod, written into its status; and the runtime's facts in the words of the plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from kube_actors.api.views import PodView
from kube_actors.api.views.pods import PodResources
from kube_actors.errors import ApiError
from kube_actors.node.runtime.base import ContainerExited, FoundSandbox, Runtime
from kube_actors.plan.observed import Exit, Observed, PodState
from kube_actors.plan.pod_adoption import FoundAttempt
from kube_actors.plan.pod_status import pod_status, resources_of_whole, status_body
from kube_actors.store import Key, Revision
from kube_actors.writes import Client


def exit_of(exit: ContainerExited, observed: Observed | None, last_words: str = "") -> Exit:
    """The end of an attempt as the plan knows it, with the reason Kubernetes shows.

    `last_words` stand in for a termination message the container did not leave.
    """
    reason = "OOMKilled" if exit.oom_killed else "Completed" if exit.exit_code == 0 else "Error"
    return Exit(
        exit_code=exit.exit_code,
        finished_at=exit.finished_at,
        started_at=observed.started_at if observed is not None else None,
        reason=reason,
        message=exit.message or last_words,
        container_id=observed.container_id if observed is not None else "",
    )


def found_attempts(found: FoundSandbox, runtime: Runtime) -> tuple[FoundAttempt, ...]:
    """What a runtime found, for adoption."""
    attempts = []
    for one in found.containers:
        started = Observed(one.id.name, one.id.attempt, container_id=one.runtime_id, started_at=one.started_at)
        ended = exit_of(one.exit, started) if one.exit is not None else None
        attempts.append(FoundAttempt(one.id.name, one.id.attempt, one.started_at, one.runtime_id, ended, one.user))
    return tuple(attempts)


STATUS = "status"
"""Key of the alarm that ends a pause before a report."""
REPORT_PAUSE = 0.05
"""Cluster seconds a report waits while the pod is in the middle of something, to say all of it at once."""


class StatusReport:
    """Writes a pod's status when it differs from what is stored, and only the part that is the node's."""

    def __init__(self, client: Client, key: Key, uid: str, set_alarm: Callable[[float, str], None]) -> None:
        self._client = client
        self._key = key
        self._uid = uid
        self._set_alarm = set_alarm
        self._due: float | None = None
        self._whole: PodResources | None = None

    def put_off(self, until: float) -> None:
        """More will be known in a moment, or what is known be worth more: report at the latest then."""
        if self._due is None or until > self._due + REPORT_PAUSE:
            self._due = until
            self._set_alarm(until, STATUS)

    def settle(self) -> None:
        """What was put off is being reported."""
        if self._due is not None:
            self._due = None
            self._set_alarm(math.inf, STATUS)

    async def write(self, pod: PodView, seen: Revision, state: PodState, now: float) -> tuple[Revision, PodView]:
        """One write, or none, for a pod last seen as `seen`; of a pod that is gone or new there is nothing to report.

        Answers what is to count as seen: the new revision, unless somebody else wrote in between. Raises ApiError for
        any other failure of the write.
        """
        status = pod_status(pod, state, now)
        whole = resources_of_whole(pod, state)
        if status == pod.status and whole == self._whole:
            return seen, pod
        body, self._whole = status_body(status, state, whole), whole
        version = str(seen.resource_version)
        alone = False

        def change(stored: dict[str, Any]) -> dict[str, Any]:
            nonlocal alone
            alone = stored["metadata"]["resourceVersion"] == version
            return {**stored, "status": {**stored.get("status", {}), **body}}

        try:
            revision = await self._client.edit(self._key, change, "status", uid=self._uid, in_place=False)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise
            return seen, pod
        if not alone:
            return seen, pod
        metadata = attrs.evolve(pod.metadata, resource_version=str(revision.resource_version))
        return revision, attrs.evolve(pod, metadata=metadata, status=status)
