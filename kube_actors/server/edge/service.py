"""What all connections of an edge share."""

from __future__ import annotations

import trio

from kube_actors.records import define
from kube_actors.server.edge.hosts import HostCheck
from kube_actors.server.edge.limits import BodyBudget, EdgeLimits
from kube_actors.server.http import Handler


@define(eq=False)
class Service:
    """`now` is the machine's time in seconds (trio's clock) as of the last look at the deadlines."""

    handler: Handler
    limits: EdgeLimits
    hosts: HostCheck
    bodies: BodyBudget
    compressing: trio.CapacityLimiter
    now: float
