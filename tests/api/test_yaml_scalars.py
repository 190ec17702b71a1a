"""Unquoted words, as Kubernetes reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.codecs.scalars import is_plain_text, number_key, resolve

MEANINGS = [
    *((word, True) for word in ("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y")),
    *((word, False) for word in ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N")),
    *((word, None) for word in ("", "~", "null", "Null", "NULL")),
    *((word, word) for word in ("tRUE", "yEs", "nULL", "nil", "truefalse", "nothing", "-", "+", ".", "..", "--1")),
    ("0", 0),
    ("12", 12),
    ("-12", -12),
    ("+12", 12),
    ("1_000", 1000),
    ("0644", 420),
    ("0o644", 420),
    ("-010", -8),
    ("0x1F", 31),
    ("-0X1f", -31),
    ("0b101", 5),
    ("-0b101", -5),
    ("08", 8),
    ("1.5", 1.5),
    ("-.5", -0.5),
    ("5.", 5),
    ("3.0", 3),
    ("1e3", 1000),
    ("1e-3", 0.001),
    ("1e21", 1e21),
    ("1e400", "1e400"),
    ("18446744073709551615", 18446744073709551615),
    ("18446744073709551616", 18446744073709551616.0),
    ("-9223372036854775808", -9223372036854775808),
    ("1000000000000000000000000", 1e24),
    ("2026-01-02", "2026-01-02"),
    ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    ("1:30", "1:30"),
    ("1.2.3", "1.2.3"),
    ("10m", "10m"),
    ("1.5Gi", "1.5Gi"),
    ("0xZZ", "0xZZ"),
    ("0b12", "0b12"),
    ("e5", "e5"),
    ("1e", "1e"),
]


@pytest.mark.parametrize(("word", "value"), MEANINGS)
def test_meaning(word: str, value: object) -> None:
    """YAML 1.1 words, octal modes, and everything that only looks like a number."""
    read = resolve(word)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("word", [".inf", "-.Inf", "+.INF", ".nan", ".NaN"])
def test_numbers_that_json_cannot_hold(word: str) -> None:
    """They are refused by name."""
    with pytest.raises(ValueError, match="not a number that JSON can hold"):
        resolve(word)


@given(st.text(alphabet="0123456789abefoxyn+-._:TZ<~", max_size=8) | st.text(max_size=8))
def test_text_without_quotes_is_read_as_that_text(text: str) -> None:
    """Whatever the writer leaves unquoted, the reader reads back."""
    if is_plain_text(text):
        assert resolve(text) == text


@pytest.mark.parametrize("text", ["yes", "1", "0x1", "~", "", "2026-01-02", "1:30", ".inf", "<<", "1e3", "0644"])
def test_text_that_needs_quotes(text: str) -> None:
    """Other readers too must not take it for something else."""
    assert not is_plain_text(text)


def test_numbers_as_keys() -> None:
    """A mapping's key is text, in the shortest form."""
    assert [number_key(each) for each in (1.5, 0.1, 1e21, 1e-7)] == ["1.5", "0.1", "1e+21", "1e-07"]
