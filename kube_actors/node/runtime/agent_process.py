"""Starting the keeper and agent of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import trio

from kube_actors.node.agent.settings import Settings
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.node.runtime.base import RuntimeFailure

_START_WITHIN = 20.0  # seconds
_SETTLE_WITHIN = 3.0  # seconds, for an agent on its way that nobody wants any more
_SAID = 65_536


async def start_agent(
    interpreter: AgentInterpreter,
    settings: Settings,
    held: Sequence[int] = (),
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Start keeper and agent and return when they serve; of our descriptors they get `held`. `meanwhile` is called
    while they are on their way.

    The interpreter is used up. Raises RuntimeFailure with what they said. Whoever is cancelled meanwhile has to end
    the agent: it serves by then.
    """
    interpreter.tell(settings.dump(), held)
    meanwhile()
    try:
        with trio.fail_after(_START_WITHIN):
            said = await _all_said(interpreter)
    except trio.Cancelled:
        with trio.move_on_after(_SETTLE_WITHIN, shield=True):
            await _all_said(interpreter)
        interpreter.process.kill()
        interpreter.close()
        raise
    except BaseException as error:
        interpreter.process.kill()
        interpreter.close()
        if isinstance(error, trio.TooSlowError):
            why = f"the agent did not start within {_START_WITHIN:.0f} s"
            raise RuntimeFailure("AgentNotStarted", why) from None
        raise
    interpreter.close()
    if status := interpreter.process.returncode:
        why = said.decode(errors="replace").strip() or f"status {status}"
        raise RuntimeFailure("AgentNotStarted", f"the agent did not start: {why}")


async def _all_said(interpreter: AgentInterpreter) -> bytes:
    """What it writes to stderr until it ends: the daemon it leaves behind writes to a file."""
    assert interpreter.process.stderr is not None, "it is a pipe"
    said = bytearray()
    async with trio.lowlevel.FdStream(os.dup(interpreter.process.stderr.fileno())) as stream:
        async for part in stream:
            said += part[: _SAID - len(said)]
    return bytes(said)
