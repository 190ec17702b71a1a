"""CustomResourceDefinitions: what may be said of a kind that somebody brings along. Nothing is served by it yet.

Kubernetes judges them in the form it keeps: what all versions have in common stands once, above the versions, and
that is where its complaints point to.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.custom_parts import (
    columns_rules,
    conversion_rules,
    deprecation_rules,
    joined,
    names_rules,
    selectable_rules,
    subresources_rules,
)
from kube_actors.kinds.rules.custom_schemas import schema_rules

SCOPES: Final = ("Cluster", "Namespaced")
HTTPS: Final = 443
APPROVAL: Final = "api-approved.kubernetes.io"
PROTECTED: Final = ("k8s.io", "kubernetes.io")
"""Domains whose kinds somebody has approved."""
_APPROVED: Final = f'protected groups must have approval annotation "{APPROVAL}"'
_SEE: Final = "see https://github.com/kubernetes/enhancements/pull/1111"
_PRESERVED: Final = (
    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
)
# A part of a version, and where it stands when it is that of all versions.
_SHARED: Final = {
    "schema": "spec.validation",
    "subresources": "spec.subresources",
    "additionalPrinterColumns": "spec.additionalPrinterColumns",
    "selectableFields": "spec.selectableFields",
}


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    called, conversion = spec.get("names"), spec.setdefault("conversion", {"strategy": "None"})
    kind = called.get("kind") if isinstance(called, dict) else None
    if isinstance(called, dict) and isinstance(kind, str) and kind:
        called["singular"] = called.get("singular") or kind.lower()
        called["listKind"] = called.get("listKind") or f"{kind}List"
    webhook = conversion.get("webhook") if isinstance(conversion, dict) else None
    client = webhook.get("clientConfig") if isinstance(webhook, dict) else None
    service = client.get("service") if isinstance(client, dict) else None
    if isinstance(service, dict):
        service.setdefault("port", HTTPS)


def _prepare_create(body: Body) -> None:
    """What is stored is remembered, from the beginning, and who waits for the kind to be served (helm does) is told."""
    refusal = {
        "type": "Established",
        "status": "False",
        "reason": "NotServed",
        "message": "this definition is only stored: nothing in this cluster serves its resources",
        "lastTransitionTime": body["metadata"].get("creationTimestamp"),
    }
    body["status"] = {**(body.get("status") or {}), "conditions": [refusal]}
    _remember(body, [])
    body["metadata"]["generation"] = 1


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """A new storage version is one more that objects may be stored in."""
    if not subresource:
        _remember(new, list((old.get("status") or {}).get("storedVersions") or ()))


def _remember(body: Body, stored: list[str]) -> None:
    spec = body.get("spec")
    versions = spec.get("versions") if isinstance(spec, dict) else None
    listed = [each for each in versions if isinstance(each, dict)] if isinstance(versions, list) else []
    name = next((each.get("name") for each in listed if each.get("storage")), None)
    if isinstance(name, str) and name not in stored:
        stored.append(name)
    if stored:
        body["status"] = {**(body.get("status") or {}), "storedVersions": stored}


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec, called = new.get("spec") or {}, (new.get("spec") or {}).get("names") or {}
    name, wanted = new["metadata"].get("name", ""), f"{called.get('plural') or ''}.{spec.get('group') or ''}"
    found = _group(spec.get("group") or "") + _scope(spec.get("scope") or "")
    if name != wanted:
        found.insert(0, causes.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    found += _versions(spec, (old or {}).get("spec") or {})
    found += [causes.required(f"spec.names.{each}") for each in _NEEDED if not called.get(each)]
    found += names_rules(called, "spec.names")
    found += conversion_rules(spec.get("conversion"), "spec.conversion") + _stored(new, spec.get("versions") or [])
    found += _approval(new) if old is None or _approval(new) != _approval(old) else []
    if spec.get("preserveUnknownFields") and not ((old or {}).get("spec") or {}).get("preserveUnknownFields"):
        found.append(causes.invalid("spec.preserveUnknownFields", True, _PRESERVED))
    return found if old is None else found + _changes(spec, old)


_NEEDED: Final = ("plural", "singular", "kind", "listKind")


def _group(group: str) -> list[Cause]:
    if not group:
        return [causes.required("spec.group")]
    if wrong := names.dns1123_subdomain(group):
        return [causes.invalid("spec.group", group, joined(wrong))]
    return [] if "." in group else [causes.invalid("spec.group", group, "should be a domain with at least one dot")]


def _scope(scope: str) -> list[Cause]:
    if not scope:
        return [causes.required("spec.scope")]
    return [] if scope in SCOPES else [causes.not_supported("spec.scope", scope, SCOPES)]


def _versions(spec: Body, before: Body) -> list[Cause]:
    """Each version, and then what holds of all of them. Schemas that stay as they are were let in once."""
    versions, found = spec.get("versions") or [], []
    for index, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            found.append(causes.required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required"))
    for index, version in enumerate(versions):
        name, field = version.get("name") or "", f"spec.versions[{index}]"
        if wrong := names.dns1035_label(name):
            found.append(causes.invalid(f"{field}.name", name, joined(wrong)))
        found += deprecation_rules(version, field)
    called = [version.get("name") for version in versions]
    if len(set(called)) != len(called):
        found.append(causes.invalid("spec.versions", versions, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        why = "must have exactly one version marked as storage version"
        found.append(causes.invalid("spec.versions", versions or None, why))
    known = [version.get("schema") for version in before.get("versions") or ()]
    for part, rules in (("schema", schema_rules), ("subresources", subresources_rules)):
        for field, value in _where(versions, part):
            found += [] if part == "schema" and value in known else rules(value, field)
    for field, value in _where(versions, "additionalPrinterColumns"):
        found += columns_rules(value, field)
    schema: Body = next((each for each in (version.get("schema") for version in versions) if each), {})
    for field, value in _where(versions, "selectableFields"):
        found += selectable_rules(value, schema.get("openAPIV3Schema"), field)
    return found


def _where(versions: list[Body], part: str) -> list[tuple[str, Any]]:
    """A part of the versions: once, when it is the same in all of them, or at each version that has it."""
    values = [version.get(part) for version in versions]
    if values and all(value == values[0] for value in values):
        return [(_SHARED[part], values[0])] if values[0] else []
    return [(f"spec.versions[{index}].{part}", value) for index, value in enumerate(values) if value]


def _stored(new: Body, versions: list[Body]) -> list[Cause]:
    """Versions that objects are stored in do not go away."""
    stored, field = (new.get("status") or {}).get("storedVersions") or [], "status.storedVersions"
    if not stored:
        return [causes.invalid(field, None, "must have at least one stored version")]
    called = {version.get("name") for version in versions}
    return [
        causes.invalid(f"{field}[{at}]", name, "must appear in spec.versions")
        for at, name in enumerate(stored)
        if name not in called
    ]


def _approval(body: Body) -> list[Cause]:
    """Kinds in Kubernetes' own domains were approved, or say that they were not."""
    group = (body.get("spec") or {}).get("group") or ""
    if not any(group == domain or group.endswith(f".{domain}") for domain in PROTECTED):
        return []
    field, said = f"metadata.annotations[{APPROVAL}]", (body["metadata"].get("annotations") or {}).get(APPROVAL)
    if not said:
        return [causes.required(field, f"{_APPROVED}, {_SEE}")]
    if said.startswith(("unapproved", "http://", "https://")):
        return []
    why = f'{_APPROVED} with either a URL or a reason starting with "unapproved", {_SEE}'
    return [causes.invalid(field, said, why)]


def _changes(spec: Body, old: Body) -> list[Cause]:
    """What the place of the objects depends on."""
    before, conditions = old.get("spec") or {}, (old.get("status") or {}).get("conditions") or ()
    is_established = any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)
    kept = [("scope",), ("names", "kind")] if is_established else []
    found = []
    for path in (*kept, ("group",), ("names", "plural")):
        value, known = (functools.reduce(_get, path, each) for each in (spec, before))
        if value != known:
            found.append(causes.immutable(".".join(("spec", *path)), value))
    return found


def _get(value: Any, name: str) -> Any:
    return (value or {}).get(name)


def _validate_status(new: Body, _old: Body) -> list[Cause]:
    return names_rules((new.get("status") or {}).get("acceptedNames") or {}, "status.acceptedNames")


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_subresource={"status": _validate_status},
    status_metadata=(),
)
