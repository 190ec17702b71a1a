"""How a verb fails, beside `ApiError`: by what the person typed, or by how it turned out."""

from __future__ import annotations

from kube_actors.errors import KubeActorsError


class UsageError(KubeActorsError):
    """What was typed is wrong: nothing was done. Exit code 2."""


class VerbError(KubeActorsError):
    """It could not be done, or not in time. Exit code 1."""
