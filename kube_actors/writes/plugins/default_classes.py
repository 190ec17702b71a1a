"""DefaultIngressClass and DefaultStorageClass: the class of what does not name one."""

from __future__ import annotations

from typing import ClassVar, Final

from kube_actors.kinds import storage_annotations
from kube_actors.records import frozen
from kube_actors.store import Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request


@frozen
class Choice:
    """Where a kind names its class: in this field of the spec, or (older) in this annotation; and which classes there
    are, the default one being annotated as such."""

    classes: str
    field: str
    annotation: str
    default_annotations: tuple[str, ...]


CHOICES: Final = {
    "ingresses.networking.k8s.io": Choice(
        "ingressclasses.networking.k8s.io",
        "ingressClassName",
        "kubernetes.io/ingress.class",
        ("ingressclass.kubernetes.io/is-default-class",),
    ),
    "persistentvolumeclaims": Choice(
        "storageclasses.storage.k8s.io",
        "storageClassName",
        storage_annotations.CLASS,
        storage_annotations.DEFAULT,
    ),
}


@frozen(eq=False)
class DefaultClasses:
    """Reads the classes from the store when an Ingress or a PersistentVolumeClaim is made."""

    resources: ClassVar[Resources] = frozenset(CHOICES)
    store: Store

    def matches(self, request: Request) -> bool:
        """What is made and has a class."""
        return request.operation is Operation.CREATE

    def admit(self, request: Request) -> None:
        """Fill in the default class, if there is one. What names no class on purpose has an empty one."""
        choice = CHOICES[request.resource.id]
        spec, annotations = request.new.get("spec"), request.new["metadata"].get("annotations") or {}
        if not isinstance(spec, dict) or spec.get(choice.field) is not None or choice.annotation in annotations:
            return
        name = self._default(choice)
        if name:
            spec[choice.field] = name

    def _default(self, choice: Choice) -> str:
        """The newest of the default classes; of several that are as new, the first by name."""
        found = []
        for revision in self.store.list(choice.classes):
            annotations = revision.body()["metadata"].get("annotations") or {}
            if any(annotations.get(each) == "true" for each in choice.default_annotations):
                found.append((-revision.projection.created, revision.key.name))
        return min(found)[1] if found else ""
