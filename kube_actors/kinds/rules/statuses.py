"""What a status may not say: counts that are negative, or parts that are more than the whole."""

from __future__ import annotations

from collections.abc import Callable

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

Rules = Callable[[Body, Body], list[Cause]]
# What must not be greater than what, and Kubernetes' words for it.
Order = tuple[str, str, str]


def counts(*names: str, order: tuple[Order, ...] = (), growing: tuple[str, ...] = ()) -> Rules:
    """The rules of a status: `names` are not negative, `order` holds between them, `growing` ones never get less."""

    def rules(new: Body, old: Body) -> list[Cause]:
        status, before = new.get("status") or {}, old.get("status") or {}
        found = [
            causes.invalid(f"status.{name}", status[name], "must be greater than or equal to 0")
            for name in names
            if (status.get(name) or 0) < 0
        ]
        for part, whole, words in order:
            if (status.get(part) or 0) > (status.get(whole) or 0):
                found.append(causes.invalid(f"status.{part}", status.get(part) or 0, f"cannot be greater than {words}"))
        for name in growing:
            if name in before and (status.get(name) or 0) < before[name]:
                found.append(causes.invalid(f"status.{name}", status.get(name), "cannot be decremented"))
        return found

    return rules


def of_all(*parts: str) -> tuple[Order, ...]:
    """None of the parts is more than `replicas`."""
    return tuple((part, "replicas", "status.replicas") for part in parts)
