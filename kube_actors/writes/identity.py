"""Who writes."""

from __future__ import annotations

import attrs


@attrs.frozen
class Identity:
    """The author of a write: `user` and `groups` as authenticated, `field_manager` for managed fields."""

    user: str
    groups: tuple[str, ...] = ()
    field_manager: str = "kube-actors"
