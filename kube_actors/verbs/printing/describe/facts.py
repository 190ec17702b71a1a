"""What is known for a description beside the object itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from kube_actors.records import frozen

Body = Mapping[str, Any]


@frozen
class Facts:
    """An object and what belongs to it. All are bodies.

    `events` are about it. `pids` are process ids on the machine by container (a Pod). `pods` run on it or belong to it
    (a Node, a ReplicaSet). `replica_sets` are a Deployment's own, `slices` a Service's EndpointSlices, `lease` a
    Node's. `now` is cluster time in epoch seconds.
    """

    body: Body
    now: float
    events: Sequence[Body] = ()
    pids: Mapping[str, int] = attrs.field(factory=dict)
    pods: Sequence[Body] = ()
    replica_sets: Sequence[Body] = ()
    slices: Sequence[Body] = ()
    lease: Body | None = None
