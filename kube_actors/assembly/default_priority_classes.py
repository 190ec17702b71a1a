"""The two priority classes of the system."""

from __future__ import annotations

from typing import Final

from kube_actors.kinds.hooks import Body
from kube_actors.kinds.priorityclasses import SYSTEM_VALUES

DESCRIPTIONS: Final = {
    "system-cluster-critical": (
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
    ),
    "system-node-critical": "Used for system critical pods that must not be moved from their current node.",
}


def default_objects() -> list[Body]:
    """Fresh bodies for the caller to keep."""
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": SYSTEM_VALUES[name],
            "description": description,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, description in DESCRIPTIONS.items()
    ]
