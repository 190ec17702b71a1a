"""Defaults of kinds that have few rules, and when their generation counts."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.kinds import hooks_for
from tests.kinds.test_stored_kinds import made, wrong

POLICIES = "admissionregistration.k8s.io"
RULE: dict[str, Any] = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def test_a_pod_template_has_the_defaults_of_a_pod() -> None:
    """As everywhere else where pods are described; and it has to describe one."""
    template = {"spec": {"containers": [{"name": "c", "image": "img"}]}}
    spec = made("podtemplates", None, template=template)["template"]["spec"]
    assert (spec["restartPolicy"], spec["containers"][0]["imagePullPolicy"]) == ("Always", "Always")
    assert wrong("podtemplates", None) == ["template.spec.containers: Required value"]


@pytest.mark.parametrize(("kind", "more"), [("mutating", {"reinvocationPolicy": "Never"}), ("validating", {})])
def test_webhooks(kind: str, more: dict[str, Any]) -> None:
    """They fail closed after ten seconds, over HTTPS, for every object of every scope."""
    client = {"service": {"name": "hook", "namespace": "default"}}
    webhook = {"name": "a.example.com", "clientConfig": client, "rules": [RULE]}
    body = made(f"{kind}webhookconfigurations.{POLICIES}", None, webhooks=[webhook])
    assert body["webhooks"] == [
        {
            "name": "a.example.com",
            "clientConfig": {"service": {"name": "hook", "namespace": "default", "port": 443}},
            "rules": [{**RULE, "scope": "*"}],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "timeoutSeconds": 10,
            **more,
        }
    ]


@pytest.mark.parametrize("kind", ["mutating", "validating"])
def test_admission_policies(kind: str) -> None:
    """They fail closed, and match every scope; so does what a binding narrows down."""
    matching = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
    policy = made(f"{kind}admissionpolicies.{POLICIES}", {"matchConstraints": {"resourceRules": [RULE]}})["spec"]
    rules = [{**RULE, "scope": "*"}]
    assert policy == {"failurePolicy": "Fail", "matchConstraints": {**matching, "resourceRules": rules}}
    binding = made(f"{kind}admissionpolicybindings.{POLICIES}", {"policyName": "p", "matchResources": {}})["spec"]
    assert binding == {"policyName": "p", "matchResources": matching}


def test_a_csi_driver() -> None:
    """It attaches, and does nothing special."""
    assert made("csidrivers.storage.k8s.io", {"podInfoOnMount": True})["spec"] == {
        "attachRequired": True,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "podInfoOnMount": True,
        "requiresRepublish": False,
        "seLinuxMount": False,
        "storageCapacity": False,
        "volumeLifecycleModes": ["Persistent"],
    }


def test_devices_are_asked_for_one_by_one() -> None:
    """By claims and by templates of claims; all devices have no number."""
    requests = [
        {"name": "a", "exactly": {"deviceClassName": "gpu"}},
        {"name": "b", "exactly": {"deviceClassName": "gpu", "allocationMode": "All"}},
        {"name": "c", "firstAvailable": [{"name": "d", "deviceClassName": "gpu"}]},
    ]
    one = {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}
    wanted = [
        {"name": "a", "exactly": one},
        {"name": "b", "exactly": {"deviceClassName": "gpu", "allocationMode": "All"}},
        {"name": "c", "firstAvailable": [{"name": "d", **one}]},
    ]
    claim = {"devices": {"requests": requests}}
    assert made("resourceclaims.resource.k8s.io", claim)["spec"]["devices"]["requests"] == wanted
    template = made("resourceclaimtemplates.resource.k8s.io", {"spec": claim})["spec"]["spec"]
    assert template["devices"]["requests"] == wanted


def test_an_api_service() -> None:
    """Its port is that of HTTPS, and its name is made of version and group."""
    spec: dict[str, Any] = {"group": "m.example", "version": "v1", "groupPriorityMinimum": 9, "versionPriority": 9}
    spec["service"] = {"name": "s", "namespace": "default"}
    assert made("apiservices.apiregistration.k8s.io", spec)["spec"]["service"]["port"] == 443
    assert wrong("apiservices.apiregistration.k8s.io", spec) == [
        'metadata.name: Invalid value: "it": must be `spec.version+"."+spec.group`: "v1.m.example"'
    ]


def test_an_ingress_class() -> None:
    """Its controller stays; parameters are the cluster's."""
    spec = {"controller": "example.com/a", "parameters": {"kind": "P", "name": "p"}}
    assert made("ingressclasses.networking.k8s.io", spec)["spec"]["parameters"]["scope"] == "Cluster"
    changed = wrong("ingressclasses.networking.k8s.io", {"controller": "example.com/b"}, spec)
    assert changed == ['spec.controller: Invalid value: "example.com/b": field is immutable']


@pytest.mark.parametrize(
    ("resource", "part"),
    [("podtemplates", "template"), (f"validatingwebhookconfigurations.{POLICIES}", "webhooks")],
)
def test_what_counts_as_a_generation(resource: str, part: str) -> None:
    """A change of what the object is about, and not of its labels."""
    counts = hooks_for(resource).generation
    assert counts is not None
    before = {"metadata": {"labels": {}}, part: {"a": 1}}
    assert not counts({"metadata": {"labels": {"a": "b"}}, part: {"a": 1}}, before)
    assert counts({"metadata": {"labels": {}}, part: {"a": 2}}, before)


@pytest.mark.parametrize(
    ("scope", "fitting", "strange"),
    [
        ("BestEffort", ["pods"], ["cpu", "configmaps"]),
        ("NotTerminating", ["pods", "cpu", "limits.memory"], ["requests.storage", "services"]),
        ("VolumeAttributesClass", ["persistentvolumeclaims", "requests.storage"], ["pods"]),
    ],
)
def test_scopes_of_quotas_fit_their_resources(scope: str, fitting: list[str], strange: list[str]) -> None:
    """What has no such scope is named; what Kubernetes does not know is nobody's business."""
    hard = dict.fromkeys([*fitting, *strange, "example.com/gpu", "count/deployments.apps"], "1")
    told = wrong("resourcequotas", {"hard": hard, "scopes": [scope]})
    assert told == [f'spec.scopes: Invalid value: ["{scope}"]: unsupported scope applied to resource'] * len(strange)
