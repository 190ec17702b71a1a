"""Whoever asks for a kind of yesterday is told."""

from __future__ import annotations

import pytest

from tests.server import kit

ENDPOINTS = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/api/v1/namespaces/default/endpoints", [ENDPOINTS]),
        ("/api/v1/endpoints/nope", [ENDPOINTS]),
        ("/api/v1/namespaces/default/services", []),
    ],
)
async def test_warnings(target: str, told: list[str]) -> None:
    """With the answer, whatever it is; other kinds come without."""
    response = await kit.ask(await kit.new_session(), "GET", target)
    warnings = [value for name, value in response.headers if name == "Warning"]
    assert warnings == [f'299 - "{text}"' for text in told]
