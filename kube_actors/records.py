"""`frozen` and `define` of attrs, cheaper to make: what most classes of this project are declared with.

attrs writes and compiles the source of `__eq__`, `__hash__` and `__repr__` for every class, which with five hundred
classes is a tenth of a second of every start. Here one closure over `operator.attrgetter` does the same: the classes
are made in half the time, and compare as fast. All else (fields, slots, `evolve`, `asdict`) is attrs' own, and the
options are passed on to it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

import attrs

C = TypeVar("C", bound=type)


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
    def decorate(cls: type) -> type:
        own = frozenset(vars(cls))  # what the class says itself stays as it is
        made: type = make(cls, eq=False, repr=False, **options)
        if "__repr__" not in own:
            _give_repr(made)
        if eq and "__eq__" not in own:
            _give_eq(made, hashable=make is attrs.frozen and "__hash__" not in own)
        return made

    return decorate if cls is None else decorate(cls)


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
