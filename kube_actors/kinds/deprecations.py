"""Kinds and versions that are served and that nobody should use any more: whoever asks for one is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DEPRECATED: Final[Mapping[tuple[str, str], str]] = {
    ("componentstatuses", "v1"): "v1 ComponentStatus is deprecated in v1.19+",
    ("endpoints", "v1"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}


def deprecation(resource_id: str, version: str) -> str | None:
    """The warning for requests of this resource in this version; None where there is nothing to say."""
    return _DEPRECATED.get((resource_id, version))
