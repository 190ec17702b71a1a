"""Reads the code of what a cluster starts next, in steps so short that clients are answered in between.

Importing all of it at once would keep those waiting who found the API served already.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import trio

from kube_actors.store import Revision, Store

_MODULES: Final = (
    "cattrs",
    "kube_actors.api.views",
    "kube_actors.messages.pod",
    "kube_actors.plan.rollout",
    "kube_actors.plan.scheduling",
    "kube_actors.actors.pod.specs",
    "kube_actors.actors.pod.actor",
    "kube_actors.actors.node.actor",
    "kube_actors.access.jws",
    "kube_actors.assembly.nodes",
    "kube_actors.assembly.actor_tree",
)
"""Each takes some ten milliseconds; what comes early is needed by what comes later."""
_TURN: Final = 0.001
"""Machine seconds in which a client sends what comes next."""
_TURNS: Final = 20
"""So many, at most, before each step: there are clients that are always asking for something."""


async def load_in_steps(store: Store, is_asked: Callable[[], bool]) -> None:
    """Import what the actors need, and have the code made by which objects are read that are there from before.

    As long as `is_asked` says that a client wants something, it has turns before each step.
    """
    await trio.sleep(_TURN)
    for step in _steps(store):
        for _ in range(_TURNS):
            if not is_asked():
                break
            await trio.sleep(_TURN)
        step()
        await trio.lowlevel.checkpoint()


def _steps(store: Store) -> Iterator[Callable[[], object]]:
    for name in _MODULES:
        yield partial(importlib.import_module, name)
    from kube_actors.api.views import VIEWS

    for resource in VIEWS:
        for revision in store.list(resource)[:1]:
            yield partial(_view, revision)


def _view(revision: Revision) -> object:
    return revision.view
