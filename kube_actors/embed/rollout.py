"""The rollout of one Deployment."""

from __future__ import annotations

from contextlib import aclosing

from kube_actors.api.patches import clone
from kube_actors.embed.doing import patience
from kube_actors.embed.life import Life
from kube_actors.embed.results import Object, RolloutRevision
from kube_actors.store import Key, Revision
from kube_actors.verbs import rollout as verb
from kube_actors.verbs.rollout_status import rollout_status
from kube_actors.verbs.selection import Selection, key_of, select_one
from kube_actors.verbs.session import Session


class Rollout:
    """See `Cluster.rollout`. Every verb raises ApiError 404 when there is no such Deployment, and VerbError when it
    cannot be done, in kubectl's words."""

    def __init__(self, life: Life, target: str, namespace: str | None) -> None:
        self._life = life
        self._target = target
        self._namespace = namespace

    async def status(self, *, timeout: float | None = None) -> str:  # noqa: ASYNC109  (cluster time, not trio's)
        """Wait until the rollout is over, and answer the sentence that says so. WaitTimeout after `timeout` seconds;
        VerbError when it is beyond its progressDeadlineSeconds."""
        said = "it has not begun"
        with self._life.working() as session:
            session = session.in_namespace(self._namespace)
            selection = self._selection(session)
            key = self._key(session, selection)
            verb.deployment_of(session, selection, "status")
            with patience(session, timeout, lambda: f"timed out after {timeout:g} s: {said}"):
                async with aclosing(rollout_status(session, key)) as sentences:
                    async for progress in sentences:
                        said = progress.message
        return said

    async def history(self) -> tuple[RolloutRevision, ...]:
        """The revisions that are kept, oldest first."""
        with self._life.working() as session:
            session = session.in_namespace(self._namespace)
            entries = await verb.rollout_history_of(session, self._deployment(session, "history"))
        return tuple(RolloutRevision(each.revision, each.change_cause, clone(each.template)) for each in entries)

    async def undo(self, *, to_revision: int = 0) -> Object:
        """Bring back the pod template of a revision, by default the one before the current; answers the Deployment."""
        with self._life.working() as session:
            session = session.in_namespace(self._namespace)
            undone = await verb.rollout_undo(session, self._deployment(session, "undo"), to_revision)
        return undone.revision.body()

    async def restart(self) -> Object:
        """Replace every pod the way a change would."""
        with self._life.working() as session:
            session = session.in_namespace(self._namespace)
            selection = self._selection(session)
            done = await verb.rollout_restart(session, selection.resource, self._key(session, selection))
        return done.body()

    async def pause(self) -> Object:
        """Let changes of the template wait."""
        return await self._set_paused(True)

    async def resume(self) -> Object:
        """Let them roll out."""
        return await self._set_paused(False)

    async def _set_paused(self, paused: bool) -> Object:
        with self._life.working() as session:
            session = session.in_namespace(self._namespace)
            selection = self._selection(session)
            key = self._key(session, selection)
            done = await verb.rollout_pause(session, selection.resource, key, paused=paused)
        return done.body()

    def _selection(self, session: Session) -> Selection:
        return select_one(session.registry, [self._target])

    @staticmethod
    def _key(session: Session, selection: Selection) -> Key:
        assert selection.names is not None, "select_one wants a name"
        return key_of(session, selection.resource, selection.names[0])

    def _deployment(self, session: Session, word: str) -> Revision:
        return verb.deployment_of(session, self._selection(session), word)
