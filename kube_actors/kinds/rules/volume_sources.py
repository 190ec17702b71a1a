"""Sources of volumes that lie outside the node, in a pod or in a PersistentVolume."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.mounts import local_path_rules

LONGEST_DRIVER: Final = 63
_LUN: Final = "must be between 0 and 255, inclusive"
_PARTITION: Final = "must be between 1 and 255, inclusive"
# Names of a target, by the authority that gives them.
_TARGETS: Final = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.[0-9A-Za-z\-.]+(:[^,;*&$|\s]+)$"),
    "eui": re.compile(r"eui.[0-9A-Za-z]{16}$"),
    "naa": re.compile(r"naa.[0-9A-Za-z]{32}$"),
}


def outside_source_rules(kind: str, source: Body, field: str) -> list[Cause]:
    """What is wrong with the source; empty for kinds without rules of their own."""
    rules = _RULES.get(kind)
    return [] if rules is None else rules(source, field)


def _needed(source: Body, field: str, *fields: str) -> list[Cause]:
    return [causes.required(f"{field}.{name}") for name in fields if not source.get(name)]


def _nfs(source: Body, field: str) -> list[Cause]:
    found = _needed(source, field, "server", "path")
    path = source.get("path", "")
    return (
        found if path.startswith("/") else [*found, causes.invalid(f"{field}.path", path, "must be an absolute path")]
    )


def _iscsi(source: Body, field: str) -> list[Cause]:
    found = _needed(source, field, "targetPortal", "iqn")
    lun, initiator = source.get("lun", 0), source.get("initiatorName")
    found += _target(source["iqn"], f"{field}.iqn") if source.get("iqn") else []
    found += [] if initiator is None else _target(initiator, f"{field}.initiatorname")
    if not 0 <= lun <= 255:
        found.append(causes.invalid(f"{field}.lun", lun, _LUN))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        found.append(causes.required(f"{field}.secretRef"))
    return found


def _target(name: str, field: str) -> list[Cause]:
    expression = _TARGETS.get(name[:3])
    if expression is None:
        return [causes.invalid(field, name, "must be valid format starting with iqn, eui, or naa")]
    return [] if expression.match(name) else [causes.invalid(field, name, "must be valid format")]


def _flocker(source: Body, field: str) -> list[Cause]:
    name, known = source.get("datasetName") or "", source.get("datasetUUID")
    if not name and not known:
        return [causes.required(field, "one of datasetName and datasetUUID is required")]
    why = "datasetName and datasetUUID can not be specified simultaneously"
    found = [causes.invalid(field, "resource", why)] if name and known else []
    slash = causes.invalid(f"{field}.datasetName", name, "must not contain '/'")
    return [*found, slash] if "/" in name else found


def _storageos(source: Body, field: str) -> list[Cause]:
    found, reference = _needed(source, field, "volumeName"), source.get("secretRef")
    for name in ("volumeName", "volumeNamespace"):
        value = source.get(name) or ""
        found += [causes.invalid(f"{field}.{name}", value, why) for why in names.dns1123_label(value)] if value else []
    if reference is not None and not reference.get("name"):
        found.append(causes.required(f"{field}.secretRef.name"))
    return found


def _fc(source: Body, field: str) -> list[Cause]:
    targets, worldwide, lun = source.get("targetWWNs"), source.get("wwids"), source.get("lun")
    place = f"{field}.targetWWNs"
    if not targets and not worldwide:
        return [causes.required(place, "must specify either targetWWNs or wwids, but not both")]
    if targets and worldwide:
        return [causes.invalid(place, targets, "targetWWNs and wwids can not be specified simultaneously")]
    if lun is None:
        return [causes.required(f"{field}.lun", "lun is required if targetWWNs is specified")] if targets else []
    return [causes.invalid(f"{field}.lun", lun, _LUN)] if targets and not 0 <= lun <= 255 else []


def _csi(source: Body, field: str) -> list[Cause]:
    driver, reference = source.get("driver", ""), source.get("nodePublishSecretRef")
    found = driver_rules(driver, f"{field}.driver")
    if reference is not None and not reference.get("name"):
        found.append(causes.required(f"{field}.nodePublishSecretRef.name"))
    return found


def driver_rules(driver: str, field: str) -> list[Cause]:
    """The name of a CSI driver."""
    if not driver:
        return [causes.required(field)]
    found = [causes.too_long(field, LONGEST_DRIVER)] if len(driver) > LONGEST_DRIVER else []
    return found + [causes.invalid(field, driver, why) for why in names.dns1123_subdomain(driver.lower())]


def provisioner_rules(name: str, field: str) -> list[Cause]:
    """Who makes the volumes of a class, or changes them: a driver, or a name within somebody's domain."""
    if not name:
        return [causes.required(field)]
    return [causes.invalid(field, name, why) for why in names.qualified_name(name.lower())]


def _git(source: Body, field: str) -> list[Cause]:
    found = _needed(source, field, "repository")
    return found + local_path_rules(source.get("directory") or "", f"{field}.directory")


def _disk(name: str) -> Callable[[Body, str], list[Cause]]:
    """A cloud's disk: its id, and a number of a partition."""

    def rules(source: Body, field: str) -> list[Cause]:
        found, partition = _needed(source, field, name), source.get("partition") or 0
        return [
            *found,
            *([causes.invalid(f"{field}.partition", partition, _PARTITION)] if not 0 <= partition <= 255 else []),
        ]

    return rules


def _all_of(*fields: str) -> Callable[[Body, str], list[Cause]]:
    return lambda source, field: _needed(source, field, *fields)


_RULES: Final[Mapping[str, Callable[[Body, str], list[Cause]]]] = {
    "awsElasticBlockStore": _disk("volumeID"),
    "azureDisk": _all_of("diskName", "diskURI"),
    "azureFile": _all_of("secretName", "shareName"),
    "cephfs": _all_of("monitors"),
    "cinder": _all_of("volumeID"),
    "csi": _csi,
    "fc": _fc,
    "flexVolume": _all_of("driver"),
    "flocker": _flocker,
    "gcePersistentDisk": _disk("pdName"),
    "gitRepo": _git,
    "glusterfs": _all_of("endpoints", "path"),
    "iscsi": _iscsi,
    "nfs": _nfs,
    "photonPersistentDisk": _all_of("pdID"),
    "portworxVolume": _all_of("volumeID"),
    "quobyte": _all_of("registry", "volume"),
    "rbd": _all_of("monitors", "image"),
    "scaleIO": _all_of("gateway", "system", "volumeName"),
    "storageos": _storageos,
    "vsphereVolume": _all_of("volumePath"),
}
