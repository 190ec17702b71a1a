"""Errors as nurseries hand them on: in groups, within groups."""

from __future__ import annotations

from collections.abc import Iterator

from kube_actors.errors import InputError, Problem


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def input_problems(error: BaseException) -> tuple[Problem, ...]:
    """Everything a person has to mend, each once."""
    inputs = [each for each in leaves(error) if isinstance(each, InputError)]
    return tuple(dict.fromkeys(problem for each in inputs for problem in each.problems))
