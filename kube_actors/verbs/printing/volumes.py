"""Where a pod's volumes come from, as `kubectl describe` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Line = tuple[str, str]
_EMPTY_DIR = "EmptyDir (a temporary directory that shares a pod's lifetime)"
_PROJECTED = "Projected (a volume that contains injected data from multiple sources)"


def volume_lines(volume: Mapping[str, Any]) -> list[Line]:
    """(name, value) of each line about one volume."""
    for source, describe in _SOURCES.items():
        if source in volume:
            lines: list[Line] = describe(volume[source] or {})
            return lines
    kinds = [key for key in volume if key != "name"]
    return [("Type", kinds[0] if kinds else "<unknown>")]


def _empty_dir(source: Mapping[str, Any]) -> list[Line]:
    return [
        ("Type", _EMPTY_DIR),
        ("Medium", str(source.get("medium", ""))),
        ("SizeLimit", str(source.get("sizeLimit", "<unset>"))),
    ]


def _config_map(source: Mapping[str, Any]) -> list[Line]:
    return [
        ("Type", "ConfigMap (a volume populated by a ConfigMap)"),
        ("Name", str(source.get("name", ""))),
        ("Optional", _optional(source)),
    ]


def _secret(source: Mapping[str, Any]) -> list[Line]:
    return [
        ("Type", "Secret (a volume populated by a Secret)"),
        ("SecretName", str(source.get("secretName", ""))),
        ("Optional", _optional(source)),
    ]


def _host_path(source: Mapping[str, Any]) -> list[Line]:
    return [
        ("Type", "HostPath (bare host directory volume)"),
        ("Path", str(source.get("path", ""))),
        ("HostPathType", str(source.get("type", ""))),
    ]


def _downward(source: Mapping[str, Any]) -> list[Line]:
    items = [
        f"{each.get('fieldRef', {}).get('fieldPath', '')} -> {each.get('path', '')}"
        for each in source.get("items") or ()
    ]
    return [("Type", "DownwardAPI (a volume populated by information about the pod)"), ("Items", "\n".join(items))]


def _claim(source: Mapping[str, Any]) -> list[Line]:
    return [
        ("Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"),
        ("ClaimName", str(source.get("claimName", ""))),
        ("ReadOnly", str(bool(source.get("readOnly"))).lower()),
    ]


def _projected(source: Mapping[str, Any]) -> list[Line]:
    lines = [("Type", _PROJECTED)]
    for each in source.get("sources") or ():
        for field, title in (("secret", "SecretName"), ("configMap", "ConfigMapName")):
            if field in each:
                lines.append((title, str(each[field].get("name", ""))))
                lines.append(("Optional", _optional(each[field])))
        if "downwardAPI" in each:
            lines.append(("DownwardAPI", "true"))
        if "serviceAccountToken" in each:
            lines.append(("TokenExpirationSeconds", str(each["serviceAccountToken"].get("expirationSeconds", ""))))
    return lines


def _optional(source: Mapping[str, Any]) -> str:
    return str(bool(source.get("optional"))).lower()


_SOURCES = {
    "emptyDir": _empty_dir,
    "configMap": _config_map,
    "secret": _secret,
    "hostPath": _host_path,
    "downwardAPI": _downward,
    "persistentVolumeClaim": _claim,
    "projected": _projected,
}
