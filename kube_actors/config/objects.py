"""One manifest at a time: what the API would refuse about it, found without a cluster."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, Final

import attrs

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry, Resource
from kube_actors.api.schema import REQUIRED, UNKNOWN_FIELD, WRONG_TYPE, parse_path
from kube_actors.config.files import Manifest
from kube_actors.config.hints import hint_for, meant_field, value_at, wording
from kube_actors.errors import ApiError, Cause, Problem
from kube_actors.kinds import hooks_for
from kube_actors.kinds.pod_templates import POD_TEMPLATES
from kube_actors.records import define, frozen
from kube_actors.store import Key
from kube_actors.text import did_you_mean
from kube_actors.writes.finish import finish
from kube_actors.writes.identity import Identity
from kube_actors.writes.intake import place, take_in
from kube_actors.writes.prepare import complete_create, prepare_create
from kube_actors.writes.request import Operation, Request

_NOBODY: Final = Identity("kube-actors:validate")
_TEMPLATES: Final = {"pods": "", **POD_TEMPLATES}


@frozen(eq=False)
class CheckedObject:
    """A manifest that names an object. `body` is in the version the cluster speaks, with defaults, without the parts
    that could not be read."""

    manifest: Manifest
    resource: Resource
    key: Key
    body: dict[str, Any]

    def problem(self, message: str, path: str = "$", hint: str | None = None) -> Problem:
        """A problem with its place in the file."""
        return self.manifest.document.problem(message, path, hint)

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.key.name!r}"


@frozen(eq=False)
class PodTemplate:
    """The pod a manifest is, or those it makes. `path` leads to the template (`$.spec.template`)."""

    owner: CheckedObject
    path: str
    labels: dict[str, str]
    spec: dict[str, Any]


@define
class ObjectCheck:
    """Checks manifests and keeps what was found: problems, warnings and the objects themselves."""

    registry: Registry
    problems: list[Problem] = attrs.field(factory=list)
    warnings: list[Problem] = attrs.field(factory=list)
    objects: list[CheckedObject] = attrs.field(factory=list)

    def add(self, manifest: Manifest) -> None:
        """Look at one manifest."""
        document = manifest.document
        try:
            resource, body, warnings = take_in(self.registry, manifest.body)
            misread = [each for each in resource.schema.validate(body) if each.reason in (WRONG_TYPE, UNKNOWN_FIELD)]
            reported = [cause.field for cause in misread]
            meant = [field for cause in misread if (field := meant_field(resource.schema, cause))]
            as_written = clone(body)
            for field in reported:
                _remove(body, field)
            key = place(resource, body, None)
        except ApiError as error:
            self.problems.append(self._unreadable(manifest, error))
            return
        self.warnings += [document.problem(text, "$.apiVersion") for text in warnings]
        self._say(manifest, resource, as_written, misread)
        if not key.name and not _about("metadata.name", reported):
            hint = "an object that is applied needs a name of its own"
            self.problems.append(document.problem("Required value", "$.metadata.name", hint))
            reported.append("metadata.name")
        request = Request(Operation.CREATE, resource, hooks_for(resource.id), key, _NOBODY, body)
        try:
            prepare_create(request, 0.0, random.Random(0))
            complete_create(request)
            finish(request)
        except ApiError as error:
            causes = error.causes or (Cause(error.reason, error.message),)
            self._say(manifest, resource, body, [each for each in causes if not _follows(each, reported, meant)])
        self.warnings += [document.problem(text) for text in request.warnings]
        if key.name:
            self.objects.append(CheckedObject(manifest, resource, key, request.new))

    def _unreadable(self, manifest: Manifest, error: ApiError) -> Problem:
        """A body that is no object of any kind the API has."""
        body, document = manifest.body, manifest.document
        for name in ("apiVersion", "kind"):
            if not isinstance(body.get(name), str) or not body[name]:
                near = next((key for key in body if did_you_mean(key, [name])), None)
                hint = f'did you mean "{name}" instead of "{near}"?' if near else None
                return document.problem(f"Required value: {name}", f"$.{name}", hint)
        kind, version = str(body["kind"]), str(body["apiVersion"])
        if self.registry.by_kind(version, kind) is not None:
            where = "$" if isinstance(body.get("metadata", {}), dict) else "$.metadata"
            return document.problem(error.message, where)
        versions = [each.api_version for each in self.registry if each.kind == kind]
        if versions:
            return document.problem(error.message, "$.apiVersion", f"{kind} is in {' and '.join(versions)}")
        return document.problem(error.message, "$.kind", did_you_mean(kind, {each.kind for each in self.registry}))

    def _say(self, manifest: Manifest, resource: Resource, body: Any, causes: Iterable[Cause]) -> None:
        for cause in causes:
            value = value_at(body, cause.field)
            message = wording(resource.schema, cause, value, hidden=resource.id == "secrets")
            hint = hint_for(resource.schema, cause, value)
            self.problems.append(manifest.document.problem(message, f"$.{cause.field}" if cause.field else "$", hint))


def _remove(body: Any, field: str) -> None:
    """Take a part out of a body; of a list the whole list, so that the numbers of its items stay true."""
    try:
        path = (*parse_path(field[:-1]), "") if field.endswith(".") else parse_path(field)
    except ValueError:  # the name of an unknown field can be anything
        return
    while path and isinstance(path[-1], int):
        path = path[:-1]
    holder = value_at(body, path[:-1])
    if path and isinstance(holder, dict):
        holder.pop(path[-1], None)


def _follows(cause: Cause, reported: Iterable[str], meant: Iterable[str]) -> bool:
    """Whether a complaint says nothing new: that a field is missing whose name was written wrong, for one."""
    return (cause.reason == REQUIRED and cause.field in meant) or _about(cause.field, reported)


def _about(field: str, reported: Iterable[str]) -> bool:
    """Whether a complaint is about something that was complained about already, or about what holds it."""
    return not field or any(_holds(each, field) or _holds(field, each) for each in reported)


def _holds(outer: str, inner: str) -> bool:
    """Whether one path leads to the other: `spec` to `spec.replicas`, but `spec.replica` does not."""
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def pod_templates(objects: Iterable[CheckedObject]) -> list[PodTemplate]:
    """Every pod the objects are or will make."""
    found = []
    for each in objects:
        path = _TEMPLATES.get(each.resource.id)
        if path is None:
            continue
        template = value_at(each.body, path) if path else each.body
        if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
            continue
        if "containers" not in template["spec"]:
            continue
        labels = (template.get("metadata") or {}).get("labels") or {}
        found.append(PodTemplate(each, f"$.{path}" if path else "$", labels, template["spec"]))
    return found
