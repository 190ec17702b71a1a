"""Quantities: reading, writing, comparing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.quantity import FORMAT_WRONG, NUMBER_WRONG, SUFFIX_WRONG, Quantity, syntax_error, total


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Mi", "0"),
        ("-0", "0"),
        ("100m", "100m"),
        ("0.1", "100m"),
        (".5", "500m"),
        ("5.", "5"),
        ("1.5", "1500m"),
        ("1500m", "1500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1000000", "1M"),
        ("1234567", "1234567"),
        ("12e6", "12e6"),
        ("12E6", "12e6"),
        ("1e3", "1e3"),
        ("1000e0", "1e3"),
        ("1e-3", "1e-3"),
        ("1E", "1E"),
        ("1Ei", "1Ei"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("1000Ki", "1000Ki"),
        ("512Ki", "512Ki"),
        ("1Ki", "1Ki"),
        ("0.5Ki", "512"),
        ("0.9765625Ki", "1k"),
        ("100Ki", "100Ki"),
        ("1.1Ki", "1126400m"),
        ("+5", "5"),
        ("-5", "-5"),
        ("-1.5Gi", "-1536Mi"),
        ("007", "7"),
        ("1n", "1n"),
        ("1500u", "1500u"),
        ("0.0000000001", "1n"),
        ("0.1n", "1n"),
        ("1T", "1T"),
        ("1P", "1P"),
        ("1000000000000000000000", "1000E"),
        ("10Ei", "9223372036854775807"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    """What Kubernetes writes back for what was written."""
    assert str(Quantity.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", FORMAT_WRONG),
        ("Mi", FORMAT_WRONG),
        ("1x", FORMAT_WRONG),
        ("1 Gi", FORMAT_WRONG),
        (" 1", FORMAT_WRONG),
        ("1Gi ", FORMAT_WRONG),
        ("1,5", FORMAT_WRONG),
        ("--1", FORMAT_WRONG),
        ("1.2.3", NUMBER_WRONG),
        (".", NUMBER_WRONG),
        ("1mm", SUFFIX_WRONG),
        ("1KI", FORMAT_WRONG),
        ("1K", SUFFIX_WRONG),
        ("1Mi5", SUFFIX_WRONG),
        ("1e", SUFFIX_WRONG),
        ("1e999999999", SUFFIX_WRONG),
        ("1e1001", SUFFIX_WRONG),
        ("\u0661", FORMAT_WRONG),
    ],
)
def test_what_is_no_quantity(text: str, message: str) -> None:
    """Each error in Kubernetes' words, and never a huge computation."""
    with pytest.raises(ValueError, match=re.escape(message)):
        Quantity.parse(text)
    assert syntax_error(text) == message


def test_bare_numbers() -> None:
    """YAML and JSON give numbers where no suffix was written."""
    assert Quantity.parse(2) == Quantity.parse("2")
    assert Quantity.parse(0.1) == Quantity.parse("100m")
    assert Quantity.parse(1e-7) == Quantity.parse("100n")
    with pytest.raises(ValueError, match="quantities must match"):
        Quantity.parse(True)


def test_whole_and_milli_values_round_up() -> None:
    """Whoever asks for a fraction gets at least that."""
    assert [Quantity.parse(text).value for text in ("1", "1.1", "-1.1", "1m", "1Gi")] == [1, 2, -2, 1, 1 << 30]
    assert [Quantity.parse(text).milli for text in ("250m", "0.25", "1u", "2")] == [250, 250, 1, 2000]
    assert float(Quantity.parse("250m")) == 0.25


def test_amounts_compare_whatever_their_suffix() -> None:
    """`1` is `1000m`, and `1Gi` is more than `1G`."""
    assert Quantity.parse("1") == Quantity.parse("1000m")
    assert hash(Quantity.parse("1")) == hash(Quantity.parse("1000m"))
    assert Quantity.parse("1Gi") > Quantity.parse("1G")
    assert Quantity.parse("1") != "1"
    assert not Quantity.parse("0m")


def test_arithmetic_keeps_the_first_format() -> None:
    """A sum is written as its first part was."""
    assert str(Quantity.parse("1Gi") + Quantity.parse("1024Mi")) == "2Gi"
    assert str(Quantity.parse("0") + Quantity.parse("1Gi")) == "1Gi"
    assert str(Quantity.parse("2") - Quantity.parse("500m")) == "1500m"
    assert str(-Quantity.parse("1Gi") * 2) == "-2Gi"
    assert total([Quantity.parse("1"), Quantity.parse("1m")]) == Quantity.of_milli(1001)
    assert total([]) == Quantity.of(0)


NUMBERS = st.tuples(st.sampled_from(["", "-", "+"]), st.integers(0, 10**12), st.integers(0, 10**6) | st.none())
SUFFIXES = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "e3", "E-2", "e0", "e+5"]
)


def test_what_is_too_large_in_binary_is_the_largest() -> None:
    """Of either sign, however it is written."""
    for text in ("9Ei", "10817536Ti", "9.0Ei"):
        assert Quantity.parse(text) == Quantity.of(2**63 - 1)
        assert Quantity.parse(f"-{text}") == Quantity.of(1 - 2**63)


@given(NUMBERS, SUFFIXES)
def test_writing_loses_nothing_and_is_stable(number: tuple[str, int, int | None], suffix: str) -> None:
    """What is written back is the same amount, and is written the same way again."""
    sign, whole, fraction = number
    quantity = Quantity.parse(f"{sign}{whole}{'' if fraction is None else f'.{fraction}'}{suffix}")
    again = Quantity.parse(str(quantity))
    assert again == quantity
    assert str(again) == str(quantity)


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))
def test_sums_are_exact(one: int, other: int) -> None:
    """No amount is ever a float."""
    assert Quantity.of_milli(one) + Quantity.of_milli(other) == Quantity.of_milli(one + other)
    assert (Quantity.of_milli(one) < Quantity.of_milli(other)) == (one < other)
