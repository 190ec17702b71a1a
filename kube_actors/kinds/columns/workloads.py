"""Rows of what keeps pods running, and of what protects them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.selectors import LabelSelector, SelectorError
from kube_actors.kinds.columns.words import Row, age, labels_text, part, selector_text

Body = Mapping[str, Any]


def deployment(body: Body, now: float) -> Row:
    """Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector."""
    status, metadata = part(body, "status"), body["metadata"]
    return (
        metadata["name"],
        f"{status.get('readyReplicas', 0)}/{_replicas(body)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(body, now),
        *containers(part(body, "spec", "template", "spec")),
        _exact_selector(part(body, "spec", "selector")),
    )


def replica_set(body: Body, now: float) -> Row:
    """Name, Desired, Current, Ready, Age, Containers, Images, Selector."""
    return (*_counts(body, now), selector_text(part(body, "spec", "selector")))


def replication_controller(body: Body, now: float) -> Row:
    """Name, Desired, Current, Ready, Age, Containers, Images, Selector."""
    return (*_counts(body, now), labels_text(part(body, "spec", "selector")))


def stateful_set(body: Body, now: float) -> Row:
    """Name, Ready, Age, Containers, Images."""
    ready = f"{part(body, 'status').get('readyReplicas', 0)}/{_replicas(body)}"
    return (body["metadata"]["name"], ready, age(body, now), *containers(part(body, "spec", "template", "spec")))


def daemon_set(body: Body, now: float) -> Row:
    """Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, Containers, Images, Selector."""
    status, pod = part(body, "status"), part(body, "spec", "template", "spec")
    return (
        body["metadata"]["name"],
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        labels_text(pod.get("nodeSelector")),
        age(body, now),
        *containers(pod),
        selector_text(part(body, "spec", "selector")),
    )


def controller_revision(body: Body, now: float) -> Row:
    """Name, Controller, Revision, Age."""
    owners = body["metadata"].get("ownerReferences") or ()
    controller = next((each for each in owners if each.get("controller")), None)
    shown = "<none>"
    if controller is not None:
        group, slash, _ = controller.get("apiVersion", "").partition("/")
        kind = f"{controller.get('kind', '')}{'.' if slash else ''}{group if slash else ''}"
        shown = f"{kind.lower()}/{controller.get('name', '')}"
    return (body["metadata"]["name"], shown, body.get("revision", 0), age(body, now))


def pod_template(body: Body, _now: float) -> Row:
    """Name, Containers, Images, Pod Labels."""
    template = part(body, "template")
    return (
        body["metadata"]["name"],
        *containers(part(template, "spec")),
        labels_text(part(template, "metadata", "labels")),
    )


def pod_disruption_budget(body: Body, now: float) -> Row:
    """Name, Min Available, Max Unavailable, Allowed Disruptions, Age."""
    spec = part(body, "spec")
    limits = (spec.get(name) for name in ("minAvailable", "maxUnavailable"))
    shown = ("N/A" if limit is None else str(limit) for limit in limits)
    return (body["metadata"]["name"], *shown, part(body, "status").get("disruptionsAllowed", 0), age(body, now))


def containers(pod_spec: Body) -> tuple[str, str]:
    """Names and images of a pod's containers."""
    found = pod_spec.get("containers") or ()
    return ",".join(each.get("name", "") for each in found), ",".join(each.get("image", "") for each in found)


def _counts(body: Body, now: float) -> Row:
    status = part(body, "status")
    return (
        body["metadata"]["name"],
        _replicas(body),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(body, now),
        *containers(part(body, "spec", "template", "spec")),
    )


def _replicas(body: Body) -> int:
    wanted: int | None = part(body, "spec").get("replicas")
    return 1 if wanted is None else wanted


def _exact_selector(selector: Body) -> str:
    """Deployments show theirs without a word for none."""
    try:
        return str(LabelSelector.from_object(dict(selector)))
    except SelectorError:
        return "<invalid>"
