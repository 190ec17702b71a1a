"""Volumes of a pod's spec. A source that is None is not the one in use; modes are permission bits."""

from __future__ import annotations

from typing import Any

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import ObjectFieldSelector, ResourceFieldSelector
from kube_actors.records import frozen


@frozen
class KeyToPath:
    """A key of a ConfigMap or Secret as a file."""

    key: str = ""
    path: str = ""
    mode: int | None = None


@frozen
class EmptyDirVolumeSource:
    """A fresh directory; `medium` Memory asks for tmpfs."""

    medium: str = ""
    size_limit: Quantity | None = None


@frozen
class HostPathVolumeSource:
    """A path of the node."""

    path: str = ""
    type: str = ""


@frozen
class ConfigMapVolumeSource:
    """A ConfigMap's keys as files."""

    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


@frozen
class SecretVolumeSource:
    """A Secret's keys as files."""

    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


@frozen
class DownwardApiVolumeFile:
    """A field of the pod as a file."""

    path: str = ""
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


@frozen
class DownwardApiVolumeSource:
    """Fields of the pod as files."""

    items: tuple[DownwardApiVolumeFile, ...] = ()
    default_mode: int = 0o644


@frozen
class ProjectedVolumeSource:
    """Several sources in one directory. They stay as they are written: only a node reads them, from the body, and
    every pod has such a volume."""

    sources: tuple[Any, ...] = ()
    default_mode: int = 0o644


@frozen
class PersistentVolumeClaimVolumeSource:
    """A claim in the pod's namespace."""

    claim_name: str = ""
    read_only: bool = False


@frozen
class EphemeralVolumeSource:
    """A claim made for this volume of this pod. Its template is for whoever makes it."""


@frozen
class Volume:
    """A named volume. When no source here is set, it is of a kind this project does not offer."""

    name: str = ""
    empty_dir: EmptyDirVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    downward_api: DownwardApiVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
