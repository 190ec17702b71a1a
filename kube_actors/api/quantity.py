"""Quantities: exact amounts with decimal, binary or exponent suffixes (`100m`, `1.5Gi`, `12e6`).

Kept as an integer count of 10^-9, the finest that Kubernetes knows; finer input is rounded away from zero, so whoever
asks for a little gets a little. The suffix family a quantity was written in is remembered for writing it again.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final, Literal

from kube_actors.records import frozen

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

FORMAT_WRONG: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMBER_WRONG: Final = "unable to parse numeric part of quantity"
SUFFIX_WRONG: Final = "unable to parse quantity's suffix"

_NANO: Final = 10**9
_LARGEST_BINARY: Final = ((1 << 63) - 1) * _NANO
_SHAPE: Final = re.compile(r"([+-]?)([0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_PLAIN: Final = re.compile(r"(0|-?[1-9][0-9]{0,17})(m|k|M|G|T|Ki|Mi|Gi|Ti)?", re.ASCII)
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX: Final = {power: suffix for suffix, power in _DECIMAL.items()}
# Beyond this a number is not an amount of anything, only a way to make us count zeros.
_LARGEST_EXPONENT: Final = 1000


@functools.total_ordering
@frozen(eq=False, slots=True)
class Quantity:
    """An amount; `nano` is its exact value in 10^-9. Equal and ordered by amount: `1000m == 1`."""

    nano: int
    format: Format = "DecimalSI"

    @classmethod
    def parse(cls, text: str | int | float) -> Quantity:
        """Read a quantity as it stands in an object (a string, or a bare number). ValueError in Kubernetes' words."""
        if isinstance(text, str):
            return _parse(text)
        if isinstance(text, bool):
            raise ValueError(FORMAT_WRONG)
        return cls(text * _NANO) if isinstance(text, int) else _parse(repr(text))

    @classmethod
    def of(cls, value: int, format: Format = "DecimalSI") -> Quantity:
        """A whole amount: `Quantity.of(3)`, `Quantity.of(1 << 30, "BinarySI")`."""
        return cls(value * _NANO, format)

    @classmethod
    def of_milli(cls, milli: int) -> Quantity:
        """An amount in thousandths: `Quantity.of_milli(1500)` is 1.5."""
        return cls(milli * 1_000_000)

    @property
    def value(self) -> int:
        """The amount as a whole number, rounded up (`1.1` is 2, `-1.1` is -2): bytes, pods."""
        return _round_away(self.nano, _NANO)

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded up: processor time."""
        return _round_away(self.nano, 1_000_000)

    def __float__(self) -> float:
        return self.nano / _NANO

    def __bool__(self) -> bool:
        return self.nano != 0

    def __eq__(self, other: object) -> bool:
        return self.nano == other.nano if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano if isinstance(other, Quantity) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.nano)

    def __add__(self, other: Quantity) -> Quantity:
        """The sum, in the format of the first that is not zero."""
        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano - other.nano, self.format if self.nano else other.format)

    def __mul__(self, times: int) -> Quantity:
        return Quantity(self.nano * times, self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nano, self.format)

    def __str__(self) -> str:
        """The canonical form: no fraction, the largest suffix that loses nothing (`1.5Gi` is `1536Mi`)."""
        if self.nano == 0:
            return "0"
        # Below 1024, and with a fraction, a binary suffix would round: Kubernetes falls back to the decimal ones.
        if self.format == "BinarySI" and abs(self.nano) >= 1024 * _NANO and self.nano % _NANO == 0:
            return _binary_text(self.nano // _NANO)
        return _decimal_text(self.nano, exponent_form=self.format == "DecimalExponent")


def syntax_error(text: str) -> str | None:
    """What is wrong with a quantity's text, in Kubernetes' words; None when it can be read."""
    if _PLAIN.fullmatch(text):
        return None
    try:
        _parse(text)
    except ValueError as error:
        return str(error)
    return None


def total(quantities: Any) -> Quantity:
    """The sum of an iterable of quantities; zero for none."""
    return functools.reduce(Quantity.__add__, quantities, Quantity(0))


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity:
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        digits, suffix = plain.groups()
        if suffix in _BINARY:
            nano = _shift(int(digits), _BINARY[suffix])
            return Quantity(max(-_LARGEST_BINARY, min(nano, _LARGEST_BINARY)), "BinarySI")
        return Quantity(int(digits) * 10 ** (9 + _DECIMAL[suffix or ""]))
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(FORMAT_WRONG)
    sign, number, suffix = shape.groups()
    power, format = _scale(suffix)
    whole, _, fraction = number.partition(".")
    if "." in fraction or not (whole or fraction):
        raise ValueError(NUMBER_WRONG)
    unscaled = int(whole + fraction)
    if format == "BinarySI":
        nano = _divide_up(unscaled * _NANO << power, 10 ** len(fraction))
        nano = min(nano, _LARGEST_BINARY)
        format = "DecimalSI" if 0 < nano < _NANO else "BinarySI"
    else:
        shift = power + 9 - len(fraction)
        nano = unscaled * 10**shift if shift >= 0 else _divide_up(unscaled, 10**-shift)
    return Quantity(-nano if sign == "-" else nano, format)


def _shift(value: int, power: int) -> int:
    return (value << power) * _NANO


def _scale(suffix: str) -> tuple[int, Format]:
    """The power (of two for `BinarySI`, else of ten) that a suffix stands for."""
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], "DecimalSI"
    if suffix in _BINARY:
        return _BINARY[suffix], "BinarySI"
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None or abs(int(exponent[1])) > _LARGEST_EXPONENT:
        raise ValueError(SUFFIX_WRONG)
    return int(exponent[1]), "DecimalExponent"


def _divide_up(value: int, by: int) -> int:
    return -(-value // by)


def _round_away(value: int, by: int) -> int:
    """Divide, rounding away from zero."""
    return _divide_up(value, by) if value >= 0 else -_divide_up(-value, by)


def _binary_text(value: int) -> str:
    """A whole number with the largest binary suffix that divides it."""
    suffix = ""
    for candidate, power in _BINARY.items():
        if value % (1 << power):
            break
        suffix = candidate
    return f"{value >> _BINARY[suffix] if suffix else value}{suffix}"


def _decimal_text(nano: int, *, exponent_form: bool) -> str:
    """Digits without trailing thousands and a decimal suffix, or an exponent; powers go in steps of three."""
    power = -9
    while nano % 1000 == 0 and (exponent_form or power < 18):
        nano //= 1000
        power += 3
    if exponent_form:
        return f"{nano}e{power}" if power else str(nano)
    return f"{nano}{_DECIMAL_SUFFIX[power]}"
