# ruff: noqa: E501  (expected messages stand unbroken)
"""What may not be reported in a status, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kinds.judge import causes_of

Body = dict[str, Any]
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"


def _true(*kinds: str) -> list[Body]:
    return [{"type": kind, "status": "True"} for kind in kinds]


def _body(status: Body, **more: Any) -> Body:
    return {"metadata": {"name": "x", "namespace": "default"}, "spec": {}, "status": status, **more}


def _wrong(resource: str, new: Body, old: Body, **more: Any) -> list[str]:
    return causes_of(resource, _body(new, **more), _body(old, **more), "status")


DONE = {"startTime": EARLY, "completionTime": LATE, "conditions": _true("SuccessCriteriaMet", "Complete")}


@pytest.mark.parametrize(
    ("old", "new", "causes"),
    [
        ({}, {"startTime": EARLY, "active": 1, "ready": 1}, []),
        ({"startTime": EARLY}, DONE, []),
        (
            {},
            {"active": -1, "uncountedTerminatedPods": {"succeeded": ["a", "a"], "failed": [""]}},
            [
                "status.active: Invalid value: -1: must be greater than or equal to 0",
                'status.uncountedTerminatedPods.succeeded[1]: Duplicate value: "a"',
                'status.uncountedTerminatedPods.failed[0]: Invalid value: "": must not be empty',
            ],
        ),
        (
            {},
            {"conditions": _true("Complete", "Failed", "FailureTarget"), "active": 1, "terminating": 1},
            [
                "status.conditions: Invalid value: cannot set Complete=True and Failed=True conditions",
                "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=True conditions",
                "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
                "status.active: Invalid value: 1: active>0 is invalid for finished job",
                "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
                "status.startTime: Required value: startTime is required for finished job",
                "status.completionTime: Required value: completionTime is required for Complete jobs",
            ],
        ),
        (
            {"startTime": LATE},
            {"startTime": LATE, "completionTime": EARLY, "ready": 2, "active": 1, "completedIndexes": "1", "failedIndexes": "0-1"},
            [
                "status.ready: Invalid value: 2: cannot set more ready pods than active",
                f'status.completionTime: Invalid value: "{EARLY}": cannot set completionTime when there is no Complete=True condition',
                f'status.completionTime: Invalid value: "{EARLY}": completionTime cannot be set before startTime',
                'status.completedIndexes: Invalid value: "1": cannot set non-empty completedIndexes when non-indexed completion mode',
                'status.failedIndexes: Invalid value: "0-1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
                'status.failedIndexes: Invalid value: "0-1": failedIndexes and completedIndexes overlap on index: 1',
            ],
        ),
        (
            {**DONE, "succeeded": 2, "failed": 1},
            {"startTime": LATE, "completionTime": EARLY, "conditions": []},
            [
                f'status.completionTime: Invalid value: "{EARLY}": cannot set completionTime when there is no Complete=True condition',
                f'status.completionTime: Invalid value: "{EARLY}": completionTime cannot be set before startTime',
                "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
                "status.failed: Invalid value: 0: cannot decrease the failed counter",
                "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
                f'status.completionTime: Invalid value: "{EARLY}": field is immutable',
                f'status.startTime: Invalid value: "{LATE}": field is immutable',
            ],
        ),
    ],
)  # fmt: skip
def test_jobs(old: Body, new: Body, causes: list[str]) -> None:
    """A Job begins, counts and ends in an order of which nothing is taken back."""
    assert _wrong("jobs.batch", new, old) == causes


def test_jobs_that_are_as_they_were() -> None:
    """What an earlier write let in does not stand in the way of the next."""
    old = {"conditions": _true("Complete"), "active": 1, "ready": 2}
    assert _wrong("jobs.batch", {**old, "failed": 1}, old) == []


def test_namespaces() -> None:
    """The phase is that of the deletion."""
    assert _wrong("namespaces", {"phase": "Active"}, {}) == []
    assert _wrong("namespaces", {"phase": "Terminating"}, {}) == [
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
    ]
    deleted = {"name": "x", "deletionTimestamp": EARLY}
    assert _wrong("namespaces", {"phase": "Active"}, {}, metadata=deleted) == [
        "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"
    ]


def test_nodes() -> None:
    """Addresses that are told twice, amounts below nothing."""
    address = {"type": "InternalIP", "address": "10.0.0.1"}
    assert _wrong("nodes", {"addresses": [address, address], "capacity": {"cpu": "-1"}}, {}) == [
        'status.addresses[1]: Duplicate value: {"address":"10.0.0.1","type":"InternalIP"}',
        'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ]


def test_quotas() -> None:
    """Only what a quota can count is counted."""
    assert _wrong("resourcequotas", {"hard": {"odd": "1"}, "used": {"cpu": "-1"}}, {}) == [
        'status.hard[odd]: Invalid value: "odd": must be a standard resource for quota',
        'status.used[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ]


@pytest.mark.parametrize("resource", ["flowschemas", "prioritylevelconfigurations"])
def test_flow_control(resource: str) -> None:
    """Conditions by their types."""
    conditions = [{"type": "a"}, {"type": "a"}, {}]
    assert _wrong(f"{resource}.flowcontrol.apiserver.k8s.io", {"conditions": conditions}, {}) == [
        'status.conditions[1].type: Duplicate value: "a"',
        "status.conditions[2].type: Required value: must not be empty",
    ]


def test_disruption_budgets() -> None:
    """Conditions with all that belongs to them; counts that are not negative."""
    condition = {"type": "a b", "status": "True", "reason": "9", "lastTransitionTime": EARLY, "observedGeneration": -1}
    found = _wrong("poddisruptionbudgets.policy", {"conditions": [condition], "currentHealthy": -1}, {})
    assert [cause.split(": ")[0] for cause in found] == [
        "status.conditions[0].type",
        "status.conditions[0].observedGeneration",
        "status.conditions[0].reason",
        "status.currentHealthy",
    ]


def test_attachments() -> None:
    """What a driver complains about is cut short by the driver."""
    found = _wrong("volumeattachments.storage.k8s.io", {"attachError": {"message": "x" * 1025}}, {})
    assert found == ["status.attachError.message: Too long: may not be more than 1024 bytes"]
