"""The Node object a node registers itself with, and the conditions its heartbeats renew. Pure."""

from __future__ import annotations

import platform
from typing import Any

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.times import rfc3339, rfc3339_micro
from kube_actors.config.types import NodeConfig
from kube_actors.errors import ApiError
from kube_actors.records import frozen

HEARTBEAT_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
LEASE_SECONDS = 40
DECLARED_FEATURES = ("InPlacePodLevelResourcesVerticalScaling", "RestartAllContainersOnContainerExits")
"""What a kubelet of this version can do that those of the version before could not, by the names of its switches."""
RUNTIME_LABEL = "kube-actors.dev/runtime"
"""Every node of cluster.yaml has it, and no other Node."""
SAID = "kube-actors.dev/cluster-file"
"""The annotation that lists what cluster.yaml has given a Node: names of labels and annotations, keys of taints."""


@frozen
class NodeFacts:
    """What a node knows of itself once its runtime has answered."""

    address: str
    pod_cidr: str
    runtime_version: str
    version: str
    machine_id: str
    tier: str = ""
    os_image: str = ""


def node_labels(config: NodeConfig) -> dict[str, str]:
    """The well-known labels, the old names that kubelets go on giving included, under the ones of cluster.yaml."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "beta.kubernetes.io/arch": machine,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": config.name,
        RUNTIME_LABEL: config.runtime,
        **config.labels,
    }


def node_body(config: NodeConfig, facts: NodeFacts) -> dict[str, Any]:
    """The Node to create when there is none of this name."""
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": config.name}, "spec": {}}
    configure_node(body, config, facts)
    return body


def handlers_of(config: NodeConfig) -> tuple[str, ...]:
    """The handlers of RuntimeClasses a node has: its own runtime, by name or (as everywhere) by an empty one."""
    return "", config.runtime


def configure_node(body: dict[str, Any], config: NodeConfig, facts: NodeFacts) -> None:
    """Bring a Node to what cluster.yaml says of it.

    What cluster.yaml said before and says no longer goes; what anybody else has set (a cordon, a taint of the node
    controller) stays. An annotation of ours remembers what was said.
    """
    metadata, spec = body["metadata"], body.setdefault("spec", {})
    before = _said_before(metadata)
    for field, wanted in (("labels", node_labels(config)), ("annotations", config.annotations)):
        held = metadata.setdefault(field, {})
        for key in before.get(field, ()):
            held.pop(key, None)
        held.update(wanted)
    spec["taints"] = _taints(spec.get("taints") or [], config, before)
    if not spec["taints"]:
        del spec["taints"]
    if config.unschedulable:
        spec["unschedulable"] = True
    elif before.get("unschedulable"):
        spec.pop("unschedulable", None)
    spec.setdefault("podCIDR", facts.pod_cidr)
    spec.setdefault("podCIDRs", [facts.pod_cidr])
    said = _said(config)
    if said:
        metadata["annotations"][SAID] = json.dumps(said).decode()
    if not metadata["annotations"]:
        del metadata["annotations"]


def _taints(held: list[dict[str, Any]], config: NodeConfig, before: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of others, then ours. A taint is known by its key and effect."""
    ours = {(taint.key, taint.effect) for taint in config.taints}
    gone = {tuple(each) for each in before.get("taints", ())} | ours
    kept = [taint for taint in held if (taint.get("key"), taint.get("effect")) not in gone]
    return kept + [attrs.asdict(taint, filter=lambda _, value: value != "") for taint in config.taints]


def _said(config: NodeConfig) -> dict[str, Any]:
    """What a later cluster.yaml may take back."""
    said: dict[str, Any] = {
        "labels": sorted(config.labels),
        "annotations": sorted(config.annotations),
        "taints": [[taint.key, taint.effect] for taint in config.taints],
        "unschedulable": config.unschedulable,
    }
    return {field: value for field, value in said.items() if value}


def _said_before(metadata: dict[str, Any]) -> dict[str, Any]:
    """What we remembered, which goes with this; nothing when somebody has spoiled it."""
    text = (metadata.get("annotations") or {}).pop(SAID, None)
    if text is None:
        return {}
    try:
        said = json.loads(text)
    except ApiError:
        return {}
    return said if isinstance(said, dict) else {}


def node_status(
    config: NodeConfig, facts: NodeFacts, old: dict[str, Any], now: float, *, trouble: str = ""
) -> dict[str, Any]:
    """The status a reachable node posts: capacity, addresses, system facts and conditions.

    `trouble` says why the node is not ready; empty when all is well.
    """
    capacity = dict(config.capacity)
    return {
        **old,
        "capacity": capacity,
        "allocatable": dict(capacity),
        "addresses": [
            {"type": "InternalIP", "address": facts.address},
            {"type": "Hostname", "address": config.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "nodeInfo": {
            "architecture": node_labels(config)["kubernetes.io/arch"],
            "bootID": facts.machine_id,
            "containerRuntimeVersion": facts.runtime_version,
            "kernelVersion": platform.release(),
            "kubeProxyVersion": facts.version,
            "kubeletVersion": facts.version,
            "machineID": facts.machine_id,
            "operatingSystem": "linux",
            "osImage": facts.os_image,
            "systemUUID": facts.machine_id,
        },
        "declaredFeatures": list(DECLARED_FEATURES),
        "runtimeHandlers": [_runtime_handler(name) for name in handlers_of(config)],
        "features": {"supplementalGroupsPolicy": _keeps_groups_policy(config, facts)},
        "conditions": _conditions(facts, old.get("conditions", []), now, trouble),
    }


def _runtime_handler(name: str) -> dict[str, Any]:
    features = {"features": {"recursiveReadOnlyMounts": False, "userNamespaces": False}}
    return {"name": name, **features} if name else features


def _keeps_groups_policy(config: NodeConfig, facts: NodeFacts) -> bool:
    """Whether pods have just the groups they ask for: an engine adds its image's, plain processes keep the person's."""
    return config.runtime == "simulated" or facts.tier in ("A", "B")


def _conditions(facts: NodeFacts, old: list[dict[str, Any]], now: float, trouble: str) -> list[dict[str, Any]]:
    rows = list(HEARTBEAT_CONDITIONS)
    if trouble:
        rows[-1] = ("Ready", "False", "KubeletNotReady", trouble)
    if facts.tier:
        rows.append(("SandboxTier", "True", f"Tier{facts.tier}", f"pods run in tier {facts.tier}"))
    before = {condition["type"]: condition for condition in old}
    stamp = rfc3339(now)
    conditions = []
    for type_, status, reason, message in rows:
        known = before.pop(type_, None)
        changed = known is None or known.get("status") != status
        conditions.append(
            {
                "type": type_,
                "status": status,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": stamp if changed or known is None else known.get("lastTransitionTime", stamp),
            }
        )
    return [*before.values(), *conditions]


def lease_body(node: str, uid: str, now: float, seconds: int = LEASE_SECONDS) -> dict[str, Any]:
    """The Lease in kube-node-lease whose renewals are the node's heartbeat."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": node,
            "namespace": "kube-node-lease",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid}],
        },
        "spec": {"holderIdentity": node, "leaseDurationSeconds": seconds, "renewTime": rfc3339_micro(now)},
    }
