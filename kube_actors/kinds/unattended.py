"""Kinds whose objects are kept and served, and that nothing in the cluster acts on: whoever creates one is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# What a person would wait for in vain, as a sentence goes on after "nothing in this cluster".
_MISSING: Final[Mapping[str, str]] = {
    "cronjobs.batch": "starts its jobs",
    "csidrivers.storage.k8s.io": "calls the driver",
    "customresourcedefinitions.apiextensions.k8s.io": "serves its resources",
    "daemonsets.apps": "starts its pods",
    "deviceclasses.resource.k8s.io": "allocates by it",
    "horizontalpodautoscalers.autoscaling": "scales by it",
    "ingressclasses.networking.k8s.io": "routes by it",
    "ingresses.networking.k8s.io": "routes by it",
    "jobs.batch": "starts its pods",
    "mutatingadmissionpolicies.admissionregistration.k8s.io": "enforces it",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "enforces it",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "calls it",
    "networkpolicies.networking.k8s.io": "enforces it",
    "persistentvolumeclaims": "binds it",
    "persistentvolumes": "binds claims to it",
    "resourceclaims.resource.k8s.io": "allocates it",
    "resourceclaimtemplates.resource.k8s.io": "makes claims of it",
    "resourceslices.resource.k8s.io": "allocates from it",
    "statefulsets.apps": "starts its pods",
    "storageclasses.storage.k8s.io": "provisions by it",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "enforces it",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "enforces it",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "calls it",
    "volumeattachments.storage.k8s.io": "attaches it",
    "volumeattributesclasses.storage.k8s.io": "changes volumes by it",
}


def unattended(resource_id: str, kind: str) -> str | None:
    """The warning for a new object of this kind; None where somebody acts on it, or nobody has to."""
    missing = _MISSING.get(resource_id)
    return None if missing is None else f"this {kind} is only stored: nothing in this cluster {missing}"
