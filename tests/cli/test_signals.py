"""Signals that end a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from kube_actors.cli.run_options import RunOptions
from kube_actors.cli.running import run
from kube_actors.cli.signals import ENDING, EndSignals


@pytest.fixture
def signals() -> Iterator[EndSignals]:
    """Listening; afterwards all is as it was."""
    before = [(number, signal.getsignal(number)) for number in ENDING]
    yield EndSignals()
    for number, handler in before:
        signal.signal(number, handler)


async def test_waiting_for_signals(signals: EndSignals) -> None:
    """Each wakes whoever waits for that many, and the first one is remembered."""
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(signals.wait, 1)
            nursery.start_soon(signals.wait, 2)
            await trio.lowlevel.checkpoint()
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
    assert signals.first is signal.SIGTERM
    assert signals.received == [signal.SIGTERM, signal.SIGINT]


async def test_a_signal_before_anybody_waits(signals: EndSignals) -> None:
    """Is not lost."""
    os.kill(os.getpid(), signal.SIGHUP)
    with trio.fail_after(60):
        await signals.wait(1)


@pytest.mark.parametrize("number", ENDING)
def test_ignored_signals_are_heard_and_the_third_ends_at_once(number: signal.Signals) -> None:
    """Also in a process started with them ignored, as by nohup; whatever it is doing then."""
    program = (
        "from kube_actors.cli.signals import EndSignals; import os, sys\n"
        "signals = EndSignals()\n"
        "for _ in range(3): os.kill(os.getpid(), int(sys.argv[1])); print(len(signals.received), flush=True)"
    )
    ignoring = (
        f"import signal, os, sys; signal.signal({int(number)}, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", ignoring, sys.executable, "-c", program, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("1\n2\n", 128 + number)


def test_a_signal_while_the_files_are_read_leaves_nothing(signals: EndSignals, tmp_path: Path) -> None:
    """The state of an ephemeral cluster that never began goes as well."""
    file = tmp_path / "a.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    os.kill(os.getpid(), signal.SIGINT)
    assert run(RunOptions((str(file),), tmp_path / "home", ephemeral=True), signals) == 130
    assert list((tmp_path / "home").iterdir()) == []


def test_ctrl_c_while_the_program_is_read_is_quiet() -> None:
    """No traceback, and the status of an interrupted program."""
    program = (
        "import sys, runpy\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "runpy.run_module('kube_actors', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
