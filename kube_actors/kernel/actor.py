"""What one writes to make an actor."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from kube_actors.kernel.context import Context

M = TypeVar("M")
R = TypeVar("R")


class Ask(Generic[R]):
    """Base of every message that expects an answer of type R.

    Subclasses are frozen attrs classes. The answer is given with `Context.answer` or `Context.refuse`, by the handler
    or later by a child task. An ask whose asker has given up before it was begun is never delivered.
    """

    __slots__ = ()


class Supervision(Enum):
    """What the failure of an actor means to the rest of the system."""

    RESTART = "restart"
    """It starts again with fresh state after a growing delay; nobody else is disturbed."""
    ESCALATE = "escalate"
    """The whole system ends with its error."""


class Actor(Generic[M]):
    """A task with private state and a mailbox of messages M, one handled at a time.

    An exception out of any of its methods or child tasks fails the actor: its children and child tasks end, and its
    supervision decides. After a restart there is a new instance; commands not yet begun and keys not yet looked at are
    still there, the message that failed is gone, and alarms set with `notify_at` are gone.
    """

    context: Context[M]
    """Bound by the kernel before `started`."""

    async def started(self) -> None:
        """Begin, with fresh state: look at everything there is to know. Runs again after each restart."""

    async def receive(self, message: M) -> None:
        """Handle one command or ask. An actor that has only a latch need not."""
        raise TypeError(f"{self.context.path} takes no messages, but {type(message).__name__} came")

    async def changed(self, keys: frozenset[Hashable]) -> None:
        """Look again at what `keys` name. Notifications coalesce; iteration follows the order of first arrival."""

    async def stopped(self) -> None:
        """Leave, normally or not. Children and child tasks have ended. Shielded from cancellation for 1 s of machine
        time, then cut off."""
