"""`metadata`: what the system fills in, what may not change, and what is refused."""

from __future__ import annotations

import random
from typing import Any

from kube_actors.api import names
from kube_actors.api.times import rfc3339
from kube_actors.errors import Cause, bad_request
from kube_actors.kinds import causes
from kube_actors.kinds.rules.finalizers import standard_or_qualified
from kube_actors.kinds.rules.selectors import label_map_rules
from kube_actors.writes.request import Request, metadata_of

ANNOTATIONS_LIMIT = 256 * 1024
# The bits of a UUID that are random, and what stands in the others: version 4, variant 10.
_UUID_FREE = ~((0xF000 << 64) | (0xC000 << 48))
_UUID_VERSION_4 = (0x4000 << 64) | (0x8000 << 48)
# Set by the system at creation and never again by a client.
SYSTEM_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def start(request: Request, now: float, source: random.Random) -> None:
    """Give a new object its name (from generateName), uid, time and first generation."""
    metadata = metadata_of(request.new)
    if metadata.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    for name in ("selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        metadata.pop(name, None)
    prefix = metadata.get("generateName", "")
    if not metadata.get("name") and prefix:
        metadata["name"] = names.generated_name(prefix, source)
    metadata["uid"] = _uid(source)
    metadata["creationTimestamp"] = rfc3339(now)
    if request.hooks.generation is not None and "spec" in request.resource.schema.root.fields:
        metadata["generation"] = 1
    _drop_repeated_owners(request, metadata)


def _drop_repeated_owners(request: Request, metadata: dict[str, Any]) -> None:
    """An owner reference that is given twice, the same in every part, counts once; the client is told."""
    references = metadata.get("ownerReferences") or []
    kept: dict[frozenset[tuple[str, Any]], dict[str, Any]] = {}
    repeated: dict[str, None] = {}
    for reference in references:
        parts = frozenset(reference.items())
        if parts in kept:
            repeated[reference.get("uid", "")] = None
        kept[parts] = reference
    if not repeated:
        return
    metadata["ownerReferences"] = list(kept.values())
    request.warn(
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may "
        "reject such requests as early as 1.24; please fix your requests; "
        f"duplicate UID(s) observed: {', '.join(repeated)}"
    )


def _uid(source: random.Random) -> str:
    """A random UUID (RFC 9562, version 4) as text."""
    digits = f"{source.getrandbits(128) & _UUID_FREE | _UUID_VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def carry_over(request: Request) -> None:
    """Keep what an update may leave out: the system's fields. What it names differently is refused by `validate`."""
    metadata, before = metadata_of(request.new), (request.old or {}).get("metadata", {})
    metadata.pop("selfLink", None)
    for name in SYSTEM_FIELDS:
        if name in before:
            if name == "generation" or metadata.get(name) in (None, ""):
                metadata[name] = before[name]
        elif name == "generation":
            metadata.pop(name, None)
    if "resourceVersion" in before:
        metadata["resourceVersion"] = before["resourceVersion"]
    if metadata.get("ownerReferences") != before.get("ownerReferences"):
        _drop_repeated_owners(request, metadata)


def count_generation(request: Request) -> None:
    """Raise `generation` when the kind counts this change; a write of the status is never counted."""
    counts, old = request.hooks.generation, request.old
    if request.subresource == "status":
        return
    if counts is not None and old is not None and "generation" in old["metadata"] and counts(request.new, old):
        request.new["metadata"]["generation"] = old["metadata"]["generation"] + 1


def validate(request: Request) -> list[Cause]:
    """Everything wrong with the metadata; parts that did not change are not looked at again."""
    metadata = request.new["metadata"]
    before: dict[str, Any] = request.old["metadata"] if request.old is not None else {}
    if metadata == before:
        return []
    found = _changed_immutables(metadata, before) if request.old is not None else _name(request, metadata)
    if metadata.get("labels") != before.get("labels"):
        found += label_map_rules(metadata.get("labels") or {}, "metadata.labels")
    if metadata.get("annotations") != before.get("annotations"):
        found += _annotations(metadata.get("annotations") or {})
    if metadata.get("ownerReferences") != before.get("ownerReferences"):
        found += _owner_references(metadata.get("ownerReferences") or [])
    if metadata.get("finalizers") != before.get("finalizers"):
        found += _finalizers(metadata, before)
    return found


def _name(request: Request, metadata: dict[str, Any]) -> list[Cause]:
    found = []
    rule = request.hooks.name
    if prefix := metadata.get("generateName", ""):
        found += [
            causes.invalid("metadata.generateName", prefix, why) for why in names.is_generate_prefix(rule, prefix)
        ]
    name = metadata.get("name", "")
    if not name:
        return [*found, causes.required("metadata.name", "name or generateName is required")]
    if not (prefix and found):
        found += [causes.invalid("metadata.name", name, why) for why in rule(name)]
    if request.resource.namespaced:
        namespace = metadata.get("namespace", "")
        found += [causes.invalid("metadata.namespace", namespace, why) for why in names.dns1123_label(namespace)]
    return found


def _changed_immutables(metadata: dict[str, Any], before: dict[str, Any]) -> list[Cause]:
    fields = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
    return [
        causes.immutable(f"metadata.{name}", metadata.get(name))
        for name in fields
        if metadata.get(name) != before.get(name)
    ]


def _annotations(annotations: dict[str, str]) -> list[Cause]:
    field = "metadata.annotations"
    found = [causes.invalid(field, key, why) for key in annotations for why in names.qualified_name(key.lower())]
    return (
        found
        if annotations_size(annotations) <= ANNOTATIONS_LIMIT
        else [*found, causes.too_long(field, ANNOTATIONS_LIMIT)]
    )


def annotations_size(annotations: dict[str, str]) -> int:
    """Bytes of all keys and values: what counts against the limit."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())


def _owner_references(references: list[dict[str, Any]]) -> list[Cause]:
    found = []
    controllers = []
    for index, reference in enumerate(references):
        field = f"metadata.ownerReferences[{index}]"
        api_version = reference.get("apiVersion") or ""
        if api_version.count("/") > 1 or not api_version.rpartition("/")[2]:
            found.append(causes.invalid(f"{field}.apiVersion", api_version, "version must not be empty"))
        for name in ("kind", "name", "uid"):
            if not reference.get(name):
                found.append(causes.invalid(f"{field}.{name}", "", "must not be empty"))
        if reference.get("apiVersion") == "v1" and reference.get("kind") == "Event":
            found.append(causes.invalid(field, reference, "is disallowed from being an owner"))
        if reference.get("controller"):
            controllers.append(reference)
    if len(controllers) > 1:
        kinds = " and ".join(f"{each.get('kind')}/{each.get('name')}" for each in controllers)
        why = f'Only one reference can have Controller set to true. Found "true" in references for {kinds}'
        found.append(causes.invalid("metadata.ownerReferences", references, why))
    return found


def _finalizers(metadata: dict[str, Any], before: dict[str, Any]) -> list[Cause]:
    found = []
    finalizers = metadata.get("finalizers") or []
    for index, finalizer in enumerate(finalizers):
        field = f"metadata.finalizers[{index}]"
        found += [causes.invalid(field, finalizer, why) for why in names.qualified_name(finalizer)]
        found += standard_or_qualified(finalizer, field)
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        why = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(causes.invalid("metadata.finalizers", finalizers, why))
    if before.get("deletionTimestamp"):
        fresh = sorted(set(finalizers) - set(before.get("finalizers") or []))
        if fresh:
            listed = " ".join(f'"{each}"' for each in fresh)
            why = "no new finalizers can be added if the object is being deleted"
            why += f", found new finalizers []string{{{listed}}}"
            found.append(causes.forbidden("metadata.finalizers", why))
    return found
