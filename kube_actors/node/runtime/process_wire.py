"""The runtime contract's values as the agent's JSON, and back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import attrs

from kube_actors.node.runtime.base import (
    ContainerExited,
    ContainerId,
    ContainerSpec,
    EmptyDirVolume,
    File,
    FilesVolume,
    FoundContainer,
    FoundSandbox,
    HostPathVolume,
    PodName,
    SandboxSpec,
    Started,
    Volume,
)
from kube_actors.plan.container_user import User

_KINDS: dict[type, str] = {EmptyDirVolume: "empty_dir", FilesVolume: "files", HostPathVolume: "host_path"}
ToClusterTime = Callable[[float], float]


def encode_volume(volume: Volume) -> dict[str, Any]:
    """A volume with its kind; contents in base64."""
    return {"kind": _KINDS[type(volume)], **_plain(volume)}


def encode_sandbox(spec: SandboxSpec) -> dict[str, Any]:
    """A sandbox specification; labels and annotations are not the agent's business."""
    plain: dict[str, Any] = _plain(attrs.evolve(spec, labels={}, annotations={}, volumes=()))
    return {**plain, "volumes": [encode_volume(volume) for volume in spec.volumes]}


def encode_container(spec: ContainerSpec) -> dict[str, Any]:
    """A container specification."""
    plain: dict[str, Any] = _plain(attrs.evolve(spec, annotations={}))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, File):
        content = base64.b64encode(value.content).decode()
        return {"path": value.path, "content": content, "mode": value.mode, "user": value.user}
    if attrs.has(type(value)):
        return {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def decode_id(raw: list[Any]) -> ContainerId:
    """A container's name."""
    return ContainerId(raw[0], raw[1], raw[2])


def decode_started(raw: dict[str, Any], to_cluster: ToClusterTime) -> Started:
    """The answer to a start."""
    started_at = to_cluster(raw["started_at"])
    return Started(decode_id(raw["id"]), raw["runtime_id"], raw["pid"], started_at, _decode_user(raw))


def _decode_user(raw: dict[str, Any]) -> User | None:
    """Who it runs as; an agent of an earlier version does not say."""
    told = raw.get("user")
    return None if told is None else User(told["uid"], told["gid"], tuple(told["groups"]))


def decode_exit(raw: dict[str, Any], to_cluster: ToClusterTime) -> ContainerExited | None:
    """How a container ended, None while it runs."""
    exited = raw["exit"]
    if exited is None:
        return None
    return ContainerExited(
        id=decode_id(raw["id"]),
        exit_code=exited["exit_code"],
        oom_killed=exited["oom_killed"],
        finished_at=to_cluster(exited["finished_at"]),
        message=exited["message"],
    )


def decode_found(raw: dict[str, Any], to_cluster: ToClusterTime) -> FoundSandbox:
    """A sandbox that was there."""
    containers = tuple(
        FoundContainer(
            id=decode_id(item["id"]),
            runtime_id=item["runtime_id"],
            pid=item["pid"],
            started_at=to_cluster(item["started_at"]),
            image=item["image"],
            exit=decode_exit(item, to_cluster),
            user=_decode_user(item),
        )
        for item in raw["containers"]
    )
    return FoundSandbox(PodName(**raw["pod"]), raw["address"], containers)
