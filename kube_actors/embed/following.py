"""The verbs that go on: watches and logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from kube_actors.embed.doing import Where, selection_of
from kube_actors.embed.life import Life
from kube_actors.embed.results import WatchEvent
from kube_actors.embed.streams import Stream
from kube_actors.node.container_logs import LogOptions
from kube_actors.records import frozen
from kube_actors.store import Revision, Watch
from kube_actors.verbs import logs as verb
from kube_actors.verbs.pods import choose_container, choose_pod
from kube_actors.verbs.selection import check, field_condition, label_selector, namespace_for
from kube_actors.verbs.session import Session


def watch(
    life: Life, session: Session, resource: str, name: str | None, where: Where, timeout: float | None
) -> Stream[WatchEvent]:
    """See `Cluster.watch`."""
    events = _events(where.session(session), resource, name, where)

    async def fill(send: Callable[[WatchEvent], Awaitable[None]]) -> None:
        async for event in events:
            if event.revision is not None and event.type != "BOOKMARK":
                await send(WatchEvent(event.type, event.revision.body()))

    async def fill_for_a_while(send: Callable[[WatchEvent], Awaitable[None]]) -> None:
        assert timeout is not None
        with life.clock.move_on_after(timeout):
            await fill(send)

    return Stream(life, fill if timeout is None else fill_for_a_while)


def _events(session: Session, resource: str, name: str | None, where: Where) -> Watch:
    """What there is now and all that follows, without a gap. UsageError and ApiError 400 for what makes no sense."""
    selection = selection_of(session, resource, name)
    check([selection], where.scope)
    condition = field_condition(selection.resource, where.fields)
    wanted = selection.names

    def covers(revision: Revision) -> bool:
        return (wanted is None or revision.key.name in wanted) and (condition is None or condition(revision))

    return session.plane.store.watch(
        selection.resource.id,
        namespace_for(session, selection.resource, where.scope) or None,
        selector=label_selector(where.labels),
        where=covers if wanted is not None or condition is not None else None,
    )


@frozen
class Wanted:
    """What of a pod's logs: of which container ("" the default one), and how much, as in `kubectl logs`."""

    container: str = ""
    previous: bool = False
    tail: int | None = None
    since: float | None = None
    timestamps: bool = False

    def options(self, now: float, *, follow: bool = False) -> LogOptions:
        """As the log reader knows them."""
        since = None if self.since is None else now - self.since
        return LogOptions(follow=follow, tail_lines=self.tail, since=since, timestamps=self.timestamps)


def _pieces(session: Session, target: str, wanted: Wanted, *, follow: bool) -> AsyncIterator[bytes]:
    pod = choose_pod(session, target).revision
    container = choose_container(pod.body(), wanted.container).name
    log = verb.log_target(session, pod, container, previous=wanted.previous)
    return verb.logs(session, log, wanted.options(session.now, follow=follow))


async def logs(session: Session, target: str, wanted: Wanted) -> str:
    """See `Cluster.logs`."""
    text = [piece async for piece in _pieces(session, target, wanted, follow=False)]
    return b"".join(text).decode(errors="backslashreplace")


def follow_logs(life: Life, session: Session, target: str, wanted: Wanted) -> Stream[str]:
    """See `Cluster.follow_logs`."""
    pieces = _pieces(session, target, wanted, follow=True)

    async def fill(send: Callable[[str], Awaitable[None]]) -> None:
        unfinished = b""
        async for piece in pieces:
            *lines, unfinished = (unfinished + piece).split(b"\n")
            for line in lines:
                await send(line.decode(errors="backslashreplace"))
        if unfinished:
            await send(unfinished.decode(errors="backslashreplace"))

    return Stream(life, fill)
