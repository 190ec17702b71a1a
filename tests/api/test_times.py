"""RFC 3339."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.times import is_rfc3339, parse_rfc3339, rfc3339, rfc3339_micro


def test_known_moments() -> None:
    """Seconds are cut off, microseconds always have six digits."""
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1767323045.999) == "2026-01-02T03:04:05Z"
    assert rfc3339_micro(1767323045.000006) == "2026-01-02T03:04:05.000006Z"
    assert rfc3339_micro(1767323044.9999999) == "2026-01-02T03:04:05.000000Z"


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T19:30:00-04:30", 0),
        ("2026-01-02T03:04:05.5Z", 1767323045.5),
        ("2026-01-02T03:04:05.123456789Z", 1767323045.123456),
        ("2024-02-29T00:00:00Z", 1709164800),
    ],
)
def test_reading(text: str, epoch: float) -> None:
    """Offsets and decimals of any length."""
    assert parse_rfc3339(text) == pytest.approx(epoch, abs=1e-6)
    assert is_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-02-30T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-02T03:04:05Z\n",
        "٢٠٢٦-01-02T03:04:05Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """Dates that do not exist, and everything without a zone."""
    assert not is_rfc3339(text)
    with pytest.raises(ValueError, match="parsing time"):
        parse_rfc3339(text)


@given(st.integers(0, 4_000_000_000_000_000))
def test_round_trip(microseconds: int) -> None:
    """What is written is read back."""
    epoch = microseconds / 1_000_000
    assert parse_rfc3339(rfc3339_micro(epoch)) == pytest.approx(epoch, abs=1e-6)
    assert parse_rfc3339(rfc3339(epoch)) == microseconds // 1_000_000
