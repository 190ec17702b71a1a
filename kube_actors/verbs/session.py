"""What every verb is given: the cluster as one person sees it."""

from __future__ import annotations

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.registry import Registry
from kube_actors.kernel import ActorSystem
from kube_actors.writes import Client


@attrs.frozen
class Session:
    """A person at work on a cluster. `namespace` is where names are looked for that say none."""

    plane: ControlPlane
    system: ActorSystem
    client: Client
    registry: Registry
    namespace: str = "default"
