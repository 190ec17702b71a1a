"""A program that writes until it is killed. `python -m tests.store.crashing_writer STATE WRITERS`.

Prints `issued NAME NUMBER` when a number has been given out and `kept NAME NUMBER` when the write is acknowledged.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trio

from kube_actors.store import Store
from kube_actors.store.journal import SqliteJournal

from .building import create, delete, new_store, pod, update


def say(word: str, name: str, number: int) -> None:
    """One line in one system call, so that being killed cannot tear it."""
    os.write(1, f"{word} {name} {number}\n".encode())


async def write(store: Store, name: str) -> None:
    """Creates, changes and deletes one object over and over."""
    if any(revision.key.name == name for revision in store.list("pods")):
        delete(store, name)
    while True:
        for step in (create, update, update):
            number = step(store, pod(name, padding=500)).resource_version
            say("issued", name, number)
            await store.durable(number)
            say("kept", name, number)
        number = delete(store, name).resource_version
        say("issued", name, number)
        await store.durable(number)
        say("kept", f"-{name}", number)


async def main(path: Path, writers: int) -> None:
    """Never ends."""
    store = new_store(SqliteJournal(path, history_count=100))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        for number in range(writers):
            nursery.start_soon(write, store, f"p{number}")


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
