"""What a volume may not be."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.persistentvolumeclaims import claim_rules
from kube_actors.kinds.rules.environment import field_path_rules, resource_field_rules
from kube_actors.kinds.rules.mounts import local_path_rules
from kube_actors.kinds.rules.selectors import label_selector_rules, template_metadata_rules
from kube_actors.kinds.rules.signers import signer_rules
from kube_actors.kinds.rules.volume_sources import outside_source_rules

SHORTEST_TOKEN, LONGEST_TOKEN = 600, 1 << 32  # seconds
SHORTEST_CERTIFICATE, LONGEST_CERTIFICATE = 3600, 91 * 86400  # seconds
KEY_TYPES = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
DOWNWARD_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")


def volumes_rules(volumes: Any, field: str) -> tuple[list[Cause], dict[str, Body]]:
    """(causes, the volumes by name)."""
    found = []
    taken: dict[str, Body] = {}
    for index, volume in enumerate(volumes or ()):
        place, name = f"{field}[{index}]", volume.get("name", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        else:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.dns1123_label(name)]
            if name in taken:
                found.append(causes.duplicate(f"{place}.name", name))
        taken[name] = volume
        found += _source(volume, place)
    return found, taken


def _source(volume: Body, field: str) -> list[Cause]:
    given = [name for name, value in volume.items() if name != "name" and value is not None]
    if not given:
        return [causes.required(field, "must specify a volume type")]
    found = [causes.forbidden(f"{field}.{name}", "may not specify more than 1 volume type") for name in given[1:]]
    source, place = volume[given[0]], f"{field}.{given[0]}"
    match given[0]:
        case "emptyDir":
            limit = source.get("sizeLimit")
            if limit is not None and Quantity.parse(limit).nano < 0:
                found.append(
                    causes.forbidden(f"{place}.sizeLimit", "SizeLimit field must be a valid resource quantity")
                )
        case "hostPath":
            found += _host_path(source, place)
        case "configMap":
            found += [] if source.get("name") else [causes.required(f"{place}.name")]
            found += _files(source, place)
        case "secret":
            found += [] if source.get("secretName") else [causes.required(f"{place}.secretName")]
            found += _files(source, place)
        case "downwardAPI":
            found += _mode(source.get("defaultMode"), f"{place}.defaultMode") + _downward(source, place)
        case "persistentVolumeClaim":
            found += [] if source.get("claimName") else [causes.required(f"{place}.claimName")]
        case "projected":
            found += _mode(source.get("defaultMode"), f"{place}.defaultMode") + _projected(source, place)
        case "ephemeral":
            found += _ephemeral(source, place)
        case "image":
            found += [] if source.get("reference") else [causes.required(f"{place}.reference")]
        case other:
            found += outside_source_rules(other, source, place)
    return found


def _ephemeral(source: Body, field: str) -> list[Cause]:
    """The claim that is made with the pod: labels, annotations and a spec are all it may say."""
    template, place = source.get("volumeClaimTemplate"), f"{field}.volumeClaimTemplate"
    if template is None:
        return [causes.required(place)]
    extra = [name for name, value in (template.get("metadata") or {}).items() if value]
    found = [
        causes.forbidden(f"{place}.metadata.{name}", "cannot be set for an ephemeral volume")
        for name in extra
        if name not in ("labels", "annotations")
    ]
    found += template_metadata_rules(template, f"{place}.metadata")
    return found + claim_rules(template.get("spec") or {}, f"{place}.spec")


def _host_path(source: Body, field: str) -> list[Cause]:
    path = source.get("path", "")
    if not path:
        return [causes.required(f"{field}.path")]
    if ".." in path.split("/"):
        return [causes.invalid(f"{field}.path", path, "must not contain '..'")]
    return []


def _files(source: Body, field: str) -> list[Cause]:
    """`items` that pick keys and name files."""
    found = _mode(source.get("defaultMode"), f"{field}.defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        place = f"{field}.items[{index}]"
        if not item.get("key"):
            found.append(causes.required(f"{place}.key"))
        found += _file(item, place)
    return found


def _file(item: Body, field: str) -> list[Cause]:
    path = item.get("path", "")
    found = local_path_rules(path, f"{field}.path") if path else [causes.required(f"{field}.path")]
    if path.startswith("..") and ".." not in path.split("/"):
        found.append(causes.invalid(f"{field}.path", path, "must not start with '..'"))
    return found + _mode(item.get("mode"), f"{field}.mode")


def _mode(mode: Any, field: str) -> list[Cause]:
    if mode is None or 0 <= mode <= 0o777:
        return []
    return [causes.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")]


def _downward(source: Body, field: str) -> list[Cause]:
    found = []
    for index, item in enumerate(source.get("items") or ()):
        place = f"{field}.items[{index}]"
        found += _file(item, place)
        reference, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if reference is not None and resource is not None:
            found.append(
                causes.invalid(place, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            )
        elif reference is not None:
            found += field_path_rules(reference.get("fieldPath", ""), f"{place}.fieldRef.fieldPath", DOWNWARD_FIELDS)
        elif resource is None:
            found.append(causes.required(f"{place}.fieldRef", "one of fieldRef and resourceFieldRef is required"))
        elif not resource.get("containerName"):
            found.append(causes.required(f"{place}.resourceFieldRef.containerName"))
        else:
            found += resource_field_rules(resource, f"{place}.resourceFieldRef")
    return found


def _projected(source: Body, field: str) -> list[Cause]:
    found = []
    taken: set[str] = set()
    for index, part in enumerate(source.get("sources") or ()):
        place = f"{field}.sources[{index}]"
        given = [name for name, value in part.items() if value is not None]
        found += [causes.forbidden(f"{place}.{name}", "may not specify more than 1 volume type") for name in given[1:]]
        if not given:
            continue
        inner, inside = part[given[0]], f"{place}.{given[0]}"
        if given[0] in ("configMap", "secret"):
            found += [] if inner.get("name") else [causes.required(f"{inside}.name")]
            found += _files(inner, inside)
        elif given[0] == "downwardAPI":
            found += _downward(inner, inside)
        elif given[0] == "serviceAccountToken":
            found += _token(inner, inside)
        elif given[0] == "clusterTrustBundle":
            found += _trust_bundle(inner, inside)
        elif given[0] == "podCertificate":
            found += _certificate(inner, inside)
        paths = [item.get("path") for item in inner.get("items") or ()] or [inner.get("path")]
        for path in paths:
            if path and path in taken:
                found.append(causes.invalid(inside, path, "conflicting duplicate paths"))
            taken.add(path or "")
    return found


def _token(source: Body, field: str) -> list[Cause]:
    """Good for ten minutes at least."""
    seconds, found = source.get("expirationSeconds", SHORTEST_TOKEN), []
    place = f"{field}.expirationSeconds"
    if seconds < SHORTEST_TOKEN:
        found.append(causes.invalid(place, seconds, "may not specify a duration less than 10 minutes"))
    elif seconds > LONGEST_TOKEN:
        found.append(causes.invalid(place, seconds, "may not specify a duration larger than 2^32 seconds"))
    return found + _file(source, field)


def _trust_bundle(source: Body, field: str) -> list[Cause]:
    """One bundle by its name, or all of a signer."""
    name, signer, path = source.get("name"), source.get("signerName"), source.get("path") or ""
    found: list[Cause] = []
    if name is not None and signer is not None:
        found.append(causes.invalid(field, source, "only one of name and signerName may be used"))
    elif name is not None:
        found += [] if name else [causes.required(f"{field}.name", "must be a valid object name")]
        if source.get("labelSelector") is not None:
            why = "labelSelector must be unset if name is specified"
            found.append(causes.invalid(f"{field}.labelSelector", source["labelSelector"], why))
    elif signer is not None:
        found += signer_rules(signer, f"{field}.signerName")
        found += label_selector_rules(source.get("labelSelector") or {}, f"{field}.labelSelector")
    else:
        found.append(causes.required(field, "either name or signerName must be specified"))
    return found + (local_path_rules(path, f"{field}.path") if path else [causes.required(f"{field}.path")])


def _certificate(source: Body, field: str) -> list[Cause]:
    """A key of the pod's own, and where it and its certificate are written."""
    kind, seconds = source.get("keyType") or "", source.get("maxExpirationSeconds")
    found = [] if kind in KEY_TYPES else [causes.not_supported(f"{field}.keyType", kind, KEY_TYPES)]
    found += signer_rules(source.get("signerName") or "", f"{field}.signerName")
    if seconds is not None and not SHORTEST_CERTIFICATE <= seconds <= LONGEST_CERTIFICATE:
        why = f"if provided, maxExpirationSeconds must be >= {SHORTEST_CERTIFICATE}"
        if seconds > LONGEST_CERTIFICATE:
            why = f"if provided, maxExpirationSeconds must be <= {LONGEST_CERTIFICATE}"
        found.append(causes.invalid(f"{field}.maxExpirationSeconds", seconds, why))
    paths = {name: source.get(name) for name in ("credentialBundlePath", "keyPath", "certificateChainPath")}
    if not any(paths.values()):
        why = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"
        found.append(causes.required(field, why))
    for name, path in paths.items():
        found += local_path_rules(path, f"{field}.{name}") if path else []
    return found
