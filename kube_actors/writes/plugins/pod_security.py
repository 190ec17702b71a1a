"""PodSecurity: namespaces say by their labels which pods they take, and of which they warn.

The policies and their checks are loaded with the first namespace that has such labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from kube_actors.errors import forbidden
from kube_actors.kinds.pod_templates import POD_TEMPLATES
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

if TYPE_CHECKING:
    from kube_actors.kinds.pod_security.policy import Policy

PREFIX: Final = "pod-security.kubernetes.io/"
MOST_PODS: Final = 3000
"""How many pods of a namespace are looked at when its policy becomes stricter."""
_PLACES: Final = ("", "ephemeralcontainers")
Body = dict[str, Any]


@frozen(eq=False)
class PodSecurity:
    """Reads the namespaces, and their pods, from the store."""

    resources: ClassVar[Resources] = frozenset({"pods", "namespaces", *POD_TEMPLATES})
    store: Store

    def matches(self, request: Request) -> bool:
        """What becomes a pod, and namespaces."""
        return request.subresource in _PLACES and request.operation is not Operation.DELETE

    def admit(self, request: Request) -> None:
        """ApiError 403 for a pod its namespace does not take, 422 for labels that mean nothing; else warnings."""
        if request.resource.id == "namespaces":
            self._judge_namespace(request)
            return
        labels = self._labels(request.key.namespace)
        if not _are_ours(labels):
            return
        from kube_actors.kinds.pod_security.policy import policy_of

        if request.resource.id == "pods":
            self._judge_pod(request, policy_of(labels, "enforce"), policy_of(labels, "warn"))
        else:
            template = _template(request)
            _warn(request, policy_of(labels, "warn"), template.get("metadata") or {}, template.get("spec") or {})

    def _labels(self, namespace: str) -> dict[str, str]:
        found = self.store.get(Key("namespaces", "", namespace))
        return {} if found is None else dict(found.projection.labels)

    def _judge_pod(self, request: Request, enforced: Policy, warned: Policy) -> None:
        new = request.new
        if request.old is not None and not _is_significant(request.old, new):
            return
        metadata, spec = new["metadata"], new.get("spec") or {}
        violations = enforced.violations(metadata, spec)
        if violations:
            why = f'violates PodSecurity "{enforced}": {", ".join(map(str, violations))}'
            raise forbidden("pods", request.key.name, why)
        if warned != enforced:
            _warn(request, warned, metadata, spec)

    # -- namespaces

    def _judge_namespace(self, request: Request) -> None:
        new = request.new["metadata"].get("labels") or {}
        old = ((request.old or {}).get("metadata") or {}).get("labels") or {}
        if new == old or not _are_ours(new):
            return
        from kube_actors.kinds.pod_security.policy import check_labels, policy_of

        found = check_labels(new)
        if found and found != check_labels(old):
            raise request.invalid(found)
        before, after = policy_of(old, "enforce"), policy_of(new, "enforce")
        if request.operation is Operation.UPDATE and after.may_forbid_more(before):
            from kube_actors.kinds.pod_security.existing_pods import told_of

            pods = [revision.body() for revision in self.store.list("pods", request.key.name)]
            for text in told_of(pods, request.key.name, after, MOST_PODS):
                request.warn(text)


def _are_ours(labels: Mapping[str, str]) -> bool:
    return any(label.startswith(PREFIX) for label in labels)


def _warn(request: Request, policy: Policy, metadata: Body, spec: Body) -> None:
    violations = policy.violations(metadata, spec)
    if violations:
        request.warn(f'would violate PodSecurity "{policy}": {", ".join(map(str, violations))}')


def _template(request: Request) -> Body:
    found: Any = request.new
    for field in POD_TEMPLATES[request.resource.id].split("."):
        found = found.get(field) or {}
    template: Body = found
    return template


def _is_significant(old: Body, new: Body) -> bool:
    """Whether an update of a pod changes something that policies look at: containers come, or change their images."""
    return _images(old) != _images(new)


def _images(pod: Body) -> list[tuple[str, str]]:
    spec = pod.get("spec") or {}
    fields = ("initContainers", "containers", "ephemeralContainers")
    return [(each.get("name", ""), each.get("image", "")) for field in fields for each in spec.get(field) or ()]
