"""`run`, once its options are known: what is settled before a cluster lives, and put away afterwards."""

from __future__ import annotations

import contextlib
import os
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


def run(options: RunOptions, signals: EndSignals, interpreter: AgentInterpreter | None = None) -> int:
    """Run a cluster until it is told to end; answers the exit status. InputError when it cannot start.

    `interpreter` becomes the agent of a cluster that needs one.
    """
    prepared = prepare(options)
    with _state_of(prepared):
        if signals.first is not None:
            return signals.status
        if options.virtual:
            from kube_actors.cli.virtual import run_virtual

            return run_virtual(prepared, options, signals)
        return _lived(prepared, options, signals, interpreter)


def _lived(
    prepared: Prepared, options: RunOptions, signals: EndSignals, interpreter: AgentInterpreter | None = None
) -> int:
    """Live in real time."""
    if interpreter is not None and not prepared.config.needs_agent:
        interpreter.close()
    import trio

    from kube_actors.cli.life import Life

    return trio.run(Life(prepared, options, signals, interpreter).live)


@contextmanager
def _state_of(prepared: Prepared) -> Iterator[None]:
    """Nothing stays of an ephemeral cluster or one that could not start; no `runtime.json` outlives its runtime."""
    state = prepared.state
    is_new = not os.path.exists(state.root)  # and not where nobody may look
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
