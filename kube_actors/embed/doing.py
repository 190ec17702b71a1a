"""The verbs that read and change objects, between what a program hands over and the typed verbs of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

import attrs
import trio

from kube_actors.config.validation import validate
from kube_actors.embed.errors import WaitTimeout
from kube_actors.embed.results import Applied, ExecResult, Object
from kube_actors.embed.sources import Source, placed, raise_problems, read_source
from kube_actors.errors import not_found
from kube_actors.kernel import ClockMode
from kube_actors.node.runtime.sessions import ExecSession
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs import apply as applying
from kube_actors.verbs import delete as deleting
from kube_actors.verbs.conditions import Condition, parse_condition
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.exec import open_exec
from kube_actors.verbs.get import get as get_selected
from kube_actors.verbs.get import raise_missing
from kube_actors.verbs.pods import choose_container, choose_pod
from kube_actors.verbs.scale import scale as scale_key
from kube_actors.verbs.selection import Scope, Selection, find, key_of, select, select_one
from kube_actors.verbs.session import Session
from kube_actors.verbs.wait import wait as wait_for_keys
from kube_actors.writes.patching import PatchKind

EVERYWHERE = "*"
_BAD = ("Pressure", "Unavailable", "Failure", "Target")
"""How conditions end that are bad news when true: MemoryPressure, ReplicaFailure, DisruptionTarget."""
_NO_OBJECT = frozenset({"create", "delete"})


@frozen
class Where:
    """Which objects: of a namespace (None the default one, "*" all), let through by selectors."""

    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    @property
    def scope(self) -> Scope:
        """The same as a scope of the verbs."""
        return Scope(self.labels, self.fields, all_namespaces=self.namespace == EVERYWHERE)

    def session(self, session: Session) -> Session:
        """The session that looks there."""
        return session.in_namespace(None if self.namespace == EVERYWHERE else self.namespace)


async def apply(
    session: Session, source: Source, conflicts: applying.Conflicts, *, dry_run: bool
) -> tuple[Applied, ...]:
    """See `Cluster.apply`."""
    file = read_source(source)
    raise_problems(validate(file, known=None).problems)
    with placed():
        done = (await applying.apply_file(session, file, applying.ApplyOptions(conflicts, dry_run))).objects
    raise_problems(each.error for each in done if each.error is not None)
    return tuple(
        Applied(each.name, each.outcome, each.revision.body(), each.warnings)
        for each in done
        if each.revision is not None and each.outcome != "failed"
    )


def selection_of(session: Session, resource: str, name: str | None) -> Selection:
    """What `("pods", "web")`, `("pod/web", None)` or `("pods", None)` means. UsageError."""
    selections = select(session.registry, [resource] if name is None else [resource, name])
    if len(selections) != 1:
        raise UsageError(f"one type of resource is wanted, not {resource!r}")
    return selections[0]


async def get(session: Session, resource: str, name: str | None, where: Where) -> Any:
    """See `Cluster.get`."""
    session = where.session(session)
    selection = selection_of(session, resource, name)
    found = await get_selected(session, [selection], where.scope)
    raise_missing(found)
    bodies = [each.body() for each in found[0].revisions]
    return bodies if selection.names is None else bodies[0]


async def _named_or_labelled(session: Session, target: str, where: Where) -> tuple[Revision, ...]:
    """The one object of `pod/web`, or all of `pods` that the labels match. ApiError 404 for a name that is nowhere."""
    selection = selection_of(session, target, None)
    if selection.names is None and not where.labels:
        hint = f"{target}/NAME, or labels"
        raise UsageError(f"which of the {selection.resource.plural} is not said: write {hint}")
    found = await find(session, selection, where.scope)
    raise_missing([found])
    return found.revisions


async def delete(
    session: Session, target: str, where: Where, grace: int | None, propagation: deleting.Propagation
) -> tuple[Object, ...]:
    """See `Cluster.delete`."""
    session = where.session(session)
    revisions = await _named_or_labelled(session, target, where)
    request = deleting.DeleteRequest(grace, propagation)
    async with aclosing(deleting.delete(session, revisions, request)) as deletions:
        async for deletion in deletions:
            if deletion.error is not None and not (where.labels and deletion.error.reason == "NotFound"):
                raise deletion.error
    return tuple(revision.body() for revision in revisions)


async def patch(session: Session, target: str, change: Any, kind: PatchKind) -> Object:
    """See `Cluster.patch`."""
    revision = await session.client.patch(_key(session, target), change, kind)
    await session.client.durable(revision)
    return revision.body()


async def scale(session: Session, target: str, replicas: int) -> Object:
    """See `Cluster.scale`."""
    return (await scale_key(session, _key(session, target), replicas)).body()


def _key(session: Session, target: str) -> Any:
    selection = select_one(session.registry, [target])
    assert selection.names is not None, "select_one wants a name"
    return key_of(session, selection.resource, selection.names[0])


@frozen
class Waiting:
    """What is waited for, and for how many seconds of cluster time at most (None: no limit)."""

    until: str | Callable[[Object], bool]
    timeout: float | None

    @property
    def condition(self) -> Condition:
        """As the verbs know it. UsageError."""
        until = self.until
        if not isinstance(until, str):
            return Condition("a function", lambda revision: revision is not None and bool(until(revision.body())))
        bare = "jsonpath" not in until.lower() and not until.lower().startswith("condition=")
        return parse_condition(f"condition={until}" if bare and until.lower() not in _NO_OBJECT else until)

    @property
    def text(self) -> str:
        """For messages."""
        return self.until if isinstance(self.until, str) else getattr(self.until, "__name__", "as wanted")


async def wait(session: Session, target: str, waiting: Waiting, where: Where) -> None:
    """See `Cluster.wait`."""
    session, condition = where.session(session), waiting.condition
    if where.labels:
        found = await _named_or_labelled(session, target, where)
        if not found and condition.needs_object:
            plural = selection_of(session, target, None).resource.plural
            raise not_found(plural, where.labels)
        keys = [each.key for each in found]
    else:
        keys = [_key(session, target)]
    limit = 0 if waiting.timeout is not None and waiting.timeout <= 0 else None
    with patience(session, waiting.timeout if limit is None else None, lambda: _overdue(session, keys, waiting)):
        async with aclosing(wait_for_keys(session, keys, condition, limit)) as results:
            async for each in results:
                if isinstance(each.error, VerbError) and limit == 0:
                    raise WaitTimeout(_overdue(session, keys, waiting))
                if each.error is not None:
                    raise each.error


@contextmanager
def patience(session: Session, seconds: float | None, message: Callable[[], str]) -> Iterator[None]:
    """WaitTimeout after so many seconds of cluster time. While that stands still, they are seconds of the machine."""
    if seconds is None:
        yield
        return
    clock = session.plane.clock
    if clock.mode is ClockMode.PAUSED:
        with trio.move_on_after(seconds) as scope:
            yield
    else:
        with clock.move_on_after(seconds) as scope:
            yield
    if scope.cancelled_caught:
        raise WaitTimeout(message())


def _overdue(session: Session, keys: Sequence[Any], waiting: Waiting) -> str:
    """What is still not as wanted, and how it stands instead."""
    condition = waiting.condition
    late = []
    for key in keys:
        revision = session.plane.store.get(key)
        if not condition.met(revision):
            late.append(f"{key.plural}/{key.name} ({'not there' if revision is None else standing(revision.body())})")
    paused = "; cluster time is paused" if session.plane.clock.mode is ClockMode.PAUSED else ""
    return f"timed out after {waiting.timeout:g} s waiting for {waiting.text}: {', '.join(late)}{paused}"


def standing(body: Object) -> str:
    """An object's phase and the conditions that are not as they should be, with their reasons, in a line."""
    status = body.get("status")
    if not status:
        return "it has no status"
    parts = [str(status["phase"])] if status.get("phase") else []
    for each in status.get("conditions") or ():
        wanted = "False" if str(each.get("type", "")).endswith(_BAD) else "True"
        if each.get("status") != wanted:
            why = ": ".join(str(each[key]) for key in ("reason", "message") if each.get(key))
            parts.append(f"{each.get('type')}={each.get('status')}" + (f" {why}" if why else ""))
    return "; ".join(parts) or "nothing wrong"


@frozen
class Command:
    """A command to run in a container ("" the pod's default one)."""

    argv: tuple[str, ...]
    container: str = ""
    stdin: str | bytes | None = attrs.field(default=None, repr=False)
    timeout: float | None = None


async def execute(session: Session, target: str, command: Command) -> ExecResult:
    """See `Cluster.exec`."""
    pod = choose_pod(session, target).revision
    container = choose_container(pod.body(), command.container).name
    late = f"{' '.join(command.argv)!r} was killed: it took longer than {command.timeout or 0:g} s"
    with patience(session, command.timeout, lambda: late):
        running = await open_exec(session, pod, container, command.argv, stdin=command.stdin is not None)
        try:
            return await _converse(running, command.stdin)
        finally:
            with trio.CancelScope(shield=True):
                await running.aclose()
    raise AssertionError("patience raises when it ends")


async def _converse(running: ExecSession, stdin: str | bytes | None) -> ExecResult:
    outputs = {1: bytearray(), 2: bytearray()}

    async def feed() -> None:
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        try:
            await running.send_stdin(data)
            await running.close_stdin()
        except trio.BrokenResourceError:
            return  # it ends without having read everything

    async with trio.open_nursery() as nursery:
        if stdin is not None:
            nursery.start_soon(feed)
        async for stream, data in running.output():
            outputs[stream] += data
        code = await running.wait()
        nursery.cancel_scope.cancel()
    return ExecResult(code, bytes(outputs[1]), bytes(outputs[2]))
