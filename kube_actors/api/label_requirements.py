"""One condition on one label, as label selectors are made of."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from kube_actors.api import names
from kube_actors.records import frozen

Labels = Mapping[str, str]


class Operator(enum.Enum):
    """How a requirement relates a label to its values."""

    EQUALS = "="
    NOT_EQUALS = "!="
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"
    GREATER = ">"
    LESS = "<"


# The words of `matchExpressions`.
OBJECT_OPERATORS: Final = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}


class SelectorError(ValueError):
    """A selector that cannot be read; the message is Kubernetes' own. `field` is relative to the selector object."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def _sorted_set(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


@frozen
class Requirement:
    """One condition on one label; `values` are sorted and without repetition."""

    key: str
    operator: Operator
    values: tuple[str, ...] = attrs.field(default=(), converter=_sorted_set)

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet the condition. An absent label meets `notin` and `!=`, as in Kubernetes."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.EQUALS | Operator.IN:
                return value in self.values
            case Operator.NOT_EQUALS | Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
        number, limit = as_integer(value or ""), as_integer(self.values[0])
        if number is None or limit is None:
            return False
        return number > limit if self.operator is Operator.GREATER else number < limit

    @property
    def exact_value(self) -> str | None:
        """The one value the label must have, if there is exactly one; for indexes."""
        one_of = self.operator in (Operator.EQUALS, Operator.IN)
        return self.values[0] if one_of and len(self.values) == 1 else None

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator.value} ({','.join(self.values)})"
        return f"{self.key}{self.operator.value}{self.values[0]}"


def checked(key: str, operator: Operator, values: Iterable[str], *, field: str = "") -> Requirement:
    """A requirement whose key, values and their number are allowed for its operator; SelectorError otherwise."""
    values = tuple(values)
    under = f"{field}." if field else ""
    if wrong := names.qualified_name(key):
        raise SelectorError(f'Invalid value: "{key}": {"; ".join(wrong)}', f"{under}key")
    if operator in (Operator.IN, Operator.NOT_IN) and not values:
        message = "Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
        raise SelectorError(message, f"{under}values")
    if operator in (Operator.EXISTS, Operator.DOES_NOT_EXIST) and values:
        message = f"Invalid value: [{', '.join(values)}]: values set must be empty for exists and does not exist"
        raise SelectorError(message, f"{under}values")
    for index, value in enumerate(values):
        if operator in (Operator.GREATER, Operator.LESS) and as_integer(value) is None:
            message = f"Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            raise SelectorError(message, f"{under}values[{index}]")
        if wrong := names.label_value(value):
            raise SelectorError(f'Invalid value: "{value}": {"; ".join(wrong)}', f"{under}values[{index}][{key}]")
    return Requirement(key, operator, values)


def as_integer(text: str) -> int | None:
    """A decimal integer of 64 bits, as label comparisons take it; None for anything else."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 30:
        return None
    number = int(text)
    return number if -(1 << 63) <= number < 1 << 63 else None
