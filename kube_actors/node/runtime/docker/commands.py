"""The commands that run in containers of the engine, and which of them have ended."""

from __future__ import annotations

import secrets
from typing import Any

import trio

from kube_actors.node.runtime.base import RuntimeFailure
from kube_actors.node.runtime.docker.engine import Engine, EngineError
from kube_actors.node.runtime.docker.exec_session import MARK, DockerExec

CLOSE_SECONDS = 5.0
_NOT_RUN = (126, 127)


class Commands:
    """Starts commands; the runtime tells it what the engine says of their ends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[str, DockerExec] = {}

    def ended(self, exec_id: str, exit_code: int) -> None:
        """The engine says that a command has ended; told twice is told once."""
        session = self._running.pop(exec_id, None)
        if session is not None:
            session.ended(exit_code)

    async def start(self, container: str, argv: tuple[str, ...], *, stdin: bool, tty: bool) -> DockerExec:
        """Run a command in an engine container. RuntimeFailure when it cannot be run."""
        mark = secrets.token_hex(16)
        body = {
            "Cmd": list(argv),
            "AttachStdin": stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": tty,
            "Env": [f"{MARK}={mark}"],
        }
        exec_id = str((await self._ask(f"containers/{container}/exec", "POST", body))["Id"])
        stream = await self._engine.open_exec(exec_id, tty)
        session = self._running[exec_id] = DockerExec(self._engine, exec_id, stream, mark)
        try:
            await self._wait_started(exec_id, session, argv)
        except BaseException:
            self._running.pop(exec_id, None)
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                await stream.close()
            raise
        return session

    async def _wait_started(self, exec_id: str, session: DockerExec, argv: tuple[str, ...]) -> None:
        """Until the command runs or has run. The engine tells of one that cannot run in its output only."""
        while True:
            state = await self._ask(f"exec/{exec_id}/json")
            if state["ExitCode"] is not None:
                if not state["Pid"] and state["ExitCode"] in _NOT_RUN:
                    said = b"".join([data async for _, data in session.output()]).decode(errors="replace").strip()
                    raise RuntimeFailure("ExecError", said or f"cannot run {argv[0]}")
                self.ended(exec_id, int(state["ExitCode"]))
                return
            if state["Pid"]:
                return
            await trio.sleep(0.005)

    async def _ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        try:
            return await self._engine.ask(path, method, body=body)
        except EngineError as error:
            raise RuntimeFailure("ExecError", error.message) from None
