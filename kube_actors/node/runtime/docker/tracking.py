"""What the runtime knows of its containers: which run, what they print, and that each exit is reported once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import trio

from kube_actors.api.times import parse_rfc3339
from kube_actors.node.runtime.base import ContainerExited, ContainerId, FoundContainer, RuntimeGone
from kube_actors.node.runtime.docker.bodies import PREFIX, exit_of
from kube_actors.node.runtime.docker.engine import Engine, EngineError
from kube_actors.node.runtime.docker.log_pump import DockerLog
from kube_actors.node.runtime.docker.pod_files import read_message
from kube_actors.records import define

LOG_SECONDS = 5.0
"""How long an exit waits for the rest of the log."""


@define(eq=False)
class Tracked:
    """One started container."""

    id: ContainerId
    engine_id: str
    pid: int
    started_at: float
    image: str
    tty: bool
    log: tuple[str, int, int]
    message_file: str
    exit: ContainerExited | None = None
    ending: bool = False
    reported: trio.Event = attrs.field(factory=trio.Event)
    log_complete: trio.Event | None = None

    @property
    def found(self) -> FoundContainer:
        """As `adopt` shows it."""
        return FoundContainer(self.id, runtime_id(self.engine_id), self.pid, self.started_at, self.image, self.exit)


def runtime_id(engine_id: str) -> str:
    """As Kubernetes shows it in `containerID`."""
    return f"docker://{engine_id}"


def tracked_from(container: ContainerId, inspected: Mapping[str, Any]) -> Tracked:
    """From the engine's description of a container that was started."""
    labels, state = inspected["Config"]["Labels"], inspected["State"]
    path, max_size, max_files = json.loads(labels[f"{PREFIX}.log"])
    return Tracked(
        container,
        inspected["Id"],
        int(state["Pid"]),
        parse_rfc3339(state["StartedAt"]),
        labels[f"{PREFIX}.image"],
        bool(inspected["Config"]["Tty"]),
        (path, max_size, max_files),
        labels[f"{PREFIX}.message-file"],
    )


class Tracker:
    """The started containers of a node."""

    nursery: trio.Nursery
    """Where logs are followed; the runtime's own, set when it runs."""

    def __init__(self, engine: Engine, report: Callable[[ContainerExited], None]) -> None:
        self._engine = engine
        self._report = report
        self.by_id: dict[ContainerId, Tracked] = {}

    def follow(self, tracked: Tracked) -> None:
        """Take over a container's log, unless that is done already."""
        if tracked.log_complete is None:
            tracked.log_complete = trio.Event()
            self.nursery.start_soon(self._pump, tracked, tracked.log_complete, name=f"log of {tracked.id.name}")

    async def _pump(self, tracked: Tracked, complete: trio.Event) -> None:
        error = await self._copy_log(tracked, follow=True)
        if error is not None and tracked.exit is None:
            tracked.log_complete = None  # taken up again by the next `adopt`
        complete.set()

    async def _copy_log(self, tracked: Tracked, *, follow: bool) -> Exception | None:
        """Copy what is not in our log yet; why it stopped before its end, if it did. A log that cannot be written does
        not end the container."""
        try:
            log = DockerLog(*tracked.log)
        except OSError:
            return None
        stream = self._engine.start_stream(
            self.nursery,
            f"containers/{tracked.engine_id}/logs",
            framed=not tracked.tty,
            follow=int(follow),
            stdout=1,
            stderr=1,
            timestamps=1,
            since=f"{log.since:.6f}",
        )
        try:
            async for number, message in stream.pieces:
                log.write(number, message)
        finally:
            stream.close()
            log.close()
        return stream.error

    def end_soon(self, tracked: Tracked) -> None:
        """`end`, in a task of its own."""
        self.nursery.start_soon(self.end, tracked)

    async def end(self, tracked: Tracked) -> None:
        """It has ended: find out how, and report it once its log is complete."""
        if tracked.ending:
            await tracked.reported.wait()
            return
        tracked.ending = True
        try:
            inspected = await self._engine.ask(f"containers/{tracked.engine_id}/json")
        except (EngineError, RuntimeGone):
            tracked.ending = False  # the next `adopt` sees to it
            return
        self.follow(tracked)
        if tracked.log_complete is not None:
            with trio.move_on_after(LOG_SECONDS):
                await tracked.log_complete.wait()
                await self._copy_log(tracked, follow=False)  # a last line without an end may come behind its follower
        tracked.exit = exit_of(tracked.id, inspected["State"], read_message(tracked.message_file))
        self._report(tracked.exit)
        tracked.reported.set()
