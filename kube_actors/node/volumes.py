"""From a pod's `volumes` and `volumeMounts` to what a runtime is asked for.

Anything that is missing or not supported is a RuntimeFailure `FailedMount` with the text of Kubernetes' Event.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kube_actors.api.quantity import Quantity
from kube_actors.errors import ApiError
from kube_actors.node.downward import field_value, resource_value
from kube_actors.node.environment import Environment
from kube_actors.node.expansion import expand_all_known
from kube_actors.node.objects import Body, Objects, Place, config_error, containers
from kube_actors.node.runtime.base import (
    EmptyDirVolume,
    File,
    FilesVolume,
    HostPathVolume,
    Mount,
    RuntimeFailure,
    Volume,
)
from kube_actors.node.tokens import TokenSource
from kube_actors.records import frozen

DEFAULT_MODE = 0o644
DEFAULT_TOKEN_SECONDS = 3600
OWNED_TOKEN_MODE = 0o600


class _Missing(Exception):
    """A volume cannot be made; the text goes behind `MountVolume.SetUp failed for volume "x" : `."""


@frozen
class Sources:
    """Where the files of a pod's volumes come from: objects of its namespace, its own place, and its tokens."""

    pod: Body
    objects: Objects
    place: Place
    token: TokenSource


def resolve_volumes(sources: Sources) -> tuple[Volume, ...]:
    """Every volume of the pod, its files read from the sources at hand."""
    pod = sources.pod
    fs_group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    return tuple(_resolved(volume, sources, fs_group) for volume in pod["spec"].get("volumes") or ())


def refreshed_volumes(
    before: Iterable[Volume], sources: Sources
) -> tuple[tuple[Volume, ...], tuple[RuntimeFailure, ...]]:
    """The volumes of a running pod, read again. One that cannot be read any more stays as it was; why is told too."""
    pod = sources.pod
    fs_group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    known = {volume.name: volume for volume in before}
    fresh: list[Volume] = []
    failures: list[RuntimeFailure] = []
    for volume in pod["spec"].get("volumes") or ():
        try:
            fresh.append(_resolved(volume, sources, fs_group))
        except RuntimeFailure as failure:
            failures.append(failure)
            fresh += [known[volume["name"]]] if volume["name"] in known else []
    return tuple(fresh), tuple(failures)


def _resolved(volume: Body, sources: Sources, fs_group: int | None) -> Volume:
    try:
        return _volume(volume, sources, fs_group)
    except _Missing as error:
        message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
        raise RuntimeFailure("FailedMount", message) from None


def _volume(volume: Body, sources: Sources, fs_group: int | None) -> Volume:
    name: str = volume["name"]
    given = {kind: source for kind, source in volume.items() if kind != "name" and source is not None}
    match given:
        case {"emptyDir": source}:
            limit = source.get("sizeLimit")
            size = Quantity.parse(str(limit)).value if limit is not None else None
            return EmptyDirVolume(name, source.get("medium") == "Memory", size, fs_group)
        case {"hostPath": source}:
            return HostPathVolume(name, source["path"], source.get("type") or "")
        case {"configMap": source}:
            return FilesVolume(name, _config_map_files(source, source, sources.objects), fs_group=fs_group)
        case {"secret": source}:
            named = {**source, "name": source.get("secretName", "")}
            return FilesVolume(name, _secret_files(named, source, sources.objects), secret=True, fs_group=fs_group)
        case {"downwardAPI": source}:
            return FilesVolume(name, _downward_files(source, source, sources), fs_group=fs_group)
        case {"projected": source}:
            files, secret = _projected_files(source, sources, fs_group)
            return FilesVolume(name, files, secret=secret, fs_group=fs_group)
        case {}:
            if not given:  # a volume without a source is an emptyDir
                return EmptyDirVolume(name, fs_group=fs_group)
            raise _Missing(f"volume type {', '.join(given)} is not supported by kube-actors")


def _projected_files(source: Body, sources: Sources, fs_group: int | None) -> tuple[tuple[File, ...], bool]:
    """Files of all sources, later ones winning; whether any of them is secret."""
    files: dict[str, File] = {}
    secret = False
    for projection in source.get("sources") or ():
        match projection:
            case {"configMap": part}:
                found = _config_map_files(part, source, sources.objects)
            case {"secret": part}:
                found, secret = _secret_files(part, source, sources.objects), True
            case {"downwardAPI": part}:
                found = _downward_files(part, source, sources)
            case {"serviceAccountToken": part}:
                found, secret = (_token_file(part, source, sources, fs_group),), True
            case _:
                raise _Missing(f"projected source {', '.join(projection)} is not supported by kube-actors")
        files.update({file.path: file for file in found})
    return tuple(files[path] for path in sorted(files)), secret


def _config_map_files(part: Body, volume: Body, objects: Objects) -> tuple[File, ...]:
    return _keyed_files("configmap", "config", part, volume, objects.config_map)


def _secret_files(part: Body, volume: Body, objects: Objects) -> tuple[File, ...]:
    return _keyed_files("secret", "secret", part, volume, objects.secret)


def _keyed_files(
    kind: str, key_kind: str, part: Body, volume: Body, data_of: Callable[[str], Mapping[str, bytes] | None]
) -> tuple[File, ...]:
    """The files of a ConfigMap or Secret: every key, or those of `items` under their paths."""
    name, optional = part.get("name") or "", bool(part.get("optional"))
    default_mode = _mode(volume.get("defaultMode"), DEFAULT_MODE)
    data = data_of(name)
    if data is None:
        if optional:
            return ()
        raise _Missing(f'{kind} "{name}" not found')
    items = part.get("items")
    if not items:
        return tuple(File(_safe(key), content, default_mode) for key, content in sorted(data.items()))
    files = []
    for item in items:
        if item["key"] in data:
            files.append(File(_safe(item["path"]), data[item["key"]], _mode(item.get("mode"), default_mode)))
        elif not optional:
            raise _Missing(f"{kind} references non-existent {key_kind} key: {item['key']}")
    return tuple(sorted(files, key=lambda file: file.path))


def _token_file(part: Body, volume: Body, sources: Sources, fs_group: int | None) -> File:
    """A token of the pod's account; with a user or group of its own it is nobody else's to read."""
    user = _only_user(sources.pod)
    shared = fs_group is None and user is None
    mode = _mode(volume.get("defaultMode"), DEFAULT_MODE) if shared else OWNED_TOKEN_MODE
    try:
        text = sources.token(part.get("audience") or "", part.get("expirationSeconds") or DEFAULT_TOKEN_SECONDS)
    except ApiError as error:
        raise _Missing(f"failed to fetch token: {error.message}") from None
    return File(_safe(part["path"]), text.encode(), mode, user)


def _only_user(pod: Body) -> int | None:
    """The user all the pod's containers run as; None when one says none, or another."""
    outer = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    users = {(one.get("securityContext") or {}).get("runAsUser", outer) for one in containers(pod)}
    return users.pop() if len(users) == 1 else None


def _downward_files(part: Body, volume: Body, sources: Sources) -> tuple[File, ...]:
    pod, place = sources.pod, sources.place
    default_mode = _mode(volume.get("defaultMode"), DEFAULT_MODE)
    files = []
    for item in part.get("items") or ():
        try:
            if (reference := item.get("fieldRef")) is not None:
                value = field_value(reference["fieldPath"], pod, place)
            else:
                value = resource_value(item["resourceFieldRef"], pod, None, place)
        except ValueError as error:
            raise _Missing(str(error)) from None
        files.append(File(_safe(item["path"]), value.encode(), _mode(item.get("mode"), default_mode)))
    return tuple(sorted(files, key=lambda file: file.path))


def _mode(value: Any, default: int) -> int:
    return default if value is None else int(value)


def _safe(path: str) -> str:
    """A file's path stays inside its volume."""
    normal = posixpath.normpath(path)
    if not path or normal.startswith(("/", "..")) or normal == ".":
        raise _Missing(f"invalid path {path!r}: it must be relative and stay inside the volume")
    return normal


def resolve_mounts(container: Body, environment: Environment) -> tuple[Mount, ...]:
    """The container's mounts, `subPathExpr` expanded. RuntimeFailure CreateContainerConfigError where that fails."""
    return tuple(
        Mount(mount["name"], mount["mountPath"], bool(mount.get("readOnly")), _sub_path(mount, environment))
        for mount in container.get("volumeMounts") or ()
    )


def _sub_path(mount: Body, environment: Environment) -> str:
    path = mount.get("subPath") or ""
    if mount.get("subPathExpr"):
        try:
            path = expand_all_known(mount["subPathExpr"], environment.own)
        except KeyError as missing:
            raise config_error(f'missing value for "{missing.args[0]}"') from None
    if path.startswith("/"):
        raise config_error(f"error SubPath `{path}` must not be an absolute path")
    if ".." in path.split("/"):
        raise config_error(f"unable to provision SubPath `{path}`: must not contain '..'")
    return path


def changed_files(old: Iterable[Volume], new: Iterable[Volume]) -> tuple[FilesVolume, ...]:
    """The files volumes whose content differs from before: what a running pod has to be given again."""
    before = {volume.name: volume for volume in old}
    return tuple(v for v in new if isinstance(v, FilesVolume) and before.get(v.name) != v)
