"""A stored object and its views."""

from __future__ import annotations

import gc
import weakref

import pytest

from kube_actors.store import Key

from .building import create, new_store, pod


def test_key_knows_its_parts() -> None:
    """Plural and group, as error messages name them."""
    assert (Key("deployments.apps", "a", "b").plural, Key("deployments.apps", "a", "b").group) == (
        "deployments",
        "apps",
    )
    assert (Key("pods", "a", "b").plural, Key("pods", "a", "b").group) == ("pods", "")
    key = Key("endpointslices.discovery.k8s.io", "a", "b")
    assert (key.plural, key.group) == ("endpointslices", "discovery.k8s.io")


def test_view_is_made_once_while_somebody_holds_it() -> None:
    """Two readers share one view; when both have let go, nothing of it stays."""
    revision = create(new_store(), pod("web", node="one"))
    view = revision.view
    assert (view.metadata.name, view.spec.node_name) == ("web", "one")
    assert revision.view is view
    gone = weakref.ref(view)
    del view
    gc.collect()
    assert gone() is None
    assert revision.view.metadata.name == "web"


def test_replaced_revision_is_let_go() -> None:
    """A revision that nobody holds and history has dropped costs nothing."""
    store = new_store(history_bytes=0)
    first = weakref.ref(create(store, pod("web")))
    assert first() is not None
    store.remove(Key("pods", "default", "web"), None, pod("web"))
    create(store, pod("other"))
    gc.collect()
    assert first() is None


def test_revision_describes_itself() -> None:
    """In a log or a failing test one sees which object it is."""
    assert repr(create(new_store(), pod("web"))) == "<Revision 1 of pods/default/web>"


def test_resource_without_a_view_says_so() -> None:
    """KeyError, as from `view_of`."""
    revision = create(new_store(), pod("web"), "widgets.example.com")
    with pytest.raises(KeyError):
        _ = revision.view
