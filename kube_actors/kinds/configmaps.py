"""ConfigMaps: keys that can be file names, one megabyte, and `immutable`."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks

MAXIMUM_SIZE = 1024 * 1024


def _validate(new: Body, old: Body | None) -> list[Cause]:
    data, binary = new.get("data") or {}, new.get("binaryData") or {}
    found, size = [], 0
    for key, value in data.items():
        size += len(value.encode())
        found += [causes.invalid(f"data[{key}]", key, why) for why in names.config_map_key(key)]
    for key, value in binary.items():
        size += decoded_size(value)
        found += [causes.invalid(f"binaryData[{key}]", key, why) for why in names.config_map_key(key)]
    for key in binary:
        if key in data:
            found.append(causes.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    if size > MAXIMUM_SIZE:
        found.append(causes.too_long("[]", MAXIMUM_SIZE))
    if old is not None:
        found += kept_immutable(new, old, ("data", "binaryData"))
    return found


def decoded_size(text: str) -> int:
    """How many bytes a text in base64 stands for."""
    return len(text) * 3 // 4 - text.count("=", -2)


def kept_immutable(new: Body, old: Body, fields: tuple[str, ...]) -> list[Cause]:
    """What an `immutable` object forbids to change, itself included."""
    if not old.get("immutable"):
        return []
    why = "field is immutable when `immutable` is set"
    found = [] if new.get("immutable") else [causes.forbidden("immutable", why)]
    return found + [causes.forbidden(name, why) for name in fields if new.get(name) != old.get(name)]


HOOKS = Hooks(validate=_validate, generation=None)
