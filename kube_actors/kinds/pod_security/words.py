"""What all checks say, and what they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kube_actors.records import frozen

Body = Mapping[str, Any]


@frozen
class Violation:
    """What a pod does that it must not: in short, and where."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check = Callable[[Body, Body], Violation | None]
"""Looks at a pod's metadata and spec."""


def containers(spec: Body) -> Iterator[Body]:
    """All of a pod's containers, in the order Kubernetes looks at them."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def context(item: Body) -> Body:
    """The security context of a pod's spec or a container."""
    return item.get("securityContext") or {}


def profiles(spec: Body, field: str) -> tuple[str | None, dict[str, str | None]]:
    """The type of the profile that a pod asks for, and that of each of its containers; None where nothing is said."""

    def kind(item: Body) -> str | None:
        profile = context(item).get(field)
        return None if profile is None else profile.get("type") or ""

    return kind(spec), {each["name"]: kind(each) for each in containers(spec)}


def quoted(words: Iterable[str]) -> str:
    """`"a", "b"`."""
    return ", ".join(f'"{word}"' for word in words)


def plural(one: str, many: str, count: int) -> str:
    """The word for so many."""
    return one if count == 1 else many


def named_containers(names: list[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural('container', 'containers', len(names))} {quoted(names)}"


def setters(pod: bool, names: list[str]) -> str:
    """Who set something: `pod and container "a"`."""
    return " and ".join([*(["pod"] if pod else []), *([named_containers(names)] if names else [])])
