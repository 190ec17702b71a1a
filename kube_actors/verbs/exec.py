"""`exec`: a command in a running container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from kube_actors.errors import ApiError, KubeActorsError, bad_request
from kube_actors.kernel import Ask
from kube_actors.messages.node import Attach, Exec
from kube_actors.node.runtime.base import (
    ContainerId,
    RuntimeFailure,
    RuntimeGone,
)
from kube_actors.node.runtime.sessions import AttachSession, ExecSession
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.node import check_reachable, node_actor, unreachable
from kube_actors.verbs.pods import container_status, node_of
from kube_actors.verbs.session import Session

R = TypeVar("R")
START_DEADLINE = 30.0
"""Machine seconds a command may take to begin."""


class ContainerNotRunning(ApiError):
    """The node has no such container running: it has not begun, has ended, or waits to run again."""

    def __init__(self, message: str) -> None:
        super().__init__("InternalError", 500, message)


@frozen
class RunningContainer:
    """A container that ran when it was looked at, and the node it runs on."""

    id: ContainerId
    node: str


async def open_exec(
    session: Session, pod: Revision, container: str, argv: Sequence[str], *, stdin: bool = False, tty: bool = False
) -> ExecSession:
    """Begin a command; close the session (`aclose`) when done with it.

    ApiError in Kubernetes' words when the pod is not bound, is over, or the container does not run.
    """
    if not argv:
        raise UsageError("you must specify at least one command for the container")
    phase = (pod.body().get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    return await start_exec(session, await running_container(session, pod, container), argv, stdin=stdin, tty=tty)


async def running_container(session: Session, pod: Revision, container: str, missing: str = "") -> RunningContainer:
    """Where a command can begin. ApiError 400 for a pod that is bound to no node, 500 for a node that does not answer;
    ContainerNotRunning, of a pod that is over too: `missing` are its words, if not those of exec."""
    body = pod.body()
    attempt = _running_attempt(body, container, missing or f'container not found ("{container}")')
    node = node_of(body)
    await check_reachable(session, node)
    return RunningContainer(ContainerId(pod.uid, container, attempt), node)


async def start_exec(
    session: Session, target: RunningContainer, argv: Sequence[str], *, stdin: bool = False, tty: bool = False
) -> ExecSession:
    """Begin a command in a container; close the session when done with it. ApiError 500 when it cannot begin."""
    ask = Exec(target.id, tuple(argv), stdin, tty)
    return await ask_node(
        session, target.node, ask, "error executing command in container: failed to exec in container"
    )


async def start_attach(session: Session, target: RunningContainer, *, stdin: bool = False) -> AttachSession:
    """The streams of a container itself; close the session when done with it. ApiError 500 when it has ended."""
    return await ask_node(session, target.node, Attach(target.id, stdin), "error attaching to container")


async def ask_node(session: Session, name: str, ask: Ask[R], what: str) -> R:
    """Ask a node for something of its runtime; `what` it would be that failed. ApiError 500 in Kubernetes' words, or
    the OSError of a connection that could not be made."""
    node = await node_actor(session, name)
    try:
        return await node.ask(ask, deadline=START_DEADLINE)
    except RuntimeFailure as error:
        raise ApiError("InternalError", 500, f"Internal error occurred: {what}: {error.message}") from error
    except (RuntimeGone, KubeActorsError) as error:
        raise unreachable(name, str(error)) from error


def _running_attempt(body: Mapping[str, Any], container: str, missing: str) -> int:
    node_of(body)
    status = container_status(body, container)
    if status is None or not _runs(status):
        raise ContainerNotRunning(missing)
    return int(status.get("restartCount", 0))


def _runs(status: Mapping[str, Any]) -> bool:
    """Whether a program is there, as its node has it: also while its postStart goes on, when it is said to be made."""
    state, last = status.get("state") or {}, status.get("lastState") or {}
    if "running" in state:
        return True
    ended = (last.get("terminated") or {}).get("containerID")
    is_made = (state.get("waiting") or {}).get("reason") in ("ContainerCreating", "PodInitializing")
    return is_made and status.get("containerID", "") not in ("", ended)
