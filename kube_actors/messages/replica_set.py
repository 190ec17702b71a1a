"""What a ReplicaSet actor is told."""

from __future__ import annotations

from kube_actors.kernel import Ask
from kube_actors.messages.common import Describe
from kube_actors.records import frozen


@frozen
class Scaled:
    """The new size is committed at `resource_version`, so the next step of a rollout counts what is there."""

    replicas: int
    resource_version: int


@frozen(eq=False)
class Scale(Ask[Scaled]):
    """Deployment → ReplicaSet: have this many replicas, and remember the rollout's bounds beside it."""

    replicas: int
    annotations: tuple[tuple[str, str], ...] = ()


ReplicaSetMessage = Scale | Describe
