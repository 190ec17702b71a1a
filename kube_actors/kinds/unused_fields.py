"""Fields that are accepted and kept, and that nothing acts on: who uses one over the API is told.

The facts stand in `unused_fields.json`, per resource; those of a pod's spec hold for every template of pods too.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from kube_actors.kinds.pod_templates import POD_TEMPLATES
from kube_actors.records import frozen

_FACTS: Final = Path(__file__).with_name("unused_fields.json")
POD_SPECS: Final[Mapping[str, str]] = {
    "pods": "spec",
    **{resource_id: f"{path}.spec" for resource_id, path in POD_TEMPLATES.items()},
}
"""Where a kind has the spec of pods."""
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


@frozen
class UnusedField:
    """A field and why it does nothing. `default` is the value that asks for what happens anyway; a `quiet` one is
    listed but not warned of, for nearly every object has it."""

    path: str
    why: str
    default: Any = None
    quiet: bool = False


@functools.cache
def unused_fields(resource_id: str) -> tuple[UnusedField, ...]:
    """The fields of a resource that do nothing."""
    facts = json.loads(_FACTS.read_text())
    found = [UnusedField(**row) for row in facts.get(resource_id, ())]
    if resource_id in POD_SPECS:
        prefix = POD_SPECS[resource_id]
        found += [attrs.evolve(field, path=f"{prefix}.{field.path}") for field in map(_of_pod, facts["pod"])]
    return tuple(found)


def _of_pod(row: Mapping[str, Any]) -> UnusedField:
    return UnusedField(**row)


def unused_in(resource_id: str, body: Mapping[str, Any]) -> list[str]:
    """A warning for each such field that an object uses, once however often it does."""
    return [
        f"{field.path}: {field.why}"
        for field in unused_fields(resource_id)
        if not field.quiet and _is_used(body, tuple(field.path.split(".")), field.default)
    ]


def _is_used(value: Any, path: tuple[str, ...], default: Any) -> bool:
    if not path:
        return value not in (None, "", [], {}) and value != default
    return any(_is_used(each, path[1:], default) for each in _children(value, path[0]))


def _children(value: Any, name: str) -> Iterator[Any]:
    """What stands at one step of a path; `containers[]` is every container of any kind."""
    if not isinstance(value, Mapping):
        return
    if not name.endswith("[]"):
        if name in value:
            yield value[name]
        return
    plain = name.removesuffix("[]")
    for each in _CONTAINERS if plain == "containers" else (plain,):
        yield from value.get(each) or ()
