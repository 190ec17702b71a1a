"""What path and selectors of a collection say together."""

from __future__ import annotations

import pytest

from kube_actors.server.reading.list_options import list_options
from kube_actors.server.reading.selection import Selection, selection_of
from tests.server import kit


async def selection(target: str) -> Selection:
    """The selection of a request."""
    call = kit.make_call(await kit.new_session(), "GET", target)
    return selection_of(call, list_options(call.request, watch=False))


@pytest.mark.parametrize(
    ("target", "namespace", "name"),
    [
        ("/api/v1/pods", None, None),
        ("/api/v1/namespaces/blue/pods", "blue", None),
        ("/api/v1/namespaces/blue/pods?fieldSelector=metadata.name%3Dweb", "blue", "web"),
        ("/api/v1/pods?fieldSelector=metadata.name%3D%3Dweb", None, "web"),
        ("/api/v1/nodes?fieldSelector=metadata.name%3Dn1", None, "n1"),
    ],
)
async def test_a_place_is_no_condition(target: str, namespace: str | None, name: str | None) -> None:
    """Namespace and name say where to look; nothing is left to be asked of each object."""
    found = await selection(target)
    assert (found.namespace, found.name, found.labels, found.where) == (namespace, name, None, None)


async def test_what_is_more_than_a_place_is_a_condition() -> None:
    """The rest of a field selector, and names that are excluded."""
    target = "/api/v1/pods?fieldSelector=metadata.name%3Dweb,status.phase%3DRunning,metadata.name!%3Dx"
    found = await selection(target)
    assert found.name == "web"
    assert found.where is not None
