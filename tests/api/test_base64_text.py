"""Base64 that is none, and where Kubernetes says that it ends."""

from __future__ import annotations

import pytest

from kube_actors.api.base64_text import problem


@pytest.mark.parametrize("text", ["", "aGVsbG8=", "YQ==", "YWJj", "YWJj\nYWJj\r\n", "Y\nQ=\n="])
def test_texts_that_can_be_read(text: str) -> None:
    """Padded, in one line or many."""
    assert problem(text) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("not base64!", 3),
        ("*", 0),
        ("YWJj*", 4),
        ("YWJjYW", 4),
        ("Y", 0),
        ("=", 0),
        ("Y===", 1),
        ("YQ=", 3),
        ("YQ=a", 2),
        ("YQ==a", 4),
        ("YWI=a", 4),
        ("YQ=é", 2),
    ],
)
def test_texts_that_cannot(text: str, place: int) -> None:
    """The place is that of the first character that does not belong, or of the letters that are too few."""
    assert problem(text) == f"illegal base64 data at input byte {place}"
