"""Is a container that ended started again?"""

from __future__ import annotations

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodSpec
from kube_actors.plan.observed import Observed, Stage


def restart_policy(spec: PodSpec, container: Container) -> str:
    """The policy that holds for a container: its own where it has one (sidecars always do), else the pod's."""
    return container.restart_policy or spec.restart_policy


def will_restart(spec: PodSpec, container: Container, observed: Observed) -> bool:
    """Whether an attempt that ended is followed by another one.

    One that was stopped in order to be restarted (a failed probe, another image) comes back whatever its exit code;
    else a container's own rules on exit codes come first. An init container's policy Always means Always
    only for sidecars; for plain ones it is to try until it succeeds.
    """
    if observed.stop is not None and observed.stop.restart:
        return True
    code = observed.exit.exit_code if observed.exit else 1
    for rule in container.restart_policy_rules:
        if rule.action == "Restart" and rule.exit_codes is not None and rule.exit_codes.matches(code):
            return True
    policy = restart_policy(spec, container)
    if policy == "Never":
        return False
    if policy == "Always" and (container.sidecar or container in spec.containers):
        return True
    return code != 0


def finished(spec: PodSpec, container: Container, observed: Observed | None) -> bool:
    """Whether the container ended and stays ended."""
    return observed is not None and observed.stage is Stage.EXITED and not will_restart(spec, container, observed)
