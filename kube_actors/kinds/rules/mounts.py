"""Where containers may not mount volumes and map devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

BLOCK_SOURCES = ("persistentVolumeClaim", "ephemeral")
Volumes = Mapping[str, Body]


def mounts_rules(container: Body, field: str, volumes: Volumes) -> list[Cause]:
    """`volumeMounts` and `volumeDevices` of a container; `volumes` are its pod's, by name."""
    devices = container.get("volumeDevices") or ()
    found = _mounts(container, f"{field}.volumeMounts", volumes, {each.get("devicePath") for each in devices})
    mounted = {each.get("name") for each in container.get("volumeMounts") or ()}
    return found + _devices(devices, f"{field}.volumeDevices", volumes, mounted)


def _mounts(container: Body, field: str, volumes: Volumes, device_paths: set[Any]) -> list[Cause]:
    found = []
    taken: set[str] = set()
    privileged = bool((container.get("securityContext") or {}).get("privileged"))
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        place, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        elif name not in volumes:
            found.append(causes.not_found(f"{place}.name", name))
        if not path:
            found.append(causes.required(f"{place}.mountPath"))
        elif path in taken:
            found.append(causes.invalid(f"{place}.mountPath", path, "must be unique"))
        elif path in device_paths:
            why = "must not already exist as a path in volumeDevices"
            found.append(causes.invalid(f"{place}.mountPath", path, why))
        taken.add(path)
        # Kubernetes names these fields without saying which mount of the container it means.
        found += _sub_paths(mount, field, place) + _propagation(mount, field, privileged)
    return found


def _sub_paths(mount: Body, field: str, place: str) -> list[Cause]:
    found = []
    expression = mount.get("subPathExpr")
    if mount.get("subPath") and expression:
        found.append(
            causes.invalid(f"{place}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
        )
    for key in ("subPath", "subPathExpr"):
        if mount.get(key):
            found += local_path_rules(mount[key], f"{field}.{key}")
    return found


def _propagation(mount: Body, field: str, privileged: bool) -> list[Cause]:
    found = []
    propagation, recursive = mount.get("mountPropagation"), mount.get("recursiveReadOnly")
    if propagation == "Bidirectional" and not privileged:
        why = "Bidirectional mount propagation is available only to privileged containers"
        found.append(causes.forbidden(f"{field}.mountPropagation", why))
    if recursive in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            found.append(causes.forbidden(f"{field}.recursiveReadOnly", "may only be specified when readOnly is true"))
        if propagation not in (None, "None"):
            why = "may only be specified when mountPropagation is None or not specified"
            found.append(causes.forbidden(f"{field}.recursiveReadOnly", why))
    elif recursive not in (None, "Disabled"):
        known = ("Disabled", "Enabled", "IfPossible")
        found.append(causes.not_supported(f"{field}.recursiveReadOnly", recursive, known))
    return found


def _devices(devices: Any, field: str, volumes: Volumes, mounted: set[Any]) -> list[Cause]:
    found = []
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(devices):
        place, name, path = f"{field}[{index}]", device.get("name", ""), device.get("devicePath", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        elif name in names:
            found.append(causes.invalid(f"{place}.name", name, "must be unique"))
        volume = volumes.get(name)
        if name and volume is None:
            found.append(causes.not_found(f"{place}.name", name))
        elif volume is not None and not any(source in volume for source in BLOCK_SOURCES):
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            found.append(causes.invalid(f"{place}.name", name, why))
        if not path:
            found.append(causes.required(f"{place}.devicePath"))
        elif path in paths:
            found.append(causes.invalid(f"{place}.devicePath", path, "must be unique"))
        elif ".." in path.split("/"):
            found.append(causes.invalid(f"{place}.devicePath", path, "can not contain backsteps ('..')"))
        if name in mounted:
            found.append(causes.invalid(f"{place}.name", name, "must not already exist in volumeMounts"))
        names.add(name)
        paths.add(path)
    return found


def local_path_rules(path: str, field: str) -> list[Cause]:
    """A path that must not lead out of its directory."""
    found = [causes.invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    if ".." in path.split("/"):
        found.append(causes.invalid(field, path, "must not contain '..'"))
    return found
