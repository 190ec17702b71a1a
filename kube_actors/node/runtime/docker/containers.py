"""The engine's containers: creating, finding, killing and deleting them, refusals in the contract's words."""

from __future__ import annotations

from typing import Any

from kube_actors.node.runtime.base import ContainerSpec, RuntimeFailure
from kube_actors.node.runtime.docker.bodies import PREFIX
from kube_actors.node.runtime.docker.engine import Engine, EngineError, text_filter

_GONE = (404, 409)  # not there, not running, or being removed


class EngineContainers:
    """Those of one node, told apart by its labels."""

    def __init__(self, engine: Engine, labels: dict[str, str]) -> None:
        self._engine = engine
        self._labels = labels

    async def list(self, *, pod_uid: str | None = None) -> list[dict[str, Any]]:
        """All of the node, or of one pod, ended ones too."""
        wanted = self._labels | ({f"{PREFIX}.pod-uid": pod_uid} if pod_uid is not None else {})
        filters = text_filter({"label": [f"{name}={value}" for name, value in wanted.items()]})
        reason = "InspectContainerError"
        found: list[dict[str, Any]] = await self._ask(reason, "containers/json", all=1, filters=filters)
        return found

    async def inspect(self, engine_id: str) -> dict[str, Any]:
        """Everything the engine says of one."""
        inspected: dict[str, Any] = await self._ask("InspectContainerError", f"containers/{engine_id}/json")
        return inspected

    async def create_sandbox(self, name: str, body: dict[str, Any]) -> str:
        """Create what holds a pod's namespaces; its engine id."""
        created = await self._ask("FailedCreatePodSandBox", "containers/create", "POST", body=body, name=name)
        return str(created["Id"])

    async def create(self, spec: ContainerSpec, name: str, body: dict[str, Any]) -> str:
        """Create a container; its engine id."""
        try:
            created = await self._engine.ask("containers/create", "POST", body=body, name=name)
        except EngineError as error:
            if error.status == 409:
                message = f"container {spec.id.name} attempt {spec.id.attempt} was started already"
                raise RuntimeFailure("AlreadyRunning", message) from None
            if error.status == 404 and "image" in error.message.lower():
                message = f'Container image "{spec.image.name}" is not present with pull policy of Never'
                raise RuntimeFailure("ErrImageNeverPull", f"{message}: the engine says {error.message}") from None
            raise RuntimeFailure("CreateContainerError", error.message) from None
        return str(created["Id"])

    async def start(self, engine_id: str, reason: str) -> None:
        """Start it; a refusal is a RuntimeFailure with this reason."""
        await self._ask(reason, f"containers/{engine_id}/start", "POST")

    async def update(self, engine_id: str, limits: dict[str, int]) -> None:
        """Give a running one other limits."""
        await self._ask("ResizeError", f"containers/{engine_id}/update", "POST", body=limits)

    async def kill(self, engine_id: str, signal: int) -> None:
        """Send a signal to its first process. Gone already is fine."""
        try:
            await self._engine.ask(f"containers/{engine_id}/kill", "POST", signal=str(int(signal)))
        except EngineError as error:
            if error.status not in _GONE:
                raise RuntimeFailure("KillContainerError", error.message) from None

    async def delete(self, engine_id: str) -> None:
        """Kill and forget it. Gone already is fine."""
        try:
            await self._engine.ask(f"containers/{engine_id}", "DELETE", force="true", v="true")
        except EngineError as error:
            if error.status not in _GONE:
                raise RuntimeFailure("KillContainerError", error.message) from None

    async def _ask(self, reason: str, path: str, method: str = "GET", *, body: Any = None, **params: Any) -> Any:
        try:
            return await self._engine.ask(path, method, body=body, **params)
        except EngineError as error:
            raise RuntimeFailure(reason, error.message) from None
