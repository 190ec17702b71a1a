"""Labels of nodes that have other names by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api import names

DEPRECATED: Final[Mapping[str, str]] = {
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
}


def of_requirements(requirements: Any, field: str, *, with_values: bool = False) -> list[str]:
    """Of `matchExpressions`; `with_values`: also of values that no label can have."""
    found = []
    for index, requirement in enumerate(requirements or ()):
        place, key = f"{field}.matchExpressions[{index}]", requirement.get("key", "")
        if key in DEPRECATED:
            found.append(f"{place}.key: {key} is {DEPRECATED[key]}")
        for at, value in enumerate(requirement.get("values") or ()) if with_values else ():
            found += [f"{place}.values[{at}]: {value} is invalid, {why}" for why in names.label_value(value)]
    return found


def of_selector(selector: Mapping[str, Any] | None, field: str) -> list[str]:
    """Of a label selector that is meant for nodes."""
    selector = selector or {}
    found = of_requirements(selector.get("matchExpressions"), field)
    labels = selector.get("matchLabels") or {}
    return found + [f"{field}.matchLabels.{key}: {DEPRECATED[key]}" for key in labels if key in DEPRECATED]
