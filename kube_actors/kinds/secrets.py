"""Secrets: `stringData` becomes `data`, the type is fixed and asks for certain keys."""

from __future__ import annotations

import base64
import binascii
import json

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.configmaps import MAXIMUM_SIZE, decoded_size, kept_immutable
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks

# Type -> keys that must be there; of several sets one is enough.
REQUIRED_KEYS = {
    "kubernetes.io/dockercfg": ((".dockercfg",),),
    "kubernetes.io/dockerconfigjson": ((".dockerconfigjson",),),
    "kubernetes.io/basic-auth": (("username",), ("password",)),
    "kubernetes.io/ssh-auth": (("ssh-privatekey",),),
    "kubernetes.io/tls": (("tls.crt", "tls.key"),),
}


def _default(body: Body) -> None:
    body.setdefault("type", "Opaque")
    text = body.pop("stringData", None)
    if text:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}


def _validate(new: Body, old: Body | None) -> list[Cause]:
    data = new.get("data") or {}
    found = [causes.invalid(f"data[{key}]", key, why) for key in data for why in names.config_map_key(key)]
    if sum(map(decoded_size, data.values())) > MAXIMUM_SIZE:
        found.append(causes.too_long("data", MAXIMUM_SIZE))
    found += _type_rules(new, data)
    if old is not None:
        if new.get("type") != old.get("type"):
            found.append(causes.immutable("type", new.get("type")))
        found += kept_immutable(new, old, ("data",))
    return found


def _type_rules(new: Body, data: dict[str, str]) -> list[Cause]:
    kind = new.get("type", "")
    if kind == "kubernetes.io/service-account-token":
        annotations = new["metadata"].get("annotations") or {}
        name = "kubernetes.io/service-account.name"
        return [] if annotations.get(name) else [causes.required(f"metadata.annotations[{name}]")]
    choices = REQUIRED_KEYS.get(kind, ())
    if choices and not any(all(key in data for key in choice) for choice in choices):
        return [causes.required(f"data[{key}]") for choice in choices for key in choice if key not in data]
    if kind in ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson"):
        key = choices[0][0]
        if not _is_json_object(data[key]):
            return [causes.invalid(f"data[{key}]", "<secret contents redacted>", "must be a JSON object")]
    return []


def _is_json_object(encoded: str) -> bool:
    try:
        return isinstance(json.loads(base64.b64decode(encoded)), dict)
    except (ValueError, binascii.Error):
        return False


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    generation=None,
    selectable_fields=(*METADATA_FIELDS, "type"),
)
