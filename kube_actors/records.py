"""`frozen` and `define` of attrs, cheap to make: what most classes of this project are declared with.

A class of attrs costs when it is declared: its fields are read, the source of its methods is written and compiled. A
start declares five hundred classes and makes instances of two hundred. Here a declaration makes no more than a class
with slots, a seventh of the work; attrs completes it when the first instance is made, or when somebody asks for its
fields. What it is given then is attrs' own (`__init__`, fields, `evolve`, `asdict`, freezing, pickling), save for
`__eq__`, `__hash__` and `__repr__`: closures over `operator.attrgetter`, which compare as fast and are not compiled.
What attrs refuses (a field without a default behind one that has one) it so refuses at first use.

Left to attrs at once are classes without slots, and those that it builds in ways of its own: with an `__init__` or with
cached properties.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from operator import attrgetter
from reprlib import recursive_repr
from types import FunctionType
from typing import Any, Final, TypeVar, dataclass_transform, overload

import attrs

C = TypeVar("C", bound=type)
_completing: Final = threading.RLock()
"""Threads use classes too; a class is completed once, and its bases within that."""


@overload
def frozen(cls: C, /) -> C: ...
@overload
def frozen(*, eq: bool = True, **options: Any) -> Callable[[C], C]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def frozen(cls: Any = None, /, *, eq: bool = True, **options: Any) -> Any:
    """A class whose instances do not change; with `eq` (as a rule) they compare and hash by their fields."""
    return _decorated(attrs.frozen, cls, eq, options)


@overload
def define(cls: C, /) -> C: ...
@overload
def define(*, eq: bool = True, **options: Any) -> Callable[[C], C]: ...
@dataclass_transform(field_specifiers=(attrs.field,))
def define(cls: Any = None, /, *, eq: bool = True, **options: Any) -> Any:
    """A class whose instances may change; with `eq` (as a rule) they compare by their fields, and have no hash."""
    return _decorated(attrs.define, cls, eq, options)


def _decorated(make: Callable[..., Any], cls: type | None, eq: bool, options: dict[str, Any]) -> Any:
    def decorate(cls: Any) -> Any:
        if not options.get("slots", True) or not _may_wait(vars(cls)):
            return _completed(make, cls, eq, options)
        made = _with_slots(cls, weakref_slot=options.get("weakref_slot", True))
        _complete_later(made, lambda: _take(made, _completed(make, cls, eq, options), vars(cls)))
        return made

    return decorate if cls is None else decorate(cls)


def _may_wait(own: Mapping[str, Any]) -> bool:
    return "__init__" not in own and not any(isinstance(each, functools.cached_property) for each in own.values())


def _completed(make: Callable[..., Any], cls: type, eq: bool, options: dict[str, Any]) -> type:
    """What attrs makes of a class."""
    own = frozenset(vars(cls))  # what the class says itself stays as it is
    made: type = make(cls, eq=False, repr=False, **options)
    if "__repr__" not in own:
        _give_repr(made)
    if eq and "__eq__" not in own:
        _give_eq(made, hashable=make is attrs.frozen and "__hash__" not in own)
    return made


class _Fields:
    """`__attrs_attrs__` of a class that is not complete: asked for, it completes it."""

    def __init__(self, complete: Callable[[], None]) -> None:
        self._complete = complete

    def __get__(self, instance: object, owner: type) -> Any:
        self._complete()
        return owner.__attrs_attrs__  # type: ignore[attr-defined]


def _complete_later(cls: Any, complete: Callable[[], object]) -> None:
    """Have a class completed by its first instance, which may also come out of a pickle, or by who asks for fields."""

    def complete_once() -> None:
        with _completing:
            if isinstance(vars(cls)["__attrs_attrs__"], _Fields):
                for base in cls.__bases__:
                    attrs.has(base)  # completes it: what a class becomes depends on its bases
                complete()

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        complete_once()
        cls.__init__(self, *values, **named)

    def __setstate__(self: Any, state: Any) -> None:
        complete_once()
        cls.__setstate__(self, state)

    cls.__attrs_attrs__ = _Fields(complete_once)
    cls.__init__ = __init__
    if "__setstate__" not in vars(cls):
        cls.__setstate__ = __setstate__


def _with_slots(cls: Any, *, weakref_slot: bool) -> Any:
    """The same class with slots for its fields."""
    names = [name for name, kind in cls.__annotations__.items() if not _is_class_var(kind)]
    inherited = {slot for base in cls.__mro__[1:-1] for slot in getattr(base, "__slots__", ())}
    slots = [name for name in names if name not in inherited]
    if weakref_slot and not any("__weakref__" in vars(base) for base in cls.__mro__[1:-1]):
        slots.append("__weakref__")
    left_out = {*names, "__dict__", "__weakref__"}
    body = {name: value for name, value in vars(cls).items() if name not in left_out}
    made = type(cls)(cls.__name__, cls.__bases__, {**body, "__slots__": tuple(slots), "__qualname__": cls.__qualname__})
    for cell in _cells(body):
        if cell.cell_contents is cls:
            cell.cell_contents = made
    return made


def _is_class_var(kind: object) -> bool:
    """Annotations are texts in this project, as `from __future__ import annotations` makes them."""
    return str(kind).startswith(("ClassVar", "typing.ClassVar"))


def _cells(body: dict[str, Any]) -> Iterator[Any]:
    """Where methods keep the class that they were written in, for `super()`."""
    for value in body.values():
        function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        if isinstance(function, FunctionType):
            yield from function.__closure__ or ()


def _take(cls: Any, complete: Any, own: Container[str]) -> None:
    """Give a class with slots what attrs wrote for its like: what it has not said itself, nor is a slot."""
    given = {name: value for name, value in vars(complete).items() if name not in own and name != "__slots__"}
    init = given.pop("__init__")
    for name, value in given.items():
        if name not in complete.__slots__:
            setattr(cls, name, value)
    cls.__init__ = init  # last: who makes an instance meanwhile waits for the rest


def _give_eq(cls: Any, *, hashable: bool) -> None:
    names = [field.name for field in attrs.fields(cls) if field.eq]
    values: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def __hash__(self: Any) -> int:
        return hash(values(self))

    cls.__eq__ = __eq__
    cls.__hash__ = __hash__ if hashable else None


def _give_repr(cls: Any) -> None:
    names = [field.name for field in attrs.fields(cls) if field.repr]

    @recursive_repr("...")
    def __repr__(self: Any) -> str:
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__.rsplit('>.', 1)[-1]}({shown})"

    cls.__repr__ = __repr__
