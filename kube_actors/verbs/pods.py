"""The pod and the container a person means: `web-1`, `deploy/web`, `svc/web`, and which container of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api.registry import Resource
from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError, bad_request
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.selection import Selection, find_one, select_one
from kube_actors.verbs.session import Session

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
PODS = "pods"


@frozen
class ChosenPod:
    """A pod, and how many there were to choose from (1 when it was named itself)."""

    revision: Revision
    out_of: int = 1


@frozen
class ChosenContainer:
    """A container, and, when nobody named it, the names it was chosen from."""

    name: str
    out_of: tuple[str, ...] = ()


def choose_pod(session: Session, word: str) -> ChosenPod:
    """The pod of a name or of `resource/name`; of what a workload has, a ready and running one first. ApiError 404."""
    words = [word] if "/" in word else [PODS, word]
    selection = select_one(session.registry, words)
    revision = find_one(session, selection)
    if selection.resource.id == PODS:
        return ChosenPod(revision)
    pods = pods_of(session, selection, revision)
    if not pods:
        kind, name = selection.resource.kind, revision.key.name
        raise VerbError(f"no pods found for {kind} {name!r}: its selector matches none")
    return ChosenPod(min(pods, key=_preference), len(pods))


def pods_of(session: Session, selection: Selection, revision: Revision) -> Sequence[Revision]:
    """The pods that the selector of a workload or service matches."""
    selector = pod_selector(selection.resource, revision.body())
    return session.plane.store.list(PODS, revision.key.namespace, selector)


def pod_selector(resource: Resource, body: Mapping[str, Any]) -> LabelSelector:
    """Which pods belong to an object. VerbError for kinds that have none."""
    selector = (body.get("spec") or {}).get("selector")
    if resource.id in ("services", "replicationcontrollers"):
        if not selector:
            raise VerbError(f"{resource.singular} {body['metadata']['name']!r} has no selector, so no pods")
        return LabelSelector.from_labels(selector)
    if not isinstance(selector, dict):
        raise VerbError(f"cannot get pods from a {resource.kind}: selector for {resource.plural} not implemented")
    return LabelSelector.from_object(selector)


def _preference(pod: Revision) -> tuple[bool, bool, bool, float, str]:
    """Bound before unbound, running before pending, ready before not; then the oldest, as kubectl prefers."""
    facts = pod.projection.facts
    return (not facts.node, facts.phase != "Running", not facts.ready, pod.projection.created, pod.key.name)


def container_names(body: Mapping[str, Any], *, init: bool = True) -> tuple[str, ...]:
    """The names of a pod's containers, init containers last."""
    spec = body["spec"]
    kinds = ("containers", "initContainers") if init else ("containers",)
    return tuple(each["name"] for kind in kinds for each in spec.get(kind) or ())


def choose_container(body: Mapping[str, Any], wanted: str = "") -> ChosenContainer:
    """The named container, else the annotated default, else the first. ApiError 400 for one the pod has not."""
    name = body["metadata"]["name"]
    if wanted:
        if wanted not in container_names(body):
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return ChosenContainer(wanted)
    regular = container_names(body, init=False)
    default = (body["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER)
    if default in container_names(body):
        return ChosenContainer(str(default))
    return ChosenContainer(regular[0], container_names(body) if len(container_names(body)) > 1 else ())


def container_status(body: Mapping[str, Any], container: str) -> Mapping[str, Any] | None:
    """The status of a container by its name, if the node has reported one."""
    status = body.get("status") or {}
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for each in status.get(kind) or ():
            if each.get("name") == container:
                found: Mapping[str, Any] = each
                return found
    return None


def node_of(body: Mapping[str, Any]) -> str:
    """The node a pod is bound to. ApiError 400 when it is bound to none yet."""
    node = body["spec"].get("nodeName")
    if not node:
        raise ApiError("BadRequest", 400, f"pod {body['metadata']['name']} does not have a host assigned")
    return str(node)
