"""Actors, without a word about what they are for.

Glossary
--------
actor       A task with private state that handles one message at a time (`Actor`), named by its *path* in the tree of
            those who started it. Its parent supervises it; its children and child tasks end with it.
command     A message told to an actor (`Ref.tell`), queued in its bounded *mailbox*.
ask         A message that is answered (`Ref.ask`, `Ask`), within a deadline in machine time.
latch       Keys an actor is to look at again (`Ref.notify`): they coalesce, and setting one neither blocks nor fails.
alarm       A notification an actor sets for itself at a cluster time (`Context.notify_at`).
ref         The handle by which others reach an actor (`Ref`).
context     What the kernel gives an actor (`Context`): clock, randomness, children, child tasks, answers.
supervision What an actor's failure means: a restart with fresh state after a growing delay, or the system's end.
parked      Said of an actor that keeps failing and is tried again every five minutes only.
frozen      Said of an actor that handles nothing until thawed, or stepped message by message.
cluster time  Time by the system's own clock (`ClusterClock`), which can pause, step and jump.
machine time  trio's time: for I/O and the deadlines of asks.
hold        I/O in flight for cluster work; virtual time does not jump past it.
trace       Records of who said what to whom.
"""

from kube_actors.kernel.actor import Actor, Ask, Supervision
from kube_actors.kernel.clock import ClockMode, ClusterClock
from kube_actors.kernel.clocks import VIRTUAL_EPOCH, RealClock, VirtualClock
from kube_actors.kernel.context import Context
from kube_actors.kernel.determinism import seeded_scheduling
from kube_actors.kernel.errors import ActorFailed, ActorNotFound, ActorStopped, AskTimeout, MailboxFull, NameTaken
from kube_actors.kernel.ref import Ref
from kube_actors.kernel.restarts import Failure
from kube_actors.kernel.seeds import random_for
from kube_actors.kernel.status import ActorState, ActorStatus
from kube_actors.kernel.system import ActorSystem
from kube_actors.kernel.timers import Timer
from kube_actors.kernel.tracing import Trace, TraceKind, TraceRecord

__all__ = [
    "VIRTUAL_EPOCH",
    "Actor",
    "ActorFailed",
    "ActorNotFound",
    "ActorState",
    "ActorStatus",
    "ActorStopped",
    "ActorSystem",
    "Ask",
    "AskTimeout",
    "ClockMode",
    "ClusterClock",
    "Context",
    "Failure",
    "MailboxFull",
    "NameTaken",
    "RealClock",
    "Ref",
    "Supervision",
    "Timer",
    "Trace",
    "TraceKind",
    "TraceRecord",
    "VirtualClock",
    "random_for",
    "seeded_scheduling",
]
