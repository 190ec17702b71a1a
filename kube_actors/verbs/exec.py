"""`exec`: a command in a running container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.errors import ApiError, bad_request
from kube_actors.kernel import ActorStopped
from kube_actors.messages.node import Exec
from kube_actors.node.runtime.base import ContainerId, ExecSession, RuntimeFailure, RuntimeGone
from kube_actors.store import Revision
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.node import check_reachable, unreachable
from kube_actors.verbs.pods import container_status, node_of
from kube_actors.verbs.session import Session

START_DEADLINE = 30.0
"""Machine seconds a command may take to begin."""


async def open_exec(
    session: Session, pod: Revision, container: str, argv: Sequence[str], *, stdin: bool = False, tty: bool = False
) -> ExecSession:
    """Begin a command; close the session (`aclose`) when done with it.

    ApiError in Kubernetes' words when the pod is not bound, is over, or the container does not run.
    """
    if not argv:
        raise UsageError("you must specify at least one command for the container")
    body = pod.body()
    attempt = _running_attempt(body, container)
    await check_reachable(session, node_of(body))
    node = session.plane.directory.nodes[node_of(body)]
    ask = Exec(ContainerId(pod.uid, container, attempt), tuple(argv), stdin, tty)
    try:
        return await node.ask(ask, deadline=START_DEADLINE)
    except RuntimeFailure as error:
        raise ApiError("InternalError", 500, f"Internal error occurred: {error.message}") from error
    except (RuntimeGone, ActorStopped) as error:
        raise unreachable(node_of(body), str(error)) from error


def _running_attempt(body: Mapping[str, Any], container: str) -> int:
    node_of(body)
    phase = (body.get("status") or {}).get("phase", "Pending")
    if phase in ("Succeeded", "Failed"):
        raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    status = container_status(body, container)
    if status is None or "running" not in (status.get("state") or {}):
        raise ApiError("InternalError", 500, f'unable to upgrade connection: container not found ("{container}")')
    return int(status.get("restartCount", 0))
