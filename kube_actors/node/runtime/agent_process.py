"""Starting the keeper and agent of a cluster: a fresh interpreter with the standard library only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from kube_actors.node import agent as agent_package
from kube_actors.node.agent.settings import Settings
from kube_actors.node.runtime.base import RuntimeFailure

# The package's parent goes last on the path, so that nothing in it can stand in for the standard library.
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from agent.start import main; main()"
_PACKAGE = str(Path(agent_package.__file__).resolve().parent.parent)
_START_WITHIN = 20.0  # seconds


async def start_agent(settings: Settings, held: Sequence[int] = ()) -> None:
    """Start keeper and agent and return when they serve. Raises RuntimeFailure with what they said.

    They get no environment or terminal of ours, of our descriptors only `held`, and a session of their own.
    """
    command = [sys.executable, "-I", "-S", "-c", _BOOT, _PACKAGE]
    try:
        with trio.fail_after(_START_WITHIN):
            done = await trio.run_process(
                command,
                stdin=settings.dump().encode(),
                stdout=subprocess.DEVNULL,
                capture_stderr=True,
                check=False,
                start_new_session=True,
                cwd="/",
                env={},
                pass_fds=held,
            )
    except trio.TooSlowError:
        raise RuntimeFailure("AgentNotStarted", f"the agent did not start within {_START_WITHIN:.0f} s") from None
    if done.returncode:
        said = (done.stderr or b"").decode(errors="replace").strip()
        raise RuntimeFailure("AgentNotStarted", f"the agent did not start: {said or f'status {done.returncode}'}")
