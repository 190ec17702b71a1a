"""A program whose disk fills up. `python -m tests.store.filling_writer STATE limit|ballast`.

`limit`: files may not grow beyond 4 MB. `ballast`: the directory of STATE is a small file system with a file `ballast`.
Writes until it is refused, makes room, opens the state again, and prints what it saw as one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import trio

from kube_actors.errors import ApiError
from kube_actors.store.journal import SqliteJournal

from .building import create, new_store, pod

_LIMIT = 4 << 20


async def fill(path: Path) -> dict[str, Any]:
    """Writes until the journal fails; what was acknowledged and how it ended."""
    journal = SqliteJournal(path)
    store = new_store(journal)
    seen: dict[str, Any] = {"kept": [], "refused": []}

    async def write(writer: int) -> None:
        try:
            for number in range(10_000):
                name = f"p{writer}-{number}"
                await store.durable(create(store, pod(name, padding=10_000)).resource_version)
                seen["kept"].append(name)
        except ApiError as error:
            seen["refused"].append(error.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        async with trio.open_nursery() as writers:
            for writer in range(8):
                writers.start_soon(write, writer)
        seen["failure"] = str(await journal.failed())
        try:
            create(store, pod("late"))
        except ApiError as error:
            seen["late"] = error.code
        nursery.cancel_scope.cancel()
    store.close()
    return seen


def main(path: Path, way: str) -> None:
    """Fills, makes room, looks again."""
    if way == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, resource.RLIM_INFINITY))
    seen = trio.run(fill, path)
    if way == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        path.with_name("ballast").unlink()
    store = new_store(SqliteJournal(path))
    seen["found"] = [revision.key.name for revision in store.list("pods")]
    create(store, pod("afterwards"))
    store.close()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
