"""What can go wrong between actors, by cause."""

from __future__ import annotations

from kube_actors.errors import KubeActorsError


class ActorStopped(KubeActorsError):
    """The actor has ended or is ending: it takes nothing more, and what it had not answered stays unanswered."""


class ActorFailed(ActorStopped):
    """The actor failed before it answered, or waits to be restarted; `__cause__` is what it failed with."""


class ActorNotFound(KubeActorsError):
    """No actor lives at this path or below it."""


class AskTimeout(KubeActorsError):
    """No answer came within the deadline; whether the work was done is not known."""


class MailboxFull(KubeActorsError):
    """The actor has not kept up: its bounded mailbox takes no further command now."""


class NameTaken(KubeActorsError):
    """An actor of this path lives already (one that is stopping keeps its name until it has ended)."""
