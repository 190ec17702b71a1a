"""Flow control's own objects: the mandatory ones are put right, the suggested ones until somebody wants otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.assembly.default_flow_control import AUTOUPDATE, default_objects, plan_upkeep
from kube_actors.assembly.defaults import restore_defaults
from kube_actors.errors import ApiError
from kube_actors.store import Key
from tests.server import kit

LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
OURS = {"matchingPrecedence": 77}


def default(kind: str, name: str) -> dict[str, Any]:
    """A default object."""
    return next(each for each in default_objects() if (each["kind"], each["metadata"]["name"]) == (kind, name))


@pytest.mark.parametrize(
    ("name", "annotations", "generation", "is_restored", "annotated"),
    [
        ("catch-all", {AUTOUPDATE: "false"}, 9, True, "true"),
        ("probes", {AUTOUPDATE: "true"}, 9, True, "true"),
        ("probes", {AUTOUPDATE: "false"}, 1, False, "false"),
        ("probes", {}, 1, True, "true"),
        ("probes", {}, 2, False, "false"),
        ("probes", {AUTOUPDATE: "nonsense"}, 2, False, "false"),
    ],
)
def test_who_follows_its_default(
    name: str, annotations: dict[str, str], generation: int, is_restored: bool, annotated: str
) -> None:
    """Mandatory ones always; suggested ones by their annotation, and without it until somebody has changed them."""
    wanted = default("FlowSchema", name)
    metadata = {"name": name, "annotations": {**annotations, "mine": "1"}, "generation": generation}
    plan = plan_upkeep(wanted, {"metadata": metadata, "spec": OURS})
    if not is_restored and annotations.get(AUTOUPDATE) == "false":
        assert plan is None
    else:
        spec = wanted["spec"] if is_restored else OURS
        assert plan == {"annotations": {"mine": "1", AUTOUPDATE: annotated}, "spec": spec}


def test_seats_of_the_exempt_level() -> None:
    """What people reserve for it, and let it lend, stays."""
    wanted, live = (default("PriorityLevelConfiguration", "exempt") for _ in range(2))
    live["spec"]["exempt"]["nominalConcurrencyShares"] = 50
    assert plan_upkeep(wanted, live) is None


async def test_objects_that_are_right_are_not_written() -> None:
    """Nothing is written twice; what was changed or deleted is as it was."""
    session = await kit.new_session()
    client, store = session.client, session.plane.store
    await restore_defaults(client)
    head = store.head
    await restore_defaults(client)
    assert store.head == head
    system, probes = Key(LEVELS, "", "system"), Key(SCHEMAS, "", "probes")
    right = client.get(system)
    assert right is not None
    await client.mutate(system, lambda body: body["spec"]["limited"].update(nominalConcurrencyShares=99))
    await client.delete(probes)
    await restore_defaults(client)
    again = client.get(system)
    assert again is not None
    assert again.body()["spec"] == right.body()["spec"]
    assert client.get(probes) is not None


async def test_mandatory_objects_cannot_be_changed() -> None:
    """Their spec is fixed, but for what the exempt level reserves and lends."""
    session = await kit.new_session()
    client = session.client
    await restore_defaults(client)
    with pytest.raises(ApiError, match="spec of 'catch-all' must equal the fixed value"):
        await client.mutate(Key(SCHEMAS, "", "catch-all"), lambda body: body["spec"].update(matchingPrecedence=9999))
    with pytest.raises(ApiError, match="spec of 'catch-all' must equal the fixed value"):
        await client.mutate(
            Key(LEVELS, "", "catch-all"), lambda body: body["spec"]["limited"].update(lendablePercent=9)
        )
    exempt = Key(LEVELS, "", "exempt")
    with pytest.raises(ApiError, match=r"spec of 'exempt' except the 'spec\.exempt' field must equal the fixed value"):
        await client.mutate(exempt, lambda body: body["spec"].update(type="Limited"))
    await client.mutate(exempt, lambda body: body["spec"]["exempt"].update(nominalConcurrencyShares=5))
    await client.mutate(exempt, lambda body: body["metadata"].setdefault("labels", {}).update(a="b"))
