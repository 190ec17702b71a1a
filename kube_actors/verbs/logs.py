"""`logs`: what a container printed, from its log file, while it runs and afterwards."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import trio

from kube_actors.errors import bad_request
from kube_actors.node.container_logs import POLL_SECONDS, LogOptions, read_log
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.pods import container_status, node_of
from kube_actors.verbs.session import Session

_PULLING = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
_RAN = frozenset({"CrashLoopBackOff", "RunContainerError"})


@frozen
class LogTarget:
    """One attempt at one container of a pod."""

    pod: Revision
    container: str
    attempt: int
    path: str

    def exists(self) -> bool:
        """Whether it has printed anything yet."""
        return os.path.exists(self.path)


def log_target(session: Session, pod: Revision, container: str, *, previous: bool = False) -> LogTarget:
    """Whose log is meant. ApiError 400 in the kubelet's words when there is none yet, or no previous one."""
    body = pod.body()
    node_of(body)
    if not session.logs:
        raise VerbError("this cluster keeps no logs")
    status = container_status(body, container)
    attempt = _attempt(body["metadata"]["name"], container, status or {}, previous=previous)
    directory = f"{session.logs}/{pod.key.namespace}_{pod.key.name}_{pod.uid}/{container}"
    while not previous and attempt and not os.path.exists(f"{directory}/{attempt}.log"):
        attempt -= 1  # the newest attempt has not begun: the last one that ran is meant
    return LogTarget(pod, container, attempt, f"{directory}/{attempt}.log")


def _attempt(pod: str, container: str, status: Mapping[str, Any], *, previous: bool) -> int:
    """The number of the attempt whose log is meant."""
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    waiting = state.get("waiting") or {}
    restarts = int(status.get("restartCount", 0))
    shows_latest_as_last = waiting.get("reason") in _RAN and last is not None
    if previous:
        if last is None:
            raise bad_request(f'previous terminated container "{container}" in pod "{pod}" not found')
        return restarts if shows_latest_as_last else max(restarts - 1, 0)
    if "running" in state or "terminated" in state or last is not None:
        return restarts
    why = waiting.get("reason") or "ContainerCreating"
    raise bad_request(f'container "{container}" in pod "{pod}" is waiting to start: {_PULLING.get(why, why)}')


async def logs(session: Session, target: LogTarget, options: LogOptions) -> AsyncGenerator[bytes, None]:
    """The log's lines in pieces. With `options.follow` until the container has ended, and a missing file is awaited."""

    def ended() -> bool:
        return has_ended(session, target)

    while not target.exists():
        if not options.follow or ended():
            return
        await trio.sleep(POLL_SECONDS)
    with contextlib.suppress(FileNotFoundError):  # the pod went, and its logs were collected just now
        async with contextlib.aclosing(read_log(target.path, options, ended)) as pieces:
            async for piece in pieces:
                yield piece


def has_ended(session: Session, target: LogTarget) -> bool:
    """Whether the attempt has exited, as far as the pod's status says."""
    revision = session.plane.store.get(target.pod.key)
    if revision is None or revision.uid != target.pod.uid:
        return True
    status = container_status(revision.body(), target.container) or {}
    state = status.get("state") or {}
    if int(status.get("restartCount", 0)) != target.attempt:
        return int(status.get("restartCount", 0)) > target.attempt
    ran = (state.get("waiting") or {}).get("reason") in _RAN
    return "terminated" in state or (ran and bool((status.get("lastState") or {}).get("terminated")))
