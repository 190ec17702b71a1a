"""Is a container that ended started again?"""

from __future__ import annotations

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodSpec
from kube_actors.plan.observed import Observed, PodState, Stage

RESTART_ALL = "RestartAllContainers"


def restart_policy(spec: PodSpec, container: Container) -> str:
    """The policy that holds for a container: its own where it has one (sidecars always do), else the pod's."""
    return container.restart_policy or spec.restart_policy


def rule_action(container: Container, exit_code: int) -> str:
    """What the first of the container's own rules that speaks of this exit code wants; empty when none does."""
    for rule in container.restart_policy_rules:
        if rule.exit_codes is not None and rule.exit_codes.matches(exit_code):
            return rule.action
    return ""


def restarts_all(spec: PodSpec, state: PodState) -> bool:
    """Whether a container has ended in a way that makes all containers of the pod begin anew."""
    return any(_ended_for_all(one, state.observed.get(one.name)) for one in (*spec.init_containers, *spec.containers))


def _ended_for_all(container: Container, one: Observed | None) -> bool:
    if one is None or one.exit is None or one.stage is not Stage.EXITED or not one.current:
        return False
    return rule_action(container, one.exit.exit_code) == RESTART_ALL


def will_restart(spec: PodSpec, container: Container, observed: Observed) -> bool:
    """Whether an attempt that ended is followed by another one.

    One that was stopped in order to be restarted (a failed probe, another image) comes back whatever its exit code;
    else a container's own rules on exit codes come first. An init container's policy Always means Always
    only for sidecars; for plain ones it is to try until it succeeds.
    """
    if observed.stop is not None and observed.stop.restart:
        return True
    code = observed.exit.exit_code if observed.exit else 1
    if rule_action(container, code):
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
