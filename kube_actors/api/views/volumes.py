"""Volumes of a pod's spec. A source that is None is not the one in use; modes are permission bits."""

from __future__ import annotations

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import ObjectFieldSelector, ResourceFieldSelector


@attrs.frozen
class KeyToPath:
    """A key of a ConfigMap or Secret as a file."""

    key: str = ""
    path: str = ""
    mode: int | None = None


@attrs.frozen
class EmptyDirVolumeSource:
    """A fresh directory; `medium` Memory asks for tmpfs."""

    medium: str = ""
    size_limit: Quantity | None = None


@attrs.frozen
class HostPathVolumeSource:
    """A path of the node."""

    path: str = ""
    type: str = ""


@attrs.frozen
class ConfigMapVolumeSource:
    """A ConfigMap's keys as files."""

    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


@attrs.frozen
class SecretVolumeSource:
    """A Secret's keys as files."""

    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


@attrs.frozen
class DownwardApiVolumeFile:
    """A field of the pod as a file."""

    path: str = ""
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


@attrs.frozen
class DownwardApiVolumeSource:
    """Fields of the pod as files."""

    items: tuple[DownwardApiVolumeFile, ...] = ()
    default_mode: int = 0o644


@attrs.frozen
class ObjectProjection:
    """A ConfigMap or Secret inside a projected volume."""

    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool = False


@attrs.frozen
class DownwardApiProjection:
    """Fields of the pod inside a projected volume."""

    items: tuple[DownwardApiVolumeFile, ...] = ()


@attrs.frozen
class ServiceAccountTokenProjection:
    """A token for the pod's service account."""

    path: str = ""
    audience: str = ""
    expiration_seconds: int = 3600


@attrs.frozen
class VolumeProjection:
    """One source of a projected volume; exactly one is given."""

    config_map: ObjectProjection | None = None
    secret: ObjectProjection | None = None
    downward_api: DownwardApiProjection | None = None
    service_account_token: ServiceAccountTokenProjection | None = None


@attrs.frozen
class ProjectedVolumeSource:
    """Several sources in one directory."""

    sources: tuple[VolumeProjection, ...] = ()
    default_mode: int = 0o644


@attrs.frozen
class PersistentVolumeClaimVolumeSource:
    """A claim in the pod's namespace."""

    claim_name: str = ""
    read_only: bool = False


@attrs.frozen
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
