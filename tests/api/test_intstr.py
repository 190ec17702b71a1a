"""Numbers and percentages of something."""

import pytest

from kube_actors.api.intstr import is_percent, resolve_int_or_percent


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [(3, 10, 3, 3), ("25%", 10, 3, 2), ("25%", 4, 1, 1), ("0%", 9, 0, 0), ("100%", 7, 7, 7), ("150%", 3, 5, 4)],
)
def test_share(value: int | str, total: int, up: int, down: int) -> None:
    """maxSurge rounds up, maxUnavailable down."""
    assert resolve_int_or_percent(value, total, True) == up
    assert resolve_int_or_percent(value, total, False) == down


def test_large_totals_stay_exact() -> None:
    """No float comes into it: 1 % of 3000000000000000100."""
    assert resolve_int_or_percent("1%", 3_000_000_000_000_000_100, True) == 30_000_000_000_000_001


@pytest.mark.parametrize("value", ["25", "%", "2.5%", "a%", "", "25 %"])
def test_text_that_is_no_percentage(value: str) -> None:
    """Text without a percentage is an error, not zero."""
    assert not is_percent(value)
    with pytest.raises(ValueError, match="invalid type: string is not a percentage"):
        resolve_int_or_percent(value, 10, True)
