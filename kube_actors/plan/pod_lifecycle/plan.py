"""What a pod's plan consists of."""

from __future__ import annotations

from kube_actors.plan.backoff import Backoff
from kube_actors.plan.observed import Ending
from kube_actors.records import frozen


@frozen
class CreateSandbox:
    """Make the pod's shared world; `attempt` counts from 0."""

    attempt: int


@frozen
class StartContainer:
    """Start this attempt; remember `backoff` with it (`Observed.starting`)."""

    name: str
    attempt: int
    backoff: Backoff | None = None


@frozen
class StopContainer:
    """preStop, SIGTERM, and SIGKILL at `kill_at` (epoch seconds), or earlier than ordered before.

    `reason` and `message` belong into a Killing event. With `restart` it is to come back (`Observed.stopping`).
    """

    name: str
    attempt: int
    kill_at: float
    reason: str
    message: str
    restart: bool = False


@frozen
class ResizeContainer:
    """Give a running attempt the resources its specification has now; with `restart` by starting it anew."""

    name: str
    attempt: int
    restart: bool = False


@frozen
class RestartAll:
    """All containers have ended so that all can begin anew, init containers first, in the sandbox as it is."""


@frozen
class RemoveSandbox:
    """Take the pod's shared world away; every container has ended."""


PodAction = CreateSandbox | StartContainer | StopContainer | ResizeContainer | RestartAll | RemoveSandbox


@frozen
class PodPlan:
    """Perform `actions` in order; look again at `wake_at` (epoch seconds) or when anything changes.

    `ended` means that nothing of the pod is left on the node and nothing will start again: write the final status and,
    if the pod is being deleted, take it away. `ending` is the end decided here (an active deadline); give it to the
    status and to later plans.
    """

    actions: tuple[PodAction, ...] = ()
    wake_at: float | None = None
    ended: bool = False
    ending: Ending | None = None
