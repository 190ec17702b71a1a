"""Apply, prune, delete and scale on a running (simulated) cluster."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest
import trio

from kube_actors.config.files import Manifest, read_files
from kube_actors.errors import InputError
from kube_actors.verbs.apply import (
    ApplyOptions,
    applied_by,
    apply,
    gone_from_input,
    prune,
    read_manifests,
)
from kube_actors.verbs.delete import DeleteRequest, delete, gone
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.scale import scale
from kube_actors.verbs.session import Session

from .stage import create, deployment, key, pod, simulated_cluster, until_available, until_ready

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  level: info
"""
SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: stock, namespace: shop}
data: {apples: "3"}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""


def manifests(tmp_path: Path, text: str) -> tuple[Manifest, ...]:
    """The objects of a file with this text."""
    file = tmp_path / "objects.yaml"
    file.write_text(text)
    return read_files([str(file)]).manifests


async def test_outcomes(tmp_path: Path) -> None:
    """Created, unchanged, configured; and durable when apply returns."""
    async with simulated_cluster(tmp_path, ephemeral=False) as cluster:
        session, store = cluster.session, cluster.plane.store
        for text, outcome in (
            (SETTINGS, "created"),
            (SETTINGS, "unchanged"),
            (SETTINGS.replace("info", "debug"), "configured"),
        ):
            [applied] = await apply(session, manifests(tmp_path, text))
            assert (applied.name, applied.outcome) == ("configmap/settings", outcome)
            assert applied.revision is not None
            assert store.durable_revision >= applied.revision.resource_version


async def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """It says what would be done."""
    async with simulated_cluster(tmp_path) as cluster:
        [applied] = await apply(cluster.session, manifests(tmp_path, SETTINGS), ApplyOptions(dry_run=True))
        assert applied.outcome == "created"
        assert cluster.plane.store.get(applied.key) is None


async def test_namespaces_come_first(tmp_path: Path) -> None:
    """A file may name a namespace above the object that makes it."""
    async with simulated_cluster(tmp_path) as cluster:
        applied = await apply(cluster.session, manifests(tmp_path, SHOP))
        assert [each.name for each in applied] == ["namespace/shop", "configmap/stock"]
        assert cluster.plane.store.get(key("configmaps", "stock", "shop")) is not None


async def test_every_problem_at_once_and_nothing_done(tmp_path: Path) -> None:
    """One bad object keeps the good one out as well; each problem says where it is."""
    text = f"""{SETTINGS}---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: -1
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: other}}}}
    spec: {{containers: [{{name: main, image: x}}]}}
"""
    async with simulated_cluster(tmp_path) as cluster:
        with pytest.raises(InputError) as raised:
            await apply(cluster.session, manifests(tmp_path, text))
        places = {(problem.line, problem.path) for problem in raised.value.problems}
        assert (12, "$.spec.replicas") in places
        assert any(path == "$.spec.template.metadata.labels" for _, path in places)
        assert all(problem.file and problem.file.endswith("objects.yaml") for problem in raised.value.problems)
        assert cluster.plane.store.get(key("configmaps", "settings")) is None


async def test_fields_of_others(tmp_path: Path) -> None:
    """Taken over with a warning that names the owner, refused, or taken over silently."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await apply(session.written_by("somebody"), manifests(tmp_path, SETTINGS))
        mine = manifests(tmp_path, SETTINGS.replace("info", "debug"))
        [refused] = await apply(session, mine, ApplyOptions(conflicts="refuse"))
        assert refused.outcome == "failed"
        assert "conflict" in str(refused.error)
        [taken] = await apply(session, mine)
        assert taken.outcome == "configured"
        assert [warning for warning in taken.warnings if ".data.level" in warning and '"somebody"' in warning]
        back = manifests(tmp_path, SETTINGS)
        [forced] = await apply(session.written_by("somebody"), back, ApplyOptions(conflicts="force"))
        assert (forced.outcome, forced.warnings) == ("configured", ())


async def test_prune_takes_only_what_the_manager_applied(tmp_path: Path) -> None:
    """Objects of others, and those still in the file, stay."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session.written_by("deck")
        two = f"{SETTINGS}---\n{SETTINGS.replace('settings', 'more')}"
        await apply(session, manifests(tmp_path, two))
        await create(cluster.session, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
        kept = [key("configmaps", "settings")]
        assert [each.key.name for each in await applied_by(session, "deck")] == ["more", "settings"]
        assert [each.key.name for each in await gone_from_input(session, "deck", kept)] == ["more"]
        async with aclosing(prune(session, "deck", kept)) as pruned:
            assert [each.key.name async for each in pruned] == ["more"]
        names = {each.key.name for each in cluster.plane.store.list("configmaps", "default")}
        assert {"settings", "other"} <= names
        assert "more" not in names


async def test_reading_files(tmp_path: Path) -> None:
    """Relative paths start where the asker stands; without a place to stand they are refused."""
    (tmp_path / "objects.yaml").write_text(SETTINGS)
    file = await read_manifests(["objects.yaml"], None, str(tmp_path))
    assert [each.body["metadata"]["name"] for each in file.manifests] == ["settings"]
    assert (await read_manifests(["-"], SETTINGS.encode(), None)).manifests
    with pytest.raises(UsageError, match="say where it is"):
        await read_manifests(["objects.yaml"], None, None)
    with pytest.raises(UsageError, match="must specify"):
        await read_manifests([], None, None)


async def test_delete_and_wait(tmp_path: Path) -> None:
    """A deleted pod has its grace; waiting ends when it has gone, or after the time that was given."""
    async with simulated_cluster(tmp_path, simulation={"ignoreSigterm": True}) as cluster:
        session = cluster.session
        await create(session, pod("slow"))
        slow = await until_ready(session, "slow")
        begun = session.now
        async with aclosing(delete(session, [slow], DeleteRequest(grace_seconds=20))) as deletions:
            assert [each.error async for each in deletions] == [None]
        with pytest.raises(VerbError, match="timed out waiting for the condition"):
            await gone(session, [slow], 5)
        assert session.now - begun == pytest.approx(5, abs=0.5)
        await gone(session, [slow])
        assert session.now - begun == pytest.approx(20, abs=2)


async def test_delete_spares_a_newer_object(tmp_path: Path) -> None:
    """Only the object that was looked at goes, not another of its name."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        [first] = await apply(session, manifests(tmp_path, SETTINGS))
        assert first.revision is not None
        await session.client.delete(first.key)
        await apply(session, manifests(tmp_path, SETTINGS))
        async with aclosing(delete(session, [first.revision])) as deletions:
            [deletion] = [each async for each in deletions]
        assert deletion.error is not None
        assert deletion.error.reason == "Conflict"
        assert cluster.plane.store.get(first.key) is not None


async def test_scale(tmp_path: Path) -> None:
    """To so many, and only from so many when that is asked for."""
    async with simulated_cluster(tmp_path) as cluster:
        session, web = cluster.session, key("deployments.apps", "web")
        await create(session, deployment("web", 2))
        await scale(session, web, 4, current=2)
        with trio.fail_after(60):
            await until_available(session, "web")
        assert cluster.plane.store.count("pods") == 4
        with pytest.raises(VerbError, match="expected replicas to be 2, was 4"):
            await scale(session, web, 1, current=2)
        with pytest.raises(UsageError):
            await scale(session, web, -1)


async def test_writes_carry_the_manager(tmp_path: Path) -> None:
    """What a person changes is theirs."""
    async with simulated_cluster(tmp_path) as cluster:
        session: Session = cluster.session.written_by("me")
        [applied] = await apply(session, manifests(tmp_path, SETTINGS))
        assert applied.revision is not None
        [entry] = applied.revision.body()["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("me", "Apply")
