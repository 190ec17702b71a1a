"""What becomes of ServiceCIDRs and of the IPAddresses of Services."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.service_ranges import FINALIZER, RangePlan, ip_address, is_wrong, plan_range

READY = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}
MESSAGE = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
ENDING = {"type": "Ready", "status": "False", "reason": "Terminating", "message": MESSAGE}


def _range(name: str, *cidrs: str, deleting: bool = False, held: bool = True, condition: Any = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "finalizers": [FINALIZER] if held else []}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {"cidrs": list(cidrs)},
        "status": {"conditions": [condition] if condition else []},
    }


@pytest.mark.parametrize(
    ("body", "others", "taken", "plan"),
    [
        (_range("new", "10.1.0.0/24", held=False), [], [], RangePlan(True, READY)),
        (_range("known", "10.1.0.0/24", condition=READY), [], ["10.1.0.1"], RangePlan()),
        (_range("free", "10.1.0.0/24", deleting=True), [], ["10.2.0.1"], RangePlan(False)),
        (_range("used", "10.1.0.0/24", deleting=True), [], ["10.1.0.1"], RangePlan(None, ENDING)),
        (_range("told", "10.1.0.0/24", deleting=True, condition=ENDING), [], ["10.1.0.1"], RangePlan()),
        (
            _range("covered", "10.1.0.0/24", deleting=True),
            [_range("wide", "10.0.0.0/8")],
            ["10.1.0.1"],
            RangePlan(False),
        ),
        (
            _range("both go", "10.1.0.0/24", deleting=True),
            [_range("wide", "10.0.0.0/8", deleting=True)],
            ["10.1.0.1"],
            RangePlan(None, ENDING),
        ),
    ],
)
def test_ranges(body: dict[str, Any], others: list[dict[str, Any]], taken: list[str], plan: RangePlan) -> None:
    """Held by a finalizer while an address of a Service lies in it and in no other range."""
    assert plan_range(body, others, taken) == plan


def test_addresses() -> None:
    """One of the allocator's without a Service goes, a person's own stays until a Service has the address."""
    wanted = ip_address("10.96.0.7", "default", "web")
    assert wanted["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert wanted["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "web"}
    own = {"metadata": {}, "spec": {"parentRef": {"resource": "gateways", "name": "g"}}}
    assert (is_wrong(wanted, None), is_wrong(own, None)) == (True, False)
    assert (is_wrong(wanted, wanted), is_wrong(own, wanted)) == (False, True)
