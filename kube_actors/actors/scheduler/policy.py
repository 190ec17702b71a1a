"""How a scheduler decides, and how to write one of your own: subclass `Scheduler` and name it in cluster.yaml.

    class Nearby(Scheduler):
        def filter(self, pod, node):
            return None if node.labels.get("zone") == self.options["zone"] else "node(s) were too far away"

        def score(self, pod, node):
            return 100.0 * node.free_cpu / node.cpu

`schedulers: [{name: nearby, plugin: "my_module:Nearby", options: {zone: east}}]` then serves pods with
`schedulerName: nearby`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from kube_actors.config.types import SchedulerConfig
from kube_actors.errors import InputError, Problem
from kube_actors.plan.scheduling import (
    Framework,
    NodeSummary,
    PodSummary,
    default_framework,
    simple_filter,
    simple_score,
)


class Scheduler:
    """Kubernetes' own filters, and on top of them what a subclass says of a pod and a node.

    Override `filter` to rule nodes out, `score` to prefer some, or `framework` to decide everything yourself.
    """

    def __init__(self, **options: Any) -> None:
        self.options: Mapping[str, Any] = options

    def filter(self, pod: PodSummary, node: NodeSummary) -> str | None:
        """Why this node will not do (`node(s) …`, as it is counted in the pod's condition), or None."""
        return None

    def score(self, pod: PodSummary, node: NodeSummary) -> float:
        """How good a node that fits is, from 0 to 100."""
        return 0.0

    def framework(self) -> Framework:
        """The filters and scores, in order. A subclass with a `score` of its own replaces Kubernetes' scores by it."""
        standard = default_framework()
        filters, scores = standard.filters, standard.scores
        if type(self).filter is not Scheduler.filter:
            filters = (*filters, simple_filter(self.filter))
        if type(self).score is not Scheduler.score:
            scores = (simple_score(type(self).__name__, self.score),)
        return Framework(filters, scores)


def framework_of(config: SchedulerConfig) -> Framework:
    """The framework a scheduler of cluster.yaml uses. InputError when its plugin cannot be loaded."""
    if config.plugin is None:
        return default_framework(config.policy)
    path = f"$.spec.schedulers[{config.name}].plugin"
    shown = config.plugin if isinstance(config.plugin, str) else config.plugin.__qualname__
    try:
        made = _class(config.plugin)(**config.options)
    except Exception as error:  # a plugin is somebody else's code: whatever it raises is a problem of the input
        problem = Problem(f"cannot load {shown}: {type(error).__name__}: {error}", path=path)
        raise InputError([problem]) from error
    if not isinstance(made, Scheduler):
        raise InputError([Problem(f"{shown} is no kube_actors.Scheduler", path=path)])
    return made.framework()


def _class(plugin: str | type[Any]) -> Any:
    if not isinstance(plugin, str):
        return plugin
    module_name, _, class_name = plugin.partition(":")
    return getattr(importlib.import_module(module_name), class_name)
