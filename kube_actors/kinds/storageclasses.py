"""StorageClasses."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import provisioner_rules

BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
POLICIES = ("Delete", "Retain")
FROZEN = ("parameters", "provisioner", "reclaimPolicy")
MOST_PARAMETERS = 512
LARGEST_PARAMETERS = 256 << 10
"""Bytes of all names and values together."""


def _default(body: Body) -> None:
    body.setdefault("reclaimPolicy", "Delete")
    body.setdefault("volumeBindingMode", "Immediate")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    if old is not None:
        return _changes(new, old)
    found = provisioner_rules(new.get("provisioner") or "", "provisioner")
    policy = new.get("reclaimPolicy")
    if policy and policy not in POLICIES:
        found.append(causes.not_supported("reclaimPolicy", policy, POLICIES))
    if new.get("volumeBindingMode") not in BINDING_MODES:
        found.append(causes.not_supported("volumeBindingMode", new.get("volumeBindingMode"), BINDING_MODES))
    found += _parameters(new.get("parameters") or {})
    for index, topology in enumerate(new.get("allowedTopologies") or ()):
        found += _topology(topology, f"allowedTopologies[{index}].matchLabelExpressions")
    return found


def _changes(new: Body, old: Body) -> list[Cause]:
    """A class stays what it is, for there may be volumes of it."""
    found = [
        causes.forbidden(name, f"updates to {name} are forbidden.")
        for name in FROZEN
        if (new.get(name) or None) != (old.get(name) or None)
    ]
    mode = new.get("volumeBindingMode")
    return found if mode == old.get("volumeBindingMode") else [*found, causes.immutable("volumeBindingMode", mode)]


def _parameters(parameters: dict[str, str]) -> list[Cause]:
    if len(parameters) > MOST_PARAMETERS:
        return [causes.too_long("parameters", MOST_PARAMETERS)]
    found = [causes.invalid("parameters", "", "field can not be empty.")] if "" in parameters else []
    size = sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items())
    return found if size <= LARGEST_PARAMETERS else [*found, causes.too_long("parameters", LARGEST_PARAMETERS)]


def _topology(topology: Body, field: str) -> list[Cause]:
    """Places where volumes may be made: keys of nodes' labels, each with its values."""
    found, taken = [], set()
    for at, each in enumerate(topology.get("matchLabelExpressions") or ()):
        place, key, values = f"{field}[{at}]", each.get("key", ""), each.get("values") or []
        if not values:
            found.append(causes.required(f"{place}.values"))
        found += [
            causes.duplicate(f"{place}.values[{index}]", value)
            for index, value in enumerate(values)
            if value in values[:index]
        ]
        found += [causes.invalid(f"{place}.key", key, why) for why in names.qualified_name(key)]
        if key in taken:
            found.append(causes.duplicate(f"{place}.key", key))
        taken.add(key)
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
