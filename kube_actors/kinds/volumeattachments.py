"""VolumeAttachments: a volume that a driver is to attach to a node."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    if old is not None:
        return [] if spec == old.get("spec") else [causes.immutable("spec", spec)]
    found = driver_rules(spec.get("attacher", ""), "spec.attacher")
    source = spec.get("source") or {}
    if sum(source.get(name) is not None for name in ("inlineVolumeSpec", "persistentVolumeName")) != 1:
        why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        found.append(causes.required("spec.source", why))
    elif source.get("persistentVolumeName") == "":
        found.append(causes.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"))
    if not spec.get("nodeName"):
        found.append(causes.required("spec.nodeName"))
    return found


HOOKS = Hooks(validate=_validate, generation=None, status_metadata=())
