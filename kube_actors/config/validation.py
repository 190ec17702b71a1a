"""A whole file judged without a cluster: every object by itself, and whether what they name is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kube_actors.api.registry import Registry
from kube_actors.api.selectors import LabelSelector
from kube_actors.config.files import ClusterFile
from kube_actors.config.objects import CheckedObject, ObjectCheck, PodTemplate, pod_templates
from kube_actors.config.pod_references import Reference, references_of
from kube_actors.config.types import ClusterConfig, ListenerConfig, NodeConfig
from kube_actors.errors import InputError, Problem
from kube_actors.node.images import ImageMap
from kube_actors.node.runtime.base import RuntimeFailure
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.text import did_you_mean

BUILT_IN_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_ROOT_CA = "kube-root-ca.crt"


@frozen
class Findings:
    """What is wrong with a file, and what is only suspicious, both in the order of the files."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    objects: tuple[CheckedObject, ...]

    def raise_problems(self) -> None:
        """InputError when there are any."""
        if self.problems:
            raise InputError(self.problems)


def validate(file: ClusterFile, *, known: Collection[Key] | None = ()) -> Findings:
    """Judge what was read. What it names must be in it or among the `known`; None: nobody knows what else there is.

    What could not be read is among the problems; names are then not looked up where what they name may have been.
    """
    check = ObjectCheck(Registry.built_in())
    for manifest in file.manifests:
        check.add(manifest)
    problems = [*file.problems, *check.problems, *_duplicates(check.objects)]
    warnings = list(check.warnings)
    world = _World(file, {each.key: each for each in check.objects}, pod_templates(check.objects), known or ())
    if known is not None and file.whole:
        problems += world.dangling()
        warnings += world.suspicious()
    return Findings(_sorted(problems, file), _sorted(warnings, file), tuple(check.objects))


def _sorted(found: Iterable[Problem], file: ClusterFile) -> tuple[Problem, ...]:
    """In the order in which the files were given, then by place."""
    order = {name: index for index, name in enumerate(file.names)}
    return tuple(sorted(found, key=lambda each: (order.get(each.file or "", -1), each.line or 0, each.column or 0)))


def _duplicates(objects: Sequence[CheckedObject]) -> Iterator[Problem]:
    first: dict[Key, CheckedObject] = {}
    for each in objects:
        before = first.setdefault(each.key, each)
        if before is not each:
            where = f"{before.manifest.file}:{before.manifest.document.position('$.metadata.name')[0]}"
            yield each.problem(f"{each} is there already", "$.metadata.name", f"the first is at {where}")


@frozen(eq=False)
class _World:
    """All objects of a file together."""

    file: ClusterFile
    objects: dict[Key, CheckedObject]
    templates: list[PodTemplate]
    elsewhere: Collection[Key]

    @property
    def config(self) -> ClusterConfig:
        return self.file.config or ClusterConfig()

    def dangling(self) -> Iterator[Problem]:
        """References to what is nowhere."""
        yield from self._namespaces()
        schedulers = {each.name for each in self.config.schedulers}
        for template in self.templates:
            name = template.spec.get("schedulerName") or "default-scheduler"
            if name not in schedulers and not self.file.problems:
                path = f"{template.path}.spec.schedulerName"
                hint = did_you_mean(name, schedulers) or "list it in $.spec.schedulers of the Cluster document"
                yield template.owner.problem(f"there is no scheduler {name!r}", path, hint)
            for reference in references_of(template):
                yield from self._missing(template, reference)
        yield from self._listeners()

    def _namespaces(self) -> Iterator[Problem]:
        known = BUILT_IN_NAMESPACES | {
            key.name for key in (*self.objects, *self.elsewhere) if key.resource == "namespaces"
        }
        for each in self.objects.values():
            namespace = each.key.namespace
            if namespace and namespace not in known:
                hint = did_you_mean(namespace, known) or "add a Namespace object"
                yield each.problem(f"there is no namespace {namespace!r}", "$.metadata.namespace", hint)

    def _missing(self, template: PodTemplate, reference: Reference) -> Iterator[Problem]:
        target = self.objects.get(reference.key)
        name = reference.key.name
        if target is None:
            if name == _ROOT_CA or reference.key in self.elsewhere:
                return
            hint = did_you_mean(name, self._names(reference.key))
            if any(key.resource == reference.key.resource and key.name == name for key in self.objects):
                hint = f"there is one in another namespace; a pod sees only its own, {reference.key.namespace!r}"
            yield template.owner.problem(f"there is no {reference.kind} {name!r}", reference.path, hint)
        elif reference.data_key:
            fields = ("data", "stringData", "binaryData")
            keys = {key for field in fields for key in target.body.get(field) or {}}
            if reference.data_key not in keys:
                path = reference.path.replace("KeyRef.name", "KeyRef.key")
                message = f"{reference.kind} {name!r} has no key {reference.data_key!r}"
                yield template.owner.problem(message, path, did_you_mean(reference.data_key, keys))

    def _names(self, like: Key) -> set[str]:
        return {key.name for key in self.objects if key[:2] == like[:2]}

    def _listeners(self) -> Iterator[Problem]:
        document = self.file.cluster
        if document is None or self.file.problems:
            return
        for index, listener in enumerate(self.config.listeners):
            path = f"$.spec.listeners[{index}]"
            key = Key("services", listener.namespace, listener.service)
            service = self.objects.get(key)
            if service is None and key in self.elsewhere:
                continue
            if service is None:
                message = f"there is no Service {listener.service!r} in namespace {listener.namespace!r}"
                yield document.problem(message, f"{path}.service", did_you_mean(listener.service, self._names(key)))
            elif not _has_port(service, listener):
                ports = _spec(service).get("ports") or ()
                known = ", ".join(str(port.get("name") or port.get("port")) for port in ports) or "none"
                message = f"Service {listener.service!r} has no port {listener.service_port!r}"
                yield document.problem(message, f"{path}.servicePort", f"it has: {known}")

    def suspicious(self) -> Iterator[Problem]:
        """What the cluster takes, but a person hardly means."""
        yield from self._selectors()
        yield from self._images()
        nodes = {node.name for node in self.config.nodes}
        for template in self.templates:
            owner, at = template.owner, f"{template.path}.spec"
            name = template.spec.get("nodeName")
            if name and name not in nodes:
                yield owner.problem(f"there is no node {name!r}", f"{at}.nodeName", did_you_mean(name, nodes))
            wanted = template.spec.get("nodeSelector") or {}
            if wanted and not any(_offers(node, wanted) for node in self.config.nodes):
                yield owner.problem("no node has these labels: the pods will not be scheduled", f"{at}.nodeSelector")

    def _selectors(self) -> Iterator[Problem]:
        for each in self.objects.values():
            labels = _spec(each).get("selector")
            if not labels or each.resource.id != "services":
                continue
            selector = LabelSelector.from_labels(labels)
            mine = [one for one in self.templates if one.owner.key.namespace == each.key.namespace]
            chosen = [one for one in mine if selector.matches(one.labels)]
            if not chosen:
                yield each.problem("the selector matches no pod of this file", "$.spec.selector")
                continue
            names = {port.get("name") for one in chosen for port in _container_ports(one)}
            for index, port in enumerate(_spec(each).get("ports") or ()):
                target = port.get("targetPort")
                if isinstance(target, str) and not target.isdecimal() and target not in names:
                    hint = did_you_mean(target, [str(name) for name in names if name])
                    message = f"no container of the selected pods has a port named {target!r}"
                    yield each.problem(message, f"$.spec.ports[{index}].targetPort", hint)

    def _images(self) -> Iterator[Problem]:
        """Names no process node can run; Docker pulls what it does not have, and simulated nodes need no image."""
        if any(node.runtime != "process" for node in self.config.nodes) or not self.config.nodes:
            return
        images = ImageMap(self.config.images, host_image=self.config.host_image)
        for template in self.templates:
            for field in ("initContainers", "containers"):
                for index, container in enumerate(template.spec.get(field) or ()):
                    if not container.get("image"):  # nothing more to say of a field that is missing
                        continue
                    try:
                        images.find(str(container["image"]))
                    except RuntimeFailure as failure:
                        path = f"{template.path}.spec.{field}[{index}].image"
                        yield template.owner.problem(failure.message, path)


def _spec(each: CheckedObject) -> dict[str, Any]:
    spec = each.body.get("spec")
    return spec if isinstance(spec, dict) else {}


def _has_port(service: CheckedObject, listener: ListenerConfig) -> bool:
    ports = _spec(service).get("ports") or ()
    wanted = listener.service_port
    return not wanted or any(wanted in (str(port.get("port")), port.get("name")) for port in ports)


def _container_ports(template: PodTemplate) -> Iterator[dict[str, object]]:
    for field in ("initContainers", "containers"):
        for container in template.spec.get(field) or ():
            yield from container.get("ports") or ()


def _offers(node: NodeConfig, wanted: Mapping[str, str]) -> bool:
    """Whether a node has all of these labels, those every node is registered with included."""
    system = {"kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux"}
    known = {"kubernetes.io/hostname": node.name, **system, **node.labels}
    machines = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
    return all(known.get(key) == value or key in machines for key, value in wanted.items())
