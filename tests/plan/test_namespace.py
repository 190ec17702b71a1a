"""Ending a namespace: the order, and the words of its conditions."""

from __future__ import annotations

from kube_actors.plan.namespace import Content, NamespacePlan, plan_namespace

POD = Content("pods", "p", "u1")
LEAVING = Content("pods", "q", "u2", deleting=True, finalizers=("x/y",))
SET = Content("replicasets.apps", "r", "u3")


def said(plan: NamespacePlan) -> dict[str, tuple[str, str, str]]:
    """Status, reason and message by type."""
    return {one.type: (one.status, one.reason, one.message) for one in plan.conditions}


def test_pods_go_first() -> None:
    """Everything else stays while a pod is left, even one that only waits for its end."""
    assert plan_namespace([SET, POD], (), 1.0).delete == (POD,)
    assert plan_namespace([SET, LEAVING], (), 1.0).delete == ()
    assert plan_namespace([SET], (), 1.0).delete == (SET,)


def test_what_remains_is_said() -> None:
    """Resources and finalizers are counted in Kubernetes' words."""
    plan = plan_namespace([SET, POD, LEAVING], (), 1.0)
    assert not plan.empty
    assert said(plan) == {
        "NamespaceDeletionDiscoveryFailure": ("False", "ResourcesDiscovered", "All resources successfully discovered"),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        "NamespaceContentRemaining": (
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: pods. has 2 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
        ),
    }


def test_everything_is_counted_once_the_pods_are_gone() -> None:
    """By resource and group."""
    plan = plan_namespace([SET, Content("configmaps", "c", "u4")], (), 1.0)
    text = (
        "Some resources are remaining: configmaps. has 1 resource instances, replicasets.apps has 1 resource instances"
    )
    assert said(plan)["NamespaceContentRemaining"] == ("True", "SomeResourcesRemain", text)


def test_what_may_not_be_deleted_is_said() -> None:
    """With the reasons, sorted."""
    plan = plan_namespace([SET], (), 1.0, ["b is forbidden", "a is forbidden"])
    text = "Failed to delete all resource types, 2 remaining: a is forbidden, b is forbidden"
    assert said(plan)["NamespaceDeletionContentFailure"] == ("True", "ContentDeletionFailed", text)


def test_an_empty_namespace_may_go() -> None:
    """And says that all content is gone; times of conditions that stay are kept."""
    before = plan_namespace([POD], (), 1.0)
    plan = plan_namespace([], before.conditions, 2.0)
    assert (plan.empty, plan.delete) == (True, ())
    assert said(plan)["NamespaceContentRemaining"] == ("False", "ContentRemoved", "All content successfully removed")
    times = {one.type: one.last_transition_time for one in plan.conditions}
    assert (times["NamespaceContentRemaining"], times["NamespaceFinalizersRemaining"]) == (2.0, 1.0)
    assert plan_namespace([], plan.conditions, 9.0).conditions == plan.conditions
