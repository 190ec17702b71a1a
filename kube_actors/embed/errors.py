"""What can go wrong with an embedded cluster, beside answers of the API (`ApiError`) and wrong input (`InputError`)."""

from __future__ import annotations

from kube_actors.errors import KubeActorsError
from kube_actors.verbs.errors import VerbError


class ClusterStopped(KubeActorsError):
    """The cluster has ended, or ended meanwhile; `__cause__` is why, when it was not asked to."""


class WaitTimeout(VerbError, TimeoutError):
    """It was not as wanted in time; the message says how it stands instead."""
