"""Rollouts and waiting, in virtual time."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.store import Revision, base_projection
from kube_actors.verbs.conditions import parse_condition
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.rollout import (
    RESTARTED_AT,
    revision_entry,
    rollout_history_of,
    rollout_pause,
    rollout_restart,
    rollout_undo,
)
from kube_actors.verbs.rollout_status import judge_deployment, rollout_status
from kube_actors.verbs.selection import resource_of
from kube_actors.verbs.session import Session
from kube_actors.verbs.wait import wait

from .stage import create, deployment, key, simulated_cluster, until_available

WEB = key("deployments.apps", "web")


def live(session: Session) -> Revision:
    """The Deployment as it is now."""
    revision = session.plane.store.get(WEB)
    assert revision is not None
    return revision


async def set_image(session: Session, image: str, cause: str = "") -> None:
    """A new version."""

    def change(body: dict[str, Any]) -> None:
        body["spec"]["template"]["spec"]["containers"][0]["image"] = image
        if cause:
            body["metadata"].setdefault("annotations", {})["kubernetes.io/change-cause"] = cause

    await session.client.mutate(WEB, change)


def image_of(session: Session) -> str:
    """The image the Deployment wants."""
    return str(live(session).body()["spec"]["template"]["spec"]["containers"][0]["image"])


def body(**status: Any) -> dict[str, Any]:
    """A Deployment of three replicas at generation 2."""
    return {
        "metadata": {"name": "web", "generation": 2, "annotations": {"deployment.kubernetes.io/revision": "4"}},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 2, **status},
    }


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ({"observedGeneration": 1}, "Waiting for deployment spec update to be observed..."),
        (
            {"updatedReplicas": 1, "replicas": 4},
            'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
        ),
        (
            {"updatedReplicas": 3, "replicas": 4, "availableReplicas": 3},
            'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
        ),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2},
            'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
        ),
        ({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}, 'deployment "web" successfully rolled out'),
    ],
)
def test_sentences(status: dict[str, Any], sentence: str) -> None:
    """kubectl's, at each stage of a rollout."""
    progress = judge_deployment(body(**status))
    assert progress.message == sentence
    assert progress.done == ("successfully" in sentence)


def test_failures_of_a_rollout() -> None:
    """The deadline is over, or another revision runs than the one asked for."""
    late = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}
    with pytest.raises(VerbError, match='deployment "web" exceeded its progress deadline'):
        judge_deployment(body(**late))
    with pytest.raises(VerbError, match=r"desired revision \(3\) is different from the running revision \(4\)"):
        judge_deployment(body(), revision=3)


async def test_status_follows_to_the_end(tmp_path: Path) -> None:
    """Each sentence once, the last is success."""
    async with simulated_cluster(tmp_path, simulation={"startSeconds": 2}) as cluster:
        await create(cluster.session, deployment("web", 3))
        async with aclosing(rollout_status(cluster.session, WEB)) as sentences:
            said = [each.message async for each in sentences]
        assert said[-1] == 'deployment "web" successfully rolled out'
        assert len(said) == len(set(said)) > 1


async def test_status_gives_up_in_cluster_time(tmp_path: Path) -> None:
    """A version that never becomes ready: told after the time that was given; a missing object at once."""
    async with simulated_cluster(tmp_path, simulation={"startSeconds": 10_000}) as cluster:
        session = cluster.session
        await create(session, deployment("web"))
        begun = session.now
        with pytest.raises(VerbError, match="timed out waiting for the condition"):
            async with aclosing(rollout_status(session, WEB, within=30)) as sentences:
                async for _ in sentences:
                    pass
        assert session.now - begun == pytest.approx(30, abs=0.5)
        with pytest.raises(ApiError, match='"nope" not found'):
            async with aclosing(rollout_status(session, key("deployments.apps", "nope"))) as sentences:
                async for _ in sentences:
                    pass


async def test_history_and_undo(tmp_path: Path) -> None:
    """Back to the one before, to any that is kept, and no further."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web"))
        await until_available(session, "web")
        for image, cause in (("app:2", "faster"), ("app:3", "nicer")):
            await set_image(session, image, cause)
            await until_available(session, "web")
        history = await rollout_history_of(session, live(session))
        assert [(each.revision, each.change_cause) for each in history] == [(1, ""), (2, "faster"), (3, "nicer")]
        assert revision_entry(history, 2).template["spec"]["containers"][0]["image"] == "app:2"
        with pytest.raises(VerbError, match="unable to find the specified revision 9"):
            revision_entry(history, 9)

        assert not (await rollout_undo(session, live(session))).skipped
        assert image_of(session) == "app:2"
        assert live(session).body()["metadata"]["annotations"]["kubernetes.io/change-cause"] == "faster"
        await until_available(session, "web")
        await rollout_undo(session, live(session), 1)
        assert image_of(session) == "app:1"
        await until_available(session, "web")
        undone = await rollout_undo(session, live(session), 5)
        assert undone.skipped == "current template already matches revision 5"
        with pytest.raises(VerbError, match="unable to find specified revision 77 in history"):
            await rollout_undo(session, live(session), 77)


async def test_pause_resume_and_restart(tmp_path: Path) -> None:
    """Twice paused is told; a paused rollout is neither undone nor restarted; a restart replaces every pod."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        resource = resource_of(session.registry, "deploy")
        await create(session, deployment("web"))
        await until_available(session, "web")
        before = {each.uid for each in cluster.plane.store.list("pods")}
        await rollout_pause(session, resource, WEB, paused=True)
        with pytest.raises(VerbError, match=r'deployments.apps "web" is already paused'):
            await rollout_pause(session, resource, WEB, paused=True)
        with pytest.raises(VerbError, match="can't restart paused deployment"):
            await rollout_restart(session, resource, WEB)
        with pytest.raises(VerbError, match="you cannot rollback a paused deployment"):
            await rollout_undo(session, live(session))
        await rollout_pause(session, resource, WEB, paused=False)
        with pytest.raises(VerbError, match=r'deployments.apps "web" is not paused'):
            await rollout_pause(session, resource, WEB, paused=False)
        await rollout_restart(session, resource, WEB)
        assert RESTARTED_AT in live(session).body()["spec"]["template"]["metadata"]["annotations"]
        await until_available(session, "web")
        pods = {each.uid for each in cluster.plane.store.list("pods") if each.projection.deleting is None}
        assert not pods & before


def revision(**fields: Any) -> Revision:
    """Something that has a body."""

    body = {"apiVersion": "v1", "kind": "Pod", **fields}
    return Revision(key("pods", "web"), "uid", 1, json.dumps(body), base_projection(body))


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("condition=Ready", True),
        ("condition=ready=TRUE", True),
        ("condition=Ready=false", False),
        ("condition=Failed=false", True),
        ("condition=Nope", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath='{.status.phase}'=Running", True),
        ("jsonpath={.status.phase}=Pending", False),
        ("jsonpath={.status.podIP}", False),
        ("jsonpath={.status.replicas}=3", True),
        ("create", True),
        ("delete", False),
    ],
)
def test_conditions(condition: str, met: bool) -> None:
    """What `--for` can say about an object."""
    status = {
        "phase": "Running",
        "replicas": 3,
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Failed", "status": "False"}],
    }
    found = revision(metadata={"generation": 1}, status=status)
    assert parse_condition(condition).met(found) is met


def test_an_old_condition_does_not_count() -> None:
    """What the status says of an earlier generation of the object says nothing about this one."""
    status = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    assert not parse_condition("condition=Ready").met(revision(metadata={"generation": 2}, status=status))


@pytest.mark.parametrize("text", ["", "ready", "condition=", "jsonpath={.a"])
def test_unknown_conditions(text: str) -> None:
    """Told at once, not waited for."""
    with pytest.raises(UsageError):
        parse_condition(text)


async def test_wait(tmp_path: Path) -> None:
    """Until it is so; until the time is over; not at all for what is not there; and for what comes and goes."""
    async with simulated_cluster(tmp_path, simulation={"startSeconds": 3}) as cluster:
        session = cluster.session

        async def errors(*keys: Any, condition: str, seconds: float | None = 30) -> list[str | None]:
            async with aclosing(wait(session, keys, parse_condition(condition), seconds)) as results:
                return [None if each.error is None else str(each.error) async for each in results]

        assert await errors(WEB, condition="condition=Available") == ['deployments.apps "web" not found']
        assert await errors(WEB, condition="delete") == [None]
        begun = session.now
        assert await errors(WEB, condition="create", seconds=7) == [
            "timed out waiting for the condition on deployments/web"
        ]
        assert session.now - begun == pytest.approx(7, abs=0.5)
        await create(session, deployment("web"))
        assert await errors(WEB, condition="condition=Available", seconds=0) == [
            "timed out waiting for the condition on deployments/web"
        ]
        assert await errors(WEB, condition="condition=Available") == [None]
        both = (WEB, key("deployments.apps", "nope"))
        assert await errors(*both, condition="condition=Available") == [None, 'deployments.apps "nope" not found']
        await session.client.delete(WEB)
        assert await errors(WEB, condition="delete") == [None]


async def test_rolling_out_counts_no_generation(tmp_path: Path) -> None:
    """What the controller writes of a Deployment, its revision among it, is no change of what people want."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web"))
        body = (await until_available(session, "web")).body()
        assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
        assert (body["metadata"]["generation"], body["status"]["observedGeneration"]) == (1, 1)
