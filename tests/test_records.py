"""Classes made by `records` behave as those of attrs do."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar

import attrs
import pytest

import kube_actors
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


def _family() -> tuple[Any, Any]:
    """A class and one below it, declared just now: nobody has used them."""

    @define
    class Base:
        KINDS: ClassVar[tuple[str, ...]] = ("base",)
        name: str
        tags: list[str] = attrs.field(factory=list)

        def told(self) -> str:
            return f"I am {self.name}"

    @frozen
    class Below(Base):
        size: int = attrs.field(default=1, validator=attrs.validators.gt(0))

        def told(self) -> str:
            return f"{super().told()}, of {self.size}"

    return Base, Below


def test_the_first_instance_of_a_class_is_like_every_other() -> None:
    """Defaults, factories, validators and `super()` work for a class whose base nobody has used."""
    _, below = _family()
    first, second = below("a", size=2), below("a", size=2)
    assert (first.told(), first.tags, below.KINDS) == ("I am a, of 2", [], ("base",))
    assert first == second
    assert first.tags is not second.tags
    assert type(first) is below
    with pytest.raises(ValueError, match="must be > 0"):
        below("a", size=0)
    with pytest.raises(TypeError, match="name"):
        below()
    with pytest.raises(AttributeError):
        first.other = 1


def test_the_fields_of_a_class_that_nobody_has_used() -> None:
    """They are asked for by cattrs and `evolve` alike, and come with those of its bases."""
    _, below = _family()
    assert attrs.has(below)
    assert [field.name for field in attrs.fields(below)] == ["name", "tags", "size"]
    base, _ = _family()
    assert [field.name for field in attrs.fields(base)] == ["name", "tags"]


def test_a_class_below_that_attrs_does_not_know() -> None:
    """A plain class may stand below one that nobody has used, with an `__init__` of its own."""
    base, _ = _family()

    class Plainly(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__("plain")

    assert Plainly().told() == "I am plain"
    assert base("x").told() == "I am x"


def test_the_first_instance_may_come_from_elsewhere() -> None:
    """Out of a pickle in a process that has only read the declaration, or as a copy."""
    _, below = _family()
    state = below("a", size=2).__getstate__()
    _, unused = _family()
    found: Any = unused.__new__(unused)
    found.__setstate__(state)
    assert (found.told(), found.size) == ("I am a, of 2", 2)
    assert copy.copy(found) == found
    assert pickle.loads(pickle.dumps(Point3(1, 2))) == Point3(1, 2)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that give way to each other after every microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_many_threads_may_use_a_class_first() -> None:
    """It is completed once; nobody sees half of it."""
    for _ in range(20):
        _, below = _family()
        made: list[Any] = []
        together = threading.Barrier(4)

        def use(below: type = below, made: list[Any] = made, together: threading.Barrier = together) -> None:
            together.wait()
            made.append(below("a"))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [below("a")] * 4


def test_what_stands_below_a_frozen_class_is_frozen() -> None:
    """As with attrs, and whichever of the two is used first."""

    @frozen
    class Base:
        name: str

    @define
    class Below(Base):
        size: int = attrs.field(default=1, validator=attrs.validators.gt(0))

    below: Any = Below("a")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        below.size = 2


def test_what_is_built_in_ways_of_its_own() -> None:
    """Exceptions are raised with their fields, cached properties live in slots, an own `__init__` stays."""

    @define
    class Odd(Exception):
        code: int

    @frozen
    class Squared:
        x: int

        @cached_property
        def square(self) -> int:
            return self.x * self.x

    @define
    class Own:
        x: int

        def __init__(self) -> None:
            self.x = 3

    with pytest.raises(Odd) as raised:
        raise Odd(7)
    assert (raised.value.code, raised.value.args) == (7, (7,))
    own: Any = Own
    assert (Squared(3).square, own().x) == (9, 3)
    assert not hasattr(Squared(3), "__dict__")


def test_every_class_of_the_package_can_be_completed() -> None:
    """What attrs refuses is seen here, not when somebody first uses it."""
    for found in pkgutil.walk_packages(kube_actors.__path__, "kube_actors."):
        if not found.name.endswith("__main__"):
            for each in _classes(importlib.import_module(found.name)):
                assert "__init__" in vars(each) or not attrs.has(each), each


def _classes(module: ModuleType) -> list[type]:
    return [each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__]
