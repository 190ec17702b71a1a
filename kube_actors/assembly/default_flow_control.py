"""The FlowSchemas and PriorityLevelConfigurations of a cluster as Kubernetes v1.36 makes and maintains them.

`exempt` and `catch-all` are mandatory: whoever changes them finds them put right. The others are suggested: they follow
their defaults as long as their annotation says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds.hooks import Body
from kube_actors.kinds.mandatory_flow_control import ANYTHING, ANYWHERE, LEVELS, SCHEMAS

API_VERSION: Final = "flowcontrol.apiserver.k8s.io/v1"
AUTOUPDATE: Final = "apf.kubernetes.io/autoupdate-spec"
EVERYBODY: Final = ("Group system:unauthenticated", "Group system:authenticated")
MANAGER: Final = "User system:kube-controller-manager"
SCHEDULER: Final = "User system:kube-scheduler"
SYSTEM_ACCOUNTS: Final = "ServiceAccount *"
LEASES: Final[Body] = {
    "verbs": ["get", "create", "update"],
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "namespaces": ["*"],
}
ENDPOINTS: Final[Body] = {
    "verbs": ["get", "create", "update"],
    "apiGroups": [""],
    "resources": ["endpoints"],
    "namespaces": ["*"],
}
NODES: Final[Body] = {
    "verbs": ["*"],
    "apiGroups": [""],
    "resources": ["nodes", "nodes/status"],
    "namespaces": ["*"],
    "clusterScope": True,
}
NODE_LEASES: Final[Body] = {
    "verbs": ["*"],
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "namespaces": ["*"],
}
PROBES: Final[Body] = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}
ENDPOINT_ACCOUNTS: Final = ("ServiceAccount endpoint-controller", "ServiceAccount endpointslicemirroring-controller")

# Name, shares, percent to lend, (queues, hand size, length of a queue).
_LEVELS: Final[tuple[tuple[str, int, int, tuple[int, int, int]], ...]] = (
    ("global-default", 20, 50, (128, 6, 50)),
    ("leader-election", 10, 0, (16, 4, 50)),
    ("node-high", 40, 25, (64, 6, 50)),
    ("system", 30, 33, (64, 6, 50)),
    ("workload-high", 40, 50, (128, 6, 50)),
    ("workload-low", 100, 90, (128, 6, 50)),
)

# Name, level, precedence, what tells flows apart, subjects, rules (none: anything).
_SCHEMAS: Final[tuple[tuple[str, str, int, str, tuple[str, ...], tuple[Body, ...]], ...]] = (
    ("probes", "exempt", 2, "", EVERYBODY, (PROBES,)),
    ("system-leader-election", "leader-election", 100, "ByUser", (MANAGER, SCHEDULER, SYSTEM_ACCOUNTS), (LEASES,)),
    ("endpoint-controller", "workload-high", 150, "ByUser", (MANAGER, *ENDPOINT_ACCOUNTS), (ENDPOINTS,)),
    ("workload-leader-election", "leader-election", 200, "ByUser", (SYSTEM_ACCOUNTS,), (LEASES,)),
    ("system-node-high", "node-high", 400, "ByUser", ("Group system:nodes",), (NODES, NODE_LEASES)),
    ("system-nodes", "system", 500, "ByUser", ("Group system:nodes",), ()),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", (MANAGER,), ()),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", (SCHEDULER,), ()),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", (SYSTEM_ACCOUNTS,), ()),
    ("service-accounts", "workload-low", 9000, "ByUser", ("Group system:serviceaccounts",), ()),
    ("global-default", "global-default", 9900, "ByUser", EVERYBODY, ()),
)


def default_objects() -> list[Body]:
    """The priority levels, then the schemas that name them."""
    levels = {**LEVELS, **{row[0]: _limited(*row[1:]) for row in _LEVELS}}
    schemas = {**SCHEMAS, **{row[0]: _schema(*row[1:]) for row in _SCHEMAS}}
    return [
        *(_object("PriorityLevelConfiguration", name, spec) for name, spec in levels.items()),
        *(_object("FlowSchema", name, spec) for name, spec in schemas.items()),
    ]


def plan_upkeep(wanted: Body, live: Mapping[str, Any]) -> Body | None:
    """What annotations and spec of an object are to be, given its default; None when they are that already. Pure.

    Without the annotation an object follows its default until somebody has changed its spec. How many seats the exempt
    level reserves and lends is for people to say.
    """
    metadata, spec = live["metadata"], wanted["spec"]
    annotations = metadata.get("annotations") or {}
    follows = {"true": True, "false": False}.get(annotations.get(AUTOUPDATE, ""), metadata.get("generation", 1) == 1)
    if metadata["name"] in LEVELS:
        follows = True
        if spec.get("type") == "Exempt" and "exempt" in live["spec"]:
            spec = {**spec, "exempt": live["spec"]["exempt"]}
    annotated = {**annotations, AUTOUPDATE: str(follows).lower()}
    if not follows:
        spec = live["spec"]
    if annotated == annotations and spec == live["spec"]:
        return None
    return {"annotations": annotated, "spec": spec}


def _limited(shares: int, lendable: int, queuing: tuple[int, int, int]) -> Body:
    queues, hand, length = queuing
    settings = {"queues": queues, "handSize": hand, "queueLengthLimit": length}
    response: Body = {"type": "Queue", "queuing": settings}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return {"type": "Limited", "limited": limited}


def _schema(
    level: str, precedence: int, distinguisher: str, subjects: tuple[str, ...], rules: tuple[Body, ...]
) -> Body:
    rules = rules or (ANYTHING, ANYWHERE)
    rule: Body = {"subjects": [_subject(each) for each in subjects]}
    for name, field in (("resourceRules", "resources"), ("nonResourceRules", "nonResourceURLs")):
        chosen = [dict(each) for each in rules if field in each]
        if chosen:
            rule[name] = chosen
    spec: Body = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [rule],
    }
    return {**spec, "distinguisherMethod": {"type": distinguisher}} if distinguisher else spec


def _subject(text: str) -> Body:
    """`Group system:nodes`, or `ServiceAccount *` of kube-system."""
    kind, _, name = text.partition(" ")
    if kind == "ServiceAccount":
        return {"kind": kind, "serviceAccount": {"name": name, "namespace": "kube-system"}}
    return {"kind": kind, kind.lower(): {"name": name}}


def _object(kind: str, name: str, spec: Body) -> Body:
    metadata = {"name": name, "annotations": {AUTOUPDATE: "true"}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
