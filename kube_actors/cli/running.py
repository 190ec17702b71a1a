"""`run`, once its options are known: what is settled before a cluster lives, and put away afterwards."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from kube_actors.cli.failures import input_problems
from kube_actors.cli.prepared import Prepared, prepare
from kube_actors.cli.processes import ProcessIdentity
from kube_actors.cli.run_options import RunOptions
from kube_actors.cli.runtime_file import read_record
from kube_actors.cli.signals import EndSignals
from kube_actors.errors import InputError
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.state import StateDirectory
from kube_actors.store.journal import StateInUse
from kube_actors.store.journal.lock import StateLock

DESCRIPTORS = 65_536


def run(options: RunOptions, signals: EndSignals) -> int:
    """Run a cluster until it is told to end; answers the exit status. InputError when it cannot start."""
    os.umask(0o077)  # everything we leave on disk is its owner's only
    _allow_many_files()
    prepared = prepare(options)
    with _state_of(prepared):
        if signals.first is not None:
            return signals.status
        if options.virtual:
            from kube_actors.cli.virtual import run_virtual

            return run_virtual(prepared, options, signals)
        return _lived(prepared, options, signals)


def _allow_many_files() -> None:
    """As many descriptors as the machine lets us have: every client of the API takes one, every pod several."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _lived(prepared: Prepared, options: RunOptions, signals: EndSignals) -> int:
    """Live in real time. The agent's process reads its code on another processor while this one reads the cluster's."""
    interpreter = AgentInterpreter() if prepared.config.needs_agent else None
    try:
        import trio

        from kube_actors.cli.life import Life

        return trio.run(Life(prepared, options, signals, interpreter).live)
    finally:
        if interpreter is not None:
            interpreter.close()


@contextmanager
def _state_of(prepared: Prepared) -> Iterator[None]:
    """Nothing stays of an ephemeral cluster or one that could not start; no `runtime.json` outlives its runtime."""
    state = prepared.state
    is_new = not state.root.exists()
    try:
        yield
    except (InputError, ExceptionGroup) as error:
        problems = input_problems(error)
        if not problems:
            raise
        if is_new:
            _remove_unused(state)
        raise prepared.placed(problems) from error
    finally:
        record = read_record(state.runtime_file)
        if record is not None and record.process == ProcessIdentity.own():
            state.runtime_file.unlink()
        if state.ephemeral:
            _remove(state)


def _remove_unused(state: StateDirectory) -> None:
    """Remove a state that we began, unless another runtime was faster and works on it."""
    with contextlib.suppress(StateInUse, OSError):
        lock = StateLock(state.journal.with_name(f"{state.journal.name}.lock"), state.journal)
        _remove(state)
        lock.release()


def _remove(state: StateDirectory) -> None:
    shutil.rmtree(state.root, ignore_errors=True)
    shutil.rmtree(state.sockets, ignore_errors=True)
