"""VolumeAttachments: a volume that a driver is to attach to a node."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules

LARGEST_METADATA: Final = 256 << 10
LONGEST_MESSAGE: Final = 1024


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    if old is not None:
        return [] if spec == old.get("spec") else [causes.immutable("spec", spec)]
    found = driver_rules(spec.get("attacher", ""), "spec.attacher")
    source = spec.get("source") or {}
    volume, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if (volume is None) == (inline is None):
        refused = causes.required if volume is None else causes.forbidden
        found.append(refused("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
    if volume == "" and inline is None:
        found.append(causes.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"))
    node = spec.get("nodeName") or ""
    found += [causes.invalid("spec.nodeName", node, why) for why in names.dns1123_subdomain(node)]
    if volume is not None:
        place = "spec.source.persistentVolumeName"
        found += [causes.invalid(place, volume, why) for why in names.dns1123_subdomain(volume)]
    return found


def _validate_status(new: Body, _old: Body) -> list[Cause]:
    """What the driver says about the volume, and what went wrong."""
    status = new.get("status") or {}
    size = sum(len(key) + len(value) for key, value in (status.get("attachmentMetadata") or {}).items())
    found = [causes.too_long("status.attachmentMetadata", LARGEST_METADATA)] if size > LARGEST_METADATA else []
    for name in ("attachError", "detachError"):
        if len(((status.get(name) or {}).get("message") or "").encode()) > LONGEST_MESSAGE:
            found.append(causes.too_long(f"status.{name}.message", LONGEST_MESSAGE))
    return found


HOOKS = Hooks(
    validate=_validate,
    validate_subresource={"status": _validate_status},
    generation=None,
    status_metadata=(),
)
