"""Errors as nurseries hand them on: in groups, within groups."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Final

from kube_actors.errors import InputError, Problem

_OF_THE_MACHINE: Final = frozenset(
    {errno.EACCES, errno.EAGAIN, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC,
     errno.EPERM, errno.EROFS}
)  # fmt: skip


def refusal(error: BaseException) -> str:
    """What the machine ran out of or does not allow, in words; empty when it is something else."""
    if not isinstance(error, OSError) or error.errno not in _OF_THE_MACHINE:
        return ""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror} (this machine, or a limit of this user, does not allow what was needed)"


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
