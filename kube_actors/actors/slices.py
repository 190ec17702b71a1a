"""Performing what a plan says about EndpointSlices: for Services, and for the mirrors of Endpoints."""

from __future__ import annotations

from typing import Any, Final, assert_never

from kube_actors.errors import ApiError
from kube_actors.plan.endpoints import CreateSlice, DeleteSlice, EndpointsAction, UpdateSlice
from kube_actors.store import Key
from kube_actors.writes import Client

SLICES: Final = "endpointslices.discovery.k8s.io"


async def perform(client: Client, namespace: str, action: EndpointsAction) -> None:
    """Write one slice of the namespace, or delete it; one that has gone already is fine. Raises ApiError."""
    match action:
        case CreateSlice(body):
            await client.create({name: value for name, value in body.items() if value != []})
        case UpdateSlice(name, uid):
            await client.mutate(Key(SLICES, namespace, name), lambda body: _update(body, action), uid=uid)
        case DeleteSlice(name, uid):
            try:
                await client.delete(Key(SLICES, namespace, name), uid=uid)
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        case _:
            assert_never(action)


def _update(body: dict[str, Any], action: UpdateSlice) -> None:
    body["metadata"]["labels"] = dict(action.labels)
    body["endpoints"] = [dict(endpoint) for endpoint in action.endpoints] or None  # as an empty list is written
