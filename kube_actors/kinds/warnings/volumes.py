"""Volumes of pods: kinds of volumes that are gone, and files that take each other's places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kube_actors.kinds.causes import shown
from kube_actors.kinds.warnings.gone_volumes import of_gone_sources
from kube_actors.kinds.warnings.storage import of_claim_spec

Body = Mapping[str, Any]
# A path in a volume, and what puts a file there ("" where the volume has one source only).
Placed = tuple[str, str]


def of_volumes(spec: Body, field: str) -> list[str]:
    """Sources that nothing serves any more, and claims for parts of bytes."""
    found = []
    for index, volume in enumerate(spec.get("volumes") or ()):
        place = f"{field}.volumes[{index}]"
        found += of_gone_sources(volume, place)
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template:
            found += of_claim_spec(template.get("spec") or {}, f"{place}.ephemeral.volumeClaimTemplate.spec")
    return found


def of_overlapping_paths(spec: Body) -> list[str]:
    """Files of one volume with the same path, or below one another's."""
    found = []
    for volume in spec.get("volumes") or ():
        name = shown(volume.get("name", ""))
        for source, described in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
            given = volume.get(source) or {}
            named = given.get("secretName" if source == "secret" else "name", "")
            title = described if source == "downwardAPI" else f"{described} {shown(named)}"
            paths = [(item.get("path", ""), "") for item in given.get("items") or ()]
            found += _overlaps(paths, f"volume {name} ({title})")
        if volume.get("projected") is not None:
            found += _of_projected(volume["projected"], name)
    return found


def _of_projected(projected: Body, name: str) -> list[str]:
    sources = projected.get("sources") or []
    found = [f"volume {name} (Projected) has no sources provided" for part in sources if not any(part.values())]
    paths = [placed for part in sources for placed in _paths_of(part)]
    return found + _overlaps(paths, f"volume {name} (Projected)")


def _paths_of(part: Body) -> Iterator[Placed]:
    """The files of one projected source."""
    for source, described in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
        given = part.get(source) or {}
        title = described if source == "downwardAPI" else f"{described} {shown(given.get('name', ''))}"
        for item in given.get("items") or ():
            yield item.get("path", ""), title
    if part.get("serviceAccountToken"):
        yield part["serviceAccountToken"].get("path", ""), "ServiceAccountToken"
    bundle = part.get("clusterTrustBundle")
    if bundle:
        yield bundle.get("path", ""), f"ClusterTrustBundle {shown(bundle.get('name') or bundle.get('signerName', ''))}"
    certificate = part.get("podCertificate") or {}
    for field, title in (("certificateChainPath", "chain"), ("keyPath", "key")):
        yield certificate.get(field) or "", f"PodCertificate {title}"
    yield certificate.get("credentialBundlePath") or "", "PodCertificate credential bundle"


def _overlaps(paths: list[Placed], volume: str) -> list[str]:
    found: list[str] = []
    taken: list[Placed] = []
    for path, source in paths:
        placed = path.rstrip("/"), source
        for other in taken:
            if placed[0] and other[0] and _is_within(placed[0], other[0]):
                found.append(f"{volume}: overlapping paths: {_spelt(placed)} with {_spelt(other)}")
        taken.append(placed)
    return found


def _is_within(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _spelt(placed: Placed) -> str:
    path, source = placed
    return f"{shown(path)} ({source})" if source else shown(path)
