"""Who owns what: adopting, releasing, and leaving alone."""

from __future__ import annotations

import attrs
import pytest

from kube_actors.api.selectors import LabelSelector
from kube_actors.plan.ownership import Claimant, Claims, claim, controller_reference
from kube_actors.records import frozen


@frozen
class Thing:
    """Something that can be claimed."""

    name: str
    labels: dict[str, str]
    controller_uid: str = ""
    deleting: bool = False
    uid: str = "u"


ME = Claimant("me", LabelSelector.parse("app=web"))
WEB = {"app": "web"}


@pytest.mark.parametrize(
    ("case", "claimant", "thing", "expected"),
    [
        ("mine", ME, Thing("a", WEB, "me"), "mine"),
        ("mine, being deleted", ME, Thing("a", WEB, "me", deleting=True), "mine"),
        ("mine no longer", ME, Thing("a", {}, "me"), "release"),
        ("another's", ME, Thing("a", WEB, "other"), ""),
        ("an orphan", ME, Thing("a", WEB), "mine adopt"),
        ("an orphan of other labels", ME, Thing("a", {}), ""),
        ("an orphan on its way out", ME, Thing("a", WEB, deleting=True), ""),
        ("nothing new while I go", attrs.evolve(ME, deleting=True), Thing("a", WEB), ""),
        ("nothing is released while I go", attrs.evolve(ME, deleting=True), Thing("a", {}, "me"), ""),
        ("no selector, no adoption", Claimant("me", LabelSelector()), Thing("a", WEB), ""),
    ],
)
def test_claims(case: str, claimant: Claimant, thing: Thing, expected: str) -> None:
    """What becomes of one object."""
    words = expected.split()

    def listed(word: str) -> tuple[Thing, ...]:
        return (thing,) if word in words else ()

    assert claim(claimant, [thing]) == Claims(listed("mine"), listed("adopt"), listed("release"))


def test_a_controllers_reference() -> None:
    """It manages, and its deletion in the foreground waits."""
    assert controller_reference("apps/v1", "ReplicaSet", "web", "u") == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web",
        "uid": "u",
        "controller": True,
        "blockOwnerDeletion": True,
    }
