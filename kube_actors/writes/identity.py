"""Who writes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.records import frozen


@frozen
class Identity:
    """The author of a write: as authenticated, and under which `field_manager` it owns what it writes."""

    user: str
    groups: tuple[str, ...] = ()
    field_manager: str = "kube-actors"
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, eq=False)
