"""PersistentVolumes."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.persistentvolumeclaims import VOLUME_MODES, access_mode_rules
from kube_actors.kinds.pod_defaults import default_volume_source
from kube_actors.kinds.rules.scheduling import node_selector_rules
from kube_actors.kinds.rules.volume_sources import outside_source_rules

POLICIES: Final = ("Delete", "Recycle", "Retain")
# Everything in the spec that is not what the volume is made of.
_PLAIN: Final = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
_FROZEN: Final = "spec.persistentvolumesource is immutable after creation"


def _default(body: Body) -> None:
    spec = body.get("spec")
    if isinstance(spec, dict):
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        default_volume_source(spec)
    body.setdefault("status", {}).setdefault("phase", "Pending")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    modes = spec.get("accessModes") or []
    found = access_mode_rules(modes, "spec.accessModes") if modes else [causes.required("spec.accessModes")]
    found += _capacity(spec) + _source(spec)
    policy, mode = spec.get("persistentVolumeReclaimPolicy"), spec.get("volumeMode")
    if policy not in POLICIES:
        found.append(causes.not_supported("spec.persistentVolumeReclaimPolicy", policy, POLICIES))
    if mode not in VOLUME_MODES:
        found.append(causes.not_supported("spec.volumeMode", mode, VOLUME_MODES))
    name = spec.get("storageClassName")
    if name:
        found += [causes.invalid("spec.storageClassName", name, why) for why in names.dns1123_subdomain(name)]
    found += _attributes(spec)
    if spec.get("nodeAffinity") is not None:
        found += _node_affinity(spec["nodeAffinity"], "spec.nodeAffinity")
    if old is not None:
        found += _changes(spec, old.get("spec") or {})
    return found


def _node_affinity(affinity: Body, field: str) -> list[Cause]:
    """The nodes from which the volume can be reached."""
    required = affinity.get("required")
    if required is None:
        return [causes.required(f"{field}.required", "must specify required node constraints")]
    return node_selector_rules(required, f"{field}.required")


def _capacity(spec: Body) -> list[Cause]:
    capacity = spec.get("capacity") or {}
    if not capacity:
        return [causes.required("spec.capacity")]
    if set(capacity) != {"storage"}:
        return [causes.not_supported("spec.capacity", capacity, ["storage"])]
    if Quantity.parse(str(capacity["storage"])).milli <= 0:
        return [causes.invalid("spec.capacity[storage]", capacity["storage"], "must be greater than zero")]
    return []


def _sources(spec: Body) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _PLAIN}


def _source(spec: Body) -> list[Cause]:
    """Exactly one kind of volume."""
    sources = list(_sources(spec))
    if not sources:
        return [causes.required("spec", "must specify a volume type")]
    found = [causes.forbidden(f"spec.{name}", "may not specify more than 1 volume type") for name in sources[1:]]
    if "hostPath" in sources and ".." in str(spec["hostPath"].get("path", "")).split("/"):
        found.append(causes.invalid("spec.hostPath.path", spec["hostPath"]["path"], "must not contain '..'"))
    for name in sources[:1]:
        found += outside_source_rules(name, spec[name], f"spec.{name}")
    for name, rules in _NAMESPACED.items():
        found += rules(spec[name], f"spec.{name}") if name in sources else []
    if "hostPath" in sources:
        found += [] if spec["hostPath"].get("path") else [causes.required("spec.hostPath.path")]
        if spec["hostPath"].get("path") == "/" and spec.get("persistentVolumeReclaimPolicy") == "Recycle":
            why = "may not be 'recycle' for a hostPath mount of '/'"
            found.append(causes.forbidden("spec.persistentVolumeReclaimPolicy", why))
    if "local" in sources and not spec["local"].get("path"):
        found.append(causes.required("spec.local.path"))
    if "local" in sources and not (spec.get("nodeAffinity") or {}).get("required"):
        found.append(causes.required("spec.nodeAffinity", "Local volume requires node affinity"))
    return found


def _attributes(spec: Body) -> list[Cause]:
    """What a driver is to change about the volume."""
    chosen, field = spec.get("volumeAttributesClassName"), "spec.volumeAttributesClassName"
    if chosen is None:
        return []
    found = [causes.invalid(field, chosen, why) for why in names.dns1123_subdomain(chosen)] if chosen else []
    found += [] if chosen else [causes.required(field, "an empty string is disallowed")]
    if spec.get("csi") is None:
        found.append(causes.required("spec.csi", "has to be specified when using volumeAttributesClassName"))
    return found


def _csi(source: Body, field: str) -> list[Cause]:
    """The volume by the driver's name for it, and Secrets in namespaces of their own."""
    found = [] if source.get("volumeHandle") else [causes.required(f"{field}.volumeHandle")]
    for name in _SECRETS:
        reference = source.get(name)
        if reference is not None:
            missing = [part for part in ("name", "namespace") if not reference.get(part)]
            found += [causes.required(f"{field}.{name}.{part}") for part in missing]
    return found


def _azure_file(source: Body, field: str) -> list[Cause]:
    return [causes.required(f"{field}.secretNamespace")] if source.get("secretNamespace") == "" else []


def _iscsi(source: Body, field: str) -> list[Cause]:
    reference = source.get("secretRef")
    return [] if reference is None or reference.get("name") else [causes.required(f"{field}.secretRef.name")]


_SECRETS: Final = (
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
)
# Sources that say more in a PersistentVolume than in a pod: which namespace something is in.
_NAMESPACED: Final = {"csi": _csi, "azureFile": _azure_file, "iscsi": _iscsi}


def _changes(spec: Body, before: Body) -> list[Cause]:
    found = []
    if _sources(spec) != _sources(before):
        found.append(causes.forbidden("spec.persistentvolumesource", _FROZEN))
    if before.get("nodeAffinity") is not None and spec.get("nodeAffinity") != before["nodeAffinity"]:
        why = "field is immutable, except for updating from beta label to GA"
        found.append(causes.invalid("spec.nodeAffinity", spec.get("nodeAffinity"), why))
    if spec.get("volumeMode") != before.get("volumeMode"):
        found.append(causes.immutable("spec.volumeMode", spec.get("volumeMode")))
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
