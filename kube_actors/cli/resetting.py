"""Taking a cluster's state away, and the pods that ran on without their runtime."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import trio

from kube_actors.cli.places import NotRunning, states
from kube_actors.cli.runtime_file import read_record, running
from kube_actors.errors import InputError, Problem
from kube_actors.node.agent.settings import Settings
from kube_actors.node.runtime.agent_connection import AgentConnection
from kube_actors.node.runtime.base import RuntimeFailure, RuntimeGone
from kube_actors.state import StateDirectory
from kube_actors.text import did_you_mean

END_SECONDS = 20.0


def chosen_states(home: Path, name: str | None, *, everything: bool) -> list[StateDirectory]:
    """The states that are meant, none of them in use. NotRunning or InputError when that is not clear."""
    found = {state.root.name: state for state in states(home)}
    alive = {each: record for each, state in found.items() if (record := running(state.runtime_file)) is not None}
    if everything:
        return [state for each, state in found.items() if each not in alive]
    if name is None and len(found) > 1:
        names = ", ".join(found)
        raise InputError([Problem(f"there are several states: {names}", hint="choose one with --name, or say --all")])
    if name is None:
        if not found:
            return []
        name = next(iter(found))
    if name in alive:
        problem = Problem(f"cluster {name!r} is running, as process {alive[name].process.pid}", hint="stop it first")
        raise InputError([problem])
    if name not in found:
        near = did_you_mean(name, found)
        raise NotRunning(f"there is no state of a cluster named {name!r}" + (f" ({near})" if near else ""))
    return [found[name]]


def reset_state(state: StateDirectory) -> None:
    """End what still runs of the cluster and delete its files. InputError when that fails: what runs on is never
    left without the files it is found by."""
    try:
        trio.run(_end_agent, state)
    except RuntimeFailure as error:
        raise InputError([Problem(f"pods of {state.root.name} cannot be ended: {error.message}")]) from error
    except trio.TooSlowError as error:
        problem = Problem(f"pods of {state.root.name} have not ended within {END_SECONDS:g} s", hint="try again")
        raise InputError([problem]) from error
    try:
        shutil.rmtree(state.root)
    except OSError as error:
        problem = Problem(f"cannot be deleted: {error.strerror}", file=str(error.filename or state.root))
        raise InputError([problem]) from error
    shutil.rmtree(state.sockets, ignore_errors=True)


async def _end_agent(state: StateDirectory) -> None:
    """Have the agent of a runtime that has gone take down what it kept running; without an agent there is nothing.

    Raises RuntimeFailure when the agent refuses, TooSlowError when it takes too long.
    """
    record = read_record(state.runtime_file)
    name = state.root.name.partition(".")[0] if record is None else record.name
    settings = Settings(str(state.agent), state.cluster_id(name), "", "", "")
    with contextlib.suppress(RuntimeGone), trio.fail_after(END_SECONDS):
        connection = await AgentConnection.open(settings, keep=False)
        if connection is None:
            return
        try:
            await connection.send({"op": "end", "id": 1})
            while await connection.receive() is not None:
                pass
        finally:
            connection.close()
