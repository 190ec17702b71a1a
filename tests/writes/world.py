"""A cluster's way in without the cluster: a store in memory, the built-in plugins, a clock that stands still."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from kube_actors.api.registry import Registry
from kube_actors.errors import ApiError
from kube_actors.kernel import VirtualClock
from kube_actors.kinds import project
from kube_actors.store import Commit, Store
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.writes import Admission, Client, Identity, Pipeline
from kube_actors.writes.plugins import built_in_admission

NOW = "2025-01-01T00:00:00Z"


def _raise(error: Exception, _commit: Commit) -> None:
    raise error


class World:
    """`client` writes as "alice"; `time` is where the clock stands (epoch seconds)."""

    def __init__(self, admission: Admission | Callable[[Store], Admission] | None = None) -> None:
        self.clock = VirtualClock()
        self.store = Store(MemoryJournal(), project=project, on_error=_raise)
        source = random.Random(7)
        chosen = admission(self.store) if callable(admission) else admission
        chosen = chosen or built_in_admission(self.store, source)
        self.pipeline = Pipeline(self.store, Registry.built_in(), self.clock, source, chosen)
        self.warnings: list[str] = []
        self.client = self.named("alice")

    def named(self, manager: str) -> Client:
        """A client of another field manager."""
        return Client(self.pipeline, Identity(manager, (), manager), self.warnings.append)

    async def with_namespace(self, name: str = "default") -> World:
        """The world with one namespace."""
        await self.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return self


def causes(error: ApiError) -> list[str]:
    """`field: message` of every cause."""
    return [f"{cause.field}: {cause.message}" for cause in error.causes]


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A pod of one container."""
    containers = [{"name": "app", "image": "nginx:1.27"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Deployment of one container."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}}
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": selector, "template": template, **spec},
    }
