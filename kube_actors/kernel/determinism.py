"""Make trio's scheduling repeatable.

trio runs the tasks of one turn of its scheduler in random order on purpose. Here the order follows from a seed and the
tasks' names, which are actor paths: it depends neither on PYTHONHASHSEED, nor on how many tasks came before, nor on
whether a task that keeps machine time happened to wake in the same turn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from trio._core import _run


class _OrderByName(random.Random):
    """Stands in for trio's source of randomness; shuffles tasks into the order of their salted names."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        salt = blake2b(str(seed).encode(), digest_size=16).digest()
        self._place = lru_cache(maxsize=65_536)(lambda name: blake2b(name.encode(), key=salt, digest_size=8).digest())

    def shuffle(self, x: MutableSequence[Any]) -> None:
        if len(x) > 1:
            x.sort(key=lambda task: self._place(task.name))  # type: ignore[attr-defined]  # trio passes a list


@contextmanager
def seeded_scheduling(seed: int) -> Iterator[None]:
    """Inside, every trio run of this process orders its tasks by `seed`. A process-wide effect: for the command line.

    Uses two private names of trio: the switch that makes a turn start from the order of creation, and the source of
    randomness that shuffles it. An AttributeError here means that trio has changed.
    """
    before = (_run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r)
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r = _OrderByName(seed)
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r = before  # type: ignore[misc]
