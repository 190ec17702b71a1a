"""What a namespace that becomes stricter is told of the pods it has already. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from kube_actors.kinds.pod_security.policy import Policy
from kube_actors.kinds.pod_security.words import Body


def told_of(pods: Sequence[Body], namespace: str, policy: Policy, most: int) -> Iterator[str]:
    """The warnings about pods that the policy would not take; at most so many of them are looked at."""
    bad: dict[str, list[str]] = defaultdict(list)
    for pod in _one_of_each_first(pods)[:most]:
        violations = policy.violations(pod["metadata"], pod["spec"])
        if violations:
            bad[", ".join(each.reason for each in violations)].append(pod["metadata"]["name"])
    if len(pods) > most:
        yield f"new PodSecurity enforce level only checked against the first {most} of {len(pods)} existing pods"
    if bad:
        yield f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{policy}"'
    yield from sorted(f"{_and_others(sorted(names))}: {reasons}" for reasons, names in bad.items())


def _one_of_each_first(pods: Sequence[Body]) -> list[Body]:
    """The pods with further ones of a controller behind all others, as those are alike."""
    seen = set[str]()
    first: list[Body] = []
    further: list[Body] = []
    for pod in pods:
        controllers = {each["uid"] for each in pod["metadata"].get("ownerReferences") or () if each.get("controller")}
        (further if controllers & seen else first).append(pod)
        seen |= controllers
    return first + further


def _and_others(names: list[str]) -> str:
    others = len(names) - 1
    return f"{names[0]} (and {others} other pod{'s' if others > 1 else ''})" if others else names[0]
