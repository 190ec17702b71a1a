"""Random histories against a store so simple that it cannot be wrong."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError
from kube_actors.records import define
from kube_actors.store import Commit, Key, Revision, Watch
from kube_actors.store.journal import SqliteJournal

from .building import candidate, new_store, pod

RESOURCES = ("pods", "services")
NAMESPACES = ("a", "a-b", "b")
SELECTORS = (None, "app=x", "app in (x,y)", "app!=x", "app", "app=x,tier=x")

QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None  # hundreds of restarts, and their syncs are not the point

places = st.tuples(st.sampled_from(RESOURCES), st.sampled_from(NAMESPACES), st.sampled_from(("m", "n", "o")))
labels = st.dictionaries(st.sampled_from(("app", "tier")), st.sampled_from(("x", "y", "z")))
nodes = st.sampled_from(("", "one", "two"))
selectors = st.sampled_from(SELECTORS)


@define
class Follower:
    """A watch, and what its reader believes there is."""

    watch: Watch
    resource: str
    namespace: str | None
    selector: LabelSelector | None
    believed: dict[Key, int]

    def hear(self, event: Any) -> None:
        """Believes one event, if it makes sense."""
        key = event.revision.key
        known = key in self.believed
        assert known == (event.type != "ADDED"), (event, self.believed)
        if event.type == "DELETED":
            del self.believed[key]
        else:
            self.believed[key] = event.resource_version


class StoreMachine(RuleBasedStateMachine):
    """Writes, watches, and restarts; after each step everything is compared with a dict."""

    @initialize()
    def open(self) -> None:
        """An empty state."""
        self.directory = Path(tempfile.mkdtemp(dir=QUICK))
        self.model: dict[Key, tuple[int, dict[str, Any]]] = {}
        self.lists: list[tuple[int, dict[Key, tuple[int, dict[str, Any]]]]] = []
        self.followers: list[Follower] = []
        self.heard: list[Commit] = []
        self._start()

    def _start(self) -> None:
        self.store = new_store(SqliteJournal(self.directory / "state.db", history_count=12), history_bytes=9000)
        self.store.subscribe(self.heard.append)

    def teardown(self) -> None:
        """Leaves nothing behind."""
        if hasattr(self, "directory"):
            self.store.close()
            shutil.rmtree(self.directory)

    def _body(self, key: Key, with_labels: dict[str, str], node: str) -> dict[str, Any]:
        body = pod(key.name, key.namespace, node=node)
        body["metadata"]["labels"] = with_labels
        return body

    @rule(place=places, with_labels=labels, node=nodes)
    def write(self, place: tuple[str, str, str], with_labels: dict[str, str], node: str) -> None:
        """Creates the object, or changes it."""
        key = Key(*place)
        body = self._body(key, with_labels, node)
        expected = self.model[key][0] if key in self.model else None
        revision = self.store.commit(candidate(body, key.resource), expected)
        self.model[key] = (revision.resource_version, body)
        assert revision.resource_version == self.store.head

    @rule(place=places, wrong=st.integers(0, 60))
    def write_blindly(self, place: tuple[str, str, str], wrong: int) -> None:
        """A writer that did not look is refused unless it guessed right, and changes nothing."""
        key = Key(*place)
        head = self.store.head
        live = self.model.get(key, (None, None))[0]
        if wrong == (live or 0):
            return
        with pytest.raises(ApiError) as refused:
            self.store.commit(candidate(pod(key.name, key.namespace), key.resource), wrong or None)
        assert refused.value.code == (404 if live is None else 409)
        assert self.store.head == head

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Deletes an object."""
        key = data.draw(st.sampled_from(sorted(self.model)))
        number, body = self.model.pop(key)
        self.store.remove(key, number, body)

    @rule()
    def look(self) -> None:
        """Somebody lists everything and will want to follow from there."""
        self.lists.append((self.store.head, dict(self.model)))

    @rule(
        resource=st.sampled_from(RESOURCES),
        namespace=st.sampled_from((None, *NAMESPACES)),
        text=selectors,
        data=st.data(),
    )
    def follow(self, resource: str, namespace: str | None, text: str | None, data: st.DataObject) -> None:
        """Somebody watches, from now or from an earlier list."""
        selector = None if text is None else LabelSelector.parse(text)
        chosen = data.draw(st.sampled_from([None, *range(len(self.lists))]))
        since, known = (None, {}) if chosen is None else self.lists[chosen]
        try:
            watch = self.store.watch(resource, namespace, since, durable=False, selector=selector)
        except ApiError:
            assert since
            return
        believed = {
            key: known[key][0] for key in known if since and in_scope(key, known[key][1], resource, namespace, selector)
        }
        self.followers.append(Follower(watch, resource, namespace, selector, believed))

    @rule()
    def read(self) -> None:
        """Every follower reads to the end and then believes what is true; one that was too slow gives up."""
        for follower in list(self.followers):
            try:
                while events := follower.watch.drain_nowait():
                    for event in events:
                        follower.hear(event)
            except ApiError:
                self.followers.remove(follower)
                continue
            assert follower.believed == {
                key: number
                for key, (number, body) in self.model.items()
                if in_scope(key, body, follower.resource, follower.namespace, follower.selector)
            }

    @rule()
    def restart(self) -> None:
        """The process ends in order and comes back."""
        self.store.close()
        self.followers.clear()
        self._start()

    @rule()
    def crash_after_writing(self) -> None:
        """The process is killed after all was kept: its files are taken over as they are."""
        self.store.close()
        self._start()
        copy = self.directory.with_suffix(".copy")
        shutil.copytree(self.directory, copy)
        self.store.close()
        shutil.rmtree(self.directory)
        copy.rename(self.directory)
        self.followers.clear()
        self._start()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """Lists, counts and indexes agree with looking at everything."""
        if not hasattr(self, "store"):
            return
        for resource in RESOURCES:
            keys = sorted(key for key in self.model if key.resource == resource)
            assert [revision.key for revision in self.store.list(resource)] == keys
            assert self.store.count(resource) == len(keys)
            for text in SELECTORS[1:]:
                selector = LabelSelector.parse(text or "")
                for namespace in (None, "a"):
                    found = [revision.key for revision in self.store.list(resource, namespace, selector)]
                    assert found == [k for k in keys if in_scope(k, self.model[k][1], resource, namespace, selector)]
        for node in ("one", "two"):
            on_node = [
                k
                for k in sorted(self.model)
                if k.resource == "pods" and self.model[k][1]["spec"].get("nodeName") == node
            ]
            assert [revision.key for revision in self.store.on_node(node)] == on_node
        for namespace in NAMESPACES:
            inside = [key for key in sorted(self.model) if key.namespace == namespace]
            assert [revision.key for revision in self.store.in_namespace(namespace)] == inside

    @invariant()
    def tells_every_step_once(self) -> None:
        """A subscriber heard of every number in order, with the right predecessor."""
        if not hasattr(self, "store"):
            return
        numbers = [commit.resource_version for commit in self.heard]
        assert numbers == sorted(set(numbers))
        last: dict[Key, Revision] = {}
        for commit in self.heard:
            if commit.key in last:
                assert commit.previous is not None
                assert commit.previous.resource_version == last[commit.key].resource_version
            last[commit.key] = commit.revision
            if commit.kind == "deleted":
                del last[commit.key]


def in_scope(
    key: Key, body: dict[str, Any], resource: str, namespace: str | None, selector: LabelSelector | None
) -> bool:
    """Whether a naive look says that the object is meant."""
    if key.resource != resource or (namespace and key.namespace != namespace):
        return False
    return selector is None or selector.matches(body["metadata"]["labels"])


StoreMachine.TestCase.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStore = StoreMachine.TestCase
