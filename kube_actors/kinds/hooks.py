"""What a kind adds to the rules every object follows. A resource without hooks is a working API all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.records import frozen

Body = dict[str, Any]
METADATA_FIELDS = ("metadata.name", "metadata.namespace")
STATUS_METADATA = ("annotations", "finalizers", "labels", "ownerReferences")


def _nothing(_body: Body) -> None:
    """No defaults, nothing to reset."""


def _keep(_new: Body, _old: Body, _subresource: str) -> None:
    """Nothing to reset beyond the split of status and the rest."""


def _no_causes(_new: Body, _old: Body | None) -> list[Cause]:
    return []


def _no_facts(_body: Mapping[str, Any]) -> Any:
    return None


def spec_changed(new: Body, old: Body) -> bool:
    """The usual rule of `metadata.generation`: it counts changes of the spec."""
    return bool(new.get("spec") != old.get("spec"))


@frozen
class Hooks:
    """The rules of one kind. Every function gets plain bodies; `default`, `prepare_*` change `new` in place.

    * `default`: fill in what Kubernetes fills in; must change nothing when run again.
    * `prepare_create`, `prepare_update(new, old, subresource)`: reset what this request may not set.
    * `validate(new, old)`: every cause at once; `old` is None on create. `validate_subresource` are the rules that hold
      instead for writes through some subresources.
    * `project`: the summary that deciding code reads instead of the body; `project_status(body, before)` makes it from
      the one before when only the status changed.
    * `selectable_fields`: what field selectors may ask for; other fields are refused.
    * `name`: grammar of `metadata.name`; `generation(new, old)`: whether this change counts, None when not counted.
    * `status_metadata`: fields of the metadata that a write of the status may change: of most kinds all that anybody
      may, of some, mostly newer, none.
    * `keeps_first_status`: an object is created with the status that is sent (nodes say what they are); otherwise it is
      reset.
    * `fixed_spec`: nobody can change what the spec says from the beginning, and so it has no owner.
    * `default_grace(body)`: seconds a deleted object stays to end in order; without it, it goes at once.
    * `has_dependents`: whether anything is ever owned by such an object; of one that has none, nothing waits for them.
    * `orphans_dependents`: who deletes an object without saying what becomes of its dependents leaves them behind;
      `orphan_warning` is what such a client is told.
    """

    default: Callable[[Body], None] = _nothing
    prepare_create: Callable[[Body], None] = _nothing
    prepare_update: Callable[[Body, Body, str], None] = _keep
    validate: Callable[[Body, Body | None], list[Cause]] = _no_causes
    validate_subresource: Mapping[str, Callable[[Body, Body], list[Cause]]] = attrs.field(factory=dict)
    project: Callable[[Mapping[str, Any]], Any] = _no_facts
    project_status: Callable[[Mapping[str, Any], Any], Any] | None = None
    selectable_fields: tuple[str, ...] = METADATA_FIELDS
    name: Callable[[str], list[str]] = names.dns1123_subdomain
    generation: Callable[[Body, Body], bool] | None = spec_changed
    status_metadata: tuple[str, ...] = STATUS_METADATA
    keeps_first_status: bool = False
    fixed_spec: bool = False
    default_grace: Callable[[Body], int] | None = None
    has_dependents: bool = True
    orphans_dependents: bool = False
    orphan_warning: str = ""
