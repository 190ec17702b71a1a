"""Where the kinds that make pods have what they make them of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

POD_TEMPLATES: Final[Mapping[str, str]] = {
    "cronjobs.batch": "spec.jobTemplate.spec.template",
    "daemonsets.apps": "spec.template",
    "deployments.apps": "spec.template",
    "jobs.batch": "spec.template",
    "podtemplates": "template",
    "replicasets.apps": "spec.template",
    "replicationcontrollers": "spec.template",
    "statefulsets.apps": "spec.template",
}
"""Resource id -> path of the template, whose metadata and spec are those of the pods."""
