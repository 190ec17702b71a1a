"""The cluster's objects: the one place where they are numbered and replaced.

Everything that writes is synchronous, so between reading an object and replacing it nobody else can write. Keeping the
result is the journal's work, later and elsewhere: `durable` waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.api.codecs.json import loads_trusted
from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import already_exists, conflict, expired, not_found
from kube_actors.store.durability import Durability
from kube_actors.store.history import History
from kube_actors.store.journal.base import Journal, Loaded, Record
from kube_actors.store.objects import Objects
from kube_actors.store.projection import Projection
from kube_actors.store.revision import Candidate, Commit, Key, Revision, stamp
from kube_actors.store.scope import Scope
from kube_actors.store.size import MOST_BYTES, check_size
from kube_actors.store.subscribers import Subscriber, Subscribers
from kube_actors.store.watch import Start, Watch

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_MEBIBYTE = 1 << 20


class Store(Objects):
    """Objects, their recent history and those who follow it, on top of a journal. For one trio thread.

    `project(resource, body)` makes the projection of an object that comes from the journal, or is removed.
    `on_error` is told when a subscriber fails. Objects whose key is `ephemeral` are numbered and watched like any
    other, but are not kept: a restart forgets them. `history_bytes` bounds what a watch can go back.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        project: Callable[[str, dict[str, Any]], Projection],
        on_error: Callable[[Exception, Commit], None],
        ephemeral: Callable[[Key], bool] = lambda key: False,
        history_bytes: int = 32 * _MEBIBYTE,
    ) -> None:
        """Loads what the journal has kept. Raises `StateError`."""
        super().__init__()
        self._journal = journal
        self._project = project
        self._is_ephemeral = ephemeral
        self._compacted = 0
        loaded = journal.load()
        self._durability = Durability(loaded.head)
        self._history = History(self._durability, max_bytes=history_bytes, floor=loaded.floor, gaps=loaded.gaps)
        self._subscribers = Subscribers(on_error)
        self._restore(loaded)
        journal.bind(self._advanced, self._failed)

    @property
    def head(self) -> int:
        """The number of the newest step: the resourceVersion of a list made now."""
        return self._history.head

    @property
    def durable_revision(self) -> int:
        """Everything up to this number survives the process."""
        return self._durability.revision

    @property
    def watchers(self) -> int:
        """How many watches wait for something to happen."""
        return self._history.readers

    async def durable(self, revision: int) -> None:
        """Returns when everything up to this number is safe. Raises ApiError 503 when that will never be."""
        await self._durability.wait(revision)

    def commit(self, candidate: Candidate, expected: int | None) -> Revision:
        """Replaces the object if its resourceVersion is still `expected`; None: creates it.

        `candidate.body` is not changed; its resourceVersion, if it has one, does not matter.
        Raises ApiError 409 `AlreadyExists` or `Conflict`, 404 when there is nothing to replace, 500 when the object is
        too large, 503 when no write can be taken; then nothing has happened.
        """
        key = candidate.key
        live = self._objects.get(key)
        if expected is None:
            if live is not None:
                raise already_exists(key.plural, key.name, group=key.group)
        else:
            live = self._expected(key, expected)
            if live.uid != candidate.uid:
                why = f"Precondition failed: UID in precondition: {candidate.uid}, UID in object meta: {live.uid}"
                raise conflict(key.plural, key.name, why, group=key.group)
        number = self._next_number()
        raw = stamp(candidate.body, number)
        if len(raw) > MOST_BYTES:
            check_size(key.resource, candidate.body)
        revision = Revision(key, candidate.uid, number, raw, candidate.projection)
        self._put(live, revision)
        self._record(Commit("added" if live is None else "modified", revision, live))
        return revision

    def remove(self, key: Key, expected: int | None, body: Mapping[str, Any]) -> Revision:
        """Deletes the object if its resourceVersion is still `expected` (None: whatever it is).

        `body` is its final state, which watchers are shown under the number of the deletion. Raises as `commit`.
        """
        live = self._expected(key, expected)
        number = self._next_number()
        raw = stamp(body, number)
        revision = Revision(key, live.uid, number, raw, self._project(key.resource, dict(body)))
        self._discard(live)
        self._record(Commit("deleted", revision, live))
        return revision

    def _expected(self, key: Key, expected: int | None) -> Revision:
        live = self._objects.get(key)
        if live is None:
            raise not_found(key.plural, key.name, group=key.group)
        if expected is not None and live.resource_version != expected:
            raise conflict(key.plural, key.name, _MODIFIED, group=key.group)
        return live

    def _next_number(self) -> int:
        number = self._history.head + 1
        if number > self._journal.limit:
            raise self._journal.refusal()
        return number

    def _record(self, commit: Commit) -> None:
        self._history.append(commit)
        if self._is_ephemeral(commit.key):
            self._journal.skip(commit)
        else:
            self._journal.append(commit)
        self._subscribers.call(commit)

    def subscribe(self, callback: Subscriber, *resources: str) -> Callable[[], None]:
        """Calls `callback` on every commit (of these resources) as part of it, in order; returns what ends that.

        A callback must be quick, for the writer waits for it. What it raises is reported and harms nobody.
        """
        return self._subscribers.add(callback, resources or (None,))

    def watch(
        self,
        resource: str,
        namespace: str | None = None,
        since: int | None = None,
        *,
        durable: bool = True,
        bookmarks: bool = False,
        name: str | None = None,
        selector: LabelSelector | None = None,
        where: Callable[[Revision], bool] | None = None,
        node: str = "",
        send_initial_events: bool | None = None,
    ) -> Watch:
        """Follows a resource, with Kubernetes' meaning of the parameters.

        `since`: goes on after that number; without it, or with 0, it begins with an ADDED event for every object, which
        `send_initial_events` can force or forbid (True with `bookmarks` also marks their end). `namespace`, `name`,
        `selector` and `where` (any other condition, such as a field selector) narrow it; an object that comes to match
        is ADDED, one that ceases to is DELETED. With `node`, `where` demands that pods are bound to that one: the watch
        sleeps through all others. `durable` watches never see what a crash could still undo.
        Raises ApiError 410 when history does not go back to `since`.
        """
        scope = Scope(namespace or None, name, None if selector is None or selector.empty else selector, where, node)
        log = self._history.log(resource)
        if send_initial_events or (send_initial_events is None and not since):
            self._history.check_issued(since or 0)
            initial = [each for each in self.list(resource, namespace, selector) if scope.covers(each)]
            start = Start(self.head, log.end, initial, announces_end=bool(bookmarks and send_initial_events))
        elif since:
            start = Start(since, self._history.position(resource, since, selective=scope.is_selective))
        else:
            start = Start(self.head, log.end)
        return Watch(self._history, log, scope, start, durable=durable, bookmarks=bookmarks)

    def list_at(
        self, number: int, resource: str, namespace: str | None = None, selector: LabelSelector | None = None
    ) -> list[Revision]:
        """What `list` answered when the head was `number`. Raises ApiError 410 when that is too long ago."""
        if number < self._compacted:
            raise expired(f"required revision has been compacted: {number} ({self._compacted})")
        steps = self._history.since(resource, number)
        if not steps:
            return self.list(resource, namespace, selector)
        before = {step.key: step.previous for step in reversed(steps)}
        unchanged = [each for each in self.list(resource, namespace) if each.key not in before]
        changed = [each for each in before.values() if each and (not namespace or each.key.namespace == namespace)]
        then = sorted([*unchanged, *changed], key=lambda each: each.key)
        return then if selector is None else [each for each in then if selector.matches(each.projection.labels)]

    def compact(self, number: int) -> None:
        """From now on `list_at` shows nothing that is older than this number. Watches are not concerned."""
        self._compacted = max(self._compacted, number)

    async def run(self) -> None:
        """The journal's committer task; run it for as long as the store is written to."""
        await self._journal.run()

    def close(self) -> None:
        """Keeps what is still waiting and lets go of the state; `run` must have ended. Raises `JournalFailed`."""
        self._journal.close()

    def _advanced(self, revision: int) -> None:
        self._durability.advance(revision)
        self._history.advanced()

    def _failed(self) -> None:
        self._durability.fail(self._journal.refusal())
        self._history.wake_all()

    def _restore(self, loaded: Loaded) -> None:
        self._fill(self._revive(record) for record in loaded.objects)
        newest: dict[Key, Revision] = {}
        for record in loaded.history:
            live = self._objects.get(record.key)
            is_live = live is not None and live.resource_version == record.resource_version
            revision = live if live is not None and is_live else self._revive(record)
            self._history.restore(Commit(record.kind, revision, newest.pop(record.key, None)))
            if record.kind != "deleted":
                newest[record.key] = revision
        for resource in loaded.volatile:
            self._history.forget(resource)

    def _revive(self, record: Record) -> Revision:
        projection = self._project(record.key.resource, loads_trusted(record.raw))
        return Revision(record.key, record.uid, record.resource_version, record.raw, projection)
