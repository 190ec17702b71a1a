"""Errors as they were raised: not wrapped in the groups of the nurseries they came through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio


@contextmanager
def ungrouped() -> Iterator[None]:
    """A group with one error in it comes out as that error."""
    try:
        yield
    except BaseExceptionGroup as group:
        error = only_error(group)
        if error is group:
            raise
        raise error from error.__cause__


@contextmanager
def beside(first: Callable[[], BaseException | None]) -> Iterator[None]:
    """While a cluster ends: what fails now is a note of the `first` error, if there is one."""
    try:
        yield
    except Exception as trouble:  # whatever it is, the first error is the one to hear of
        error = first()
        if error is None:
            raise
        error.add_note(f"and its cluster did not end well: {trouble!r}")


def only_error(error: BaseException) -> BaseException:
    """The one error in groups around it; the group itself when it has several, or is trio's cancelling."""
    inner = error
    while isinstance(inner, BaseExceptionGroup):
        if len(inner.exceptions) != 1:
            return error
        inner = inner.exceptions[0]
    return error if isinstance(inner, trio.Cancelled) else inner


def is_cancelling(error: BaseException) -> bool:
    """Whether it must reach trio as it is: a cancellation, alone or in a group, or a generator's end."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup((trio.Cancelled, GeneratorExit)) is not None
    return isinstance(error, (trio.Cancelled, GeneratorExit))
