"""Projected tokens: what a pod may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.kinds.rules.volumes import volumes_rules


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"path": "token"}, None),
        ({"path": "token", "expirationSeconds": 600}, None),
        ({"path": "token", "expirationSeconds": 599}, "may not specify a duration less than 10 minutes"),
        ({"path": "token", "expirationSeconds": 2**32 + 1}, "may not specify a duration larger than 2^32 seconds"),
        ({"expirationSeconds": 600}, "Required value"),
        ({"path": "../token"}, "must not contain '..'"),
        ({"path": "/token"}, "must be a relative path"),
    ],
)
def test_sources(source: dict[str, Any], problem: str | None) -> None:
    """A path inside the volume, ten minutes at least."""
    volume = {"name": "t", "projected": {"sources": [{"serviceAccountToken": source}]}}
    found, volumes = volumes_rules([volume], "spec.volumes")
    assert volumes == {"t": volume}
    assert len(found) == (0 if problem is None else 1)
    assert all((problem or "") in cause.message for cause in found), found
    assert all(cause.field.startswith("spec.volumes[0].projected.sources[0].serviceAccountToken.") for cause in found)
