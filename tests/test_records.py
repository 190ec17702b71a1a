"""Classes made by `records` behave as those of attrs do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from kube_actors.records import define, frozen


@frozen
class Point:
    """Two numbers; a third does not count, and one is nobody's to read."""

    x: int
    y: int = 0
    note: str = attrs.field(default="", eq=False)
    secret: str = attrs.field(default="", repr=False)


@frozen
class Point3(Point):
    """Another class with the same fields."""


@define
class Counter:
    """One that changes."""

    count: int = 0
    within: Any = None


@frozen(eq=False)
class Token:
    """Only itself."""

    text: str = ""


@frozen
class Named:
    """One with words of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and other.name.lower() == self.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())

    def __repr__(self) -> str:
        return f"<{self.name}>"


@attrs.frozen
class Plain:
    """What attrs itself makes of it."""

    x: int
    y: int = 0


def test_instances_compare_and_hash_by_their_fields() -> None:
    """Equal fields are equal objects, fields that do not count excepted; another class never is."""
    assert Point(1, 2, note="a") == Point(1, 2, note="b")
    assert hash(Point(1, 2, note="a")) == hash(Point(1, 2, note="b"))
    assert Point(1, 2) != Point(2, 1)
    assert Point(1) != Point3(1)
    plain: object = Plain(1)
    assert Point(1) != plain
    assert len({Point(1), Point(1), Point3(1)}) == 2


def test_what_changes_has_no_hash_and_what_is_only_itself_equals_nothing_else() -> None:
    """As with attrs: `define` compares and cannot be a key; `eq=False` goes by identity."""
    assert Counter(1) == Counter(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())
    one = Token("a")
    assert one != Token("a")
    assert {one: 1}[one] == 1


def test_a_representation_names_the_fields_that_may_be_read() -> None:
    """A secret field is not shown, and one who holds himself ends in dots."""
    assert repr(Point(1, 2, secret="hidden")) == "Point(x=1, y=2, note='')"
    counter = Counter()
    counter.within = counter
    assert repr(counter) == "Counter(count=0, within=...)"


def test_a_class_keeps_what_it_says_itself() -> None:
    """Own comparison, hash and representation are left alone."""
    assert Named("A") == Named("a")
    assert (hash(Named("A")), repr(Named("A"))) == (hash("a"), "<A>")


def test_the_rest_is_attrs() -> None:
    """Fields, evolving, freezing and slots."""
    assert attrs.evolve(Point(1), y=5) == Point(1, 5)
    assert [field.name for field in attrs.fields(Counter)] == ["count", "within"]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
    assert not hasattr(Counter(), "__dict__")


@pytest.mark.parametrize("make", [Plain, Point])
def test_values_that_are_odd_compare_as_attrs_compares_them(make: Callable[..., Any]) -> None:
    """Booleans equal numbers, and what cannot be hashed says so."""
    assert make(True) == make(1)
    with pytest.raises(TypeError):
        hash(make([]))
