"""Garbage collection: what becomes of dependents and of owners that wait for them."""

from __future__ import annotations

import pytest

from kube_actors.plan.garbage import (
    Delete,
    Dependent,
    DependentAction,
    Keep,
    Owned,
    OwnerPlan,
    OwnerState,
    RemoveOwners,
    plan_dependent,
    plan_owner,
)

FOREGROUND = "foregroundDeletion"
SOLID, DANGLING, WAITING, UNKNOWN = OwnerState.SOLID, OwnerState.DANGLING, OwnerState.WAITING, OwnerState.UNKNOWN


@pytest.mark.parametrize(
    ("case", "dependent", "owners", "expected"),
    [
        ("no owners", Dependent("d", ()), {}, Keep()),
        ("an owner that lives", Dependent("d", ("a",)), {"a": SOLID}, Keep()),
        ("its only owner is gone", Dependent("d", ("a",)), {"a": DANGLING}, Delete("Background")),
        ("an owner nobody knows", Dependent("d", ("a",)), {}, Delete("Background")),
        ("one of two is gone", Dependent("d", ("a", "b")), {"a": DANGLING, "b": SOLID}, RemoveOwners(("a",))),
        ("one of two waits", Dependent("d", ("a", "b")), {"a": SOLID, "b": WAITING}, RemoveOwners(("b",))),
        ("its owner waits for it", Dependent("d", ("a",)), {"a": WAITING}, Delete("Background")),
        (
            "and it has dependents itself",
            Dependent("d", ("a",), has_dependents=True),
            {"a": WAITING},
            Delete("Foreground"),
        ),
        (
            "and in the end it owns its owner",
            Dependent("d", ("a",), has_dependents=True, dependents_wait=True),
            {"a": WAITING},
            Delete("Foreground", unblock=True),
        ),
        ("an owner nobody can look for", Dependent("d", ("a", "b")), {"a": UNKNOWN}, Keep()),
        ("it would orphan", Dependent("d", ("a",), ("orphan",)), {}, Delete("Orphan")),
        ("it would wait", Dependent("d", ("a",), ("foregroundDeletion",)), {}, Delete("Foreground")),
        ("already going", Dependent("d", ("a",), deleting=True), {}, Keep()),
        ("already going and waiting", Dependent("d", ("a",), ("foregroundDeletion",), deleting=True), {}, Keep()),
    ],
)
def test_dependents(case: str, dependent: Dependent, owners: dict[str, OwnerState], expected: DependentAction) -> None:
    """What to do about an object, by the state of its owners."""
    assert plan_dependent(dependent, owners) == expected


@pytest.mark.parametrize(
    ("case", "finalizers", "deleting", "dependents", "expected"),
    [
        ("alive", ("foregroundDeletion",), False, [Owned("d", True, False)], OwnerPlan()),
        ("nothing to wait for", (), True, [Owned("d", True, False)], OwnerPlan()),
        (
            "waits for those that block it",
            ("foregroundDeletion",),
            True,
            [Owned("e", True, False), Owned("d", False, False), Owned("c", True, True)],
            OwnerPlan(visit=("d", "e")),
        ),
        ("none blocks it", (FOREGROUND,), True, [Owned("d", False, False)], OwnerPlan(finalizer=FOREGROUND)),
        ("none is left", (FOREGROUND,), True, [], OwnerPlan(finalizer=FOREGROUND)),
        ("orphans them", ("orphan",), True, [Owned("d", True, False)], OwnerPlan(orphan=("d",), finalizer="orphan")),
    ],
)
def test_owners(
    case: str, finalizers: tuple[str, ...], deleting: bool, dependents: list[Owned], expected: OwnerPlan
) -> None:
    """One step of ending an owner."""
    assert plan_owner("o", finalizers, deleting, dependents) == expected
