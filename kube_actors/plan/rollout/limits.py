"""How many pods a rolling update may add or miss."""

from __future__ import annotations

from kube_actors.api.intstr import resolve_int_or_percent
from kube_actors.api.views.workloads import DeploymentView, RollingUpdate

# kubectl and old clients write the largest 32-bit number where they mean "no limit".
NO_LIMIT = 2**31 - 1


def rolls(deployment: DeploymentView) -> bool:
    """Whether the strategy is RollingUpdate (Recreate is the only other)."""
    return deployment.spec.strategy.type != "Recreate"


def _bounds(deployment: DeploymentView) -> tuple[int, int]:
    """maxSurge rounded up and maxUnavailable rounded down; both zero would never move, so one pod may then be missing.

    10 replicas with 25 % each: up to 13 pods (2.5 rounds to 3), at least 8 of them available (2.5 rounds to 2).
    """
    settings = deployment.spec.strategy.rolling_update or RollingUpdate()
    surge = resolve_int_or_percent(settings.max_surge, deployment.spec.replicas, True)
    unavailable = resolve_int_or_percent(settings.max_unavailable, deployment.spec.replicas, False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: DeploymentView) -> int:
    """Pods there may be above `replicas`; 0 for Recreate."""
    return _bounds(deployment)[0] if rolls(deployment) else 0


def max_unavailable(deployment: DeploymentView) -> int:
    """Pods that may be missing below `replicas`; 0 for Recreate and for a deployment of no pods."""
    if not rolls(deployment) or deployment.spec.replicas == 0:
        return 0
    return min(_bounds(deployment)[1], deployment.spec.replicas)


def most_pods(deployment: DeploymentView) -> int:
    """The most pods (not counting terminating ones) there may be during an update."""
    return deployment.spec.replicas + max_surge(deployment)


def fewest_available(deployment: DeploymentView) -> int:
    """The fewest available pods an update may leave."""
    return deployment.spec.replicas - max_unavailable(deployment)


def progress_deadline(deployment: DeploymentView) -> int | None:
    """Seconds without progress after which the update is reported as failed; None when nobody asked."""
    seconds = deployment.spec.progress_deadline_seconds
    return None if seconds is None or seconds >= NO_LIMIT else seconds


def history_limit(deployment: DeploymentView) -> int | None:
    """Old empty ReplicaSets to keep for `rollout undo`; None keeps all."""
    limit = deployment.spec.revision_history_limit
    return None if limit is None or limit >= NO_LIMIT else limit
