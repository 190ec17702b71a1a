"""What kubelets may do (Kubernetes' Node authorizer): read what their pods need, and nothing of other nodes' pods.

What they may write is said here as far as a request's path tells; `NodeRestriction` looks at what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Final

from kube_actors.access.attributes import Attributes, Decision
from kube_actors.access.nodes.relations import (
    ACCOUNTS,
    ATTACHMENTS,
    CLAIMS,
    CONFIG_MAPS,
    RESOURCE_CLAIMS,
    SECRETS,
    SLICES,
    VOLUMES,
    NodeRelations,
)
from kube_actors.access.roles.defaults import default_roles
from kube_actors.kinds.rbac_facts import PolicyRule, role_facts
from kube_actors.store import Key, Store

ROLE: Final = "system:node"
LEASE_NAMESPACE: Final = "kube-node-lease"
READING: Final = ("get", "list", "watch")
OWN_OBJECT: Final = ("get", "create", "update", "patch", "delete")
ALLOWED: Final = Decision(True)
NO_OPINION: Final = Decision(False)


class NodeAuthorizer:
    """Decides for kubelets by what runs on their nodes now. A refusal is no opinion: a role may still allow it."""

    def __init__(self, store: Store) -> None:
        self._relations = NodeRelations(store)
        self._subdivided: Mapping[str, Callable[[str, Attributes], Decision]] = {
            SECRETS: self._read,
            CONFIG_MAPS: self._read,
            CLAIMS: self._claim,
            VOLUMES: self._get,
            RESOURCE_CLAIMS: self._get,
            ATTACHMENTS: self._get,
            ACCOUNTS: self._account,
            "leases.coordination.k8s.io": _lease,
            "csinodes.storage.k8s.io": _csi_node,
            SLICES: self._slice,
            "nodes": _node,
            "pods": self._pod,
        }

    def decide(self, node: str, attributes: Attributes) -> Decision:
        """Whether the kubelet of this node may; `node` is empty for one whose node nobody knows."""
        if not node:
            return Decision(False, f'unknown node for user "{attributes.user.name}"')
        if attributes.is_resource:
            subdivided = self._subdivided.get(_resource(attributes))
            if subdivided is not None:
                return subdivided(node, attributes)
        return ALLOWED if any(_allows(rule, attributes) for rule in self._rules) else NO_OPINION

    @cached_property
    def _rules(self) -> Iterable[PolicyRule]:
        """What all nodes may do alike: the rules of the role `system:node`, which nobody has to be bound to."""
        roles = (role for role in default_roles() if role["kind"] == "ClusterRole")
        rules: Iterable[PolicyRule] = next(role_facts(role).rules for role in roles if role["metadata"]["name"] == ROLE)
        return rules

    def _related(self, node: str, attributes: Attributes) -> Decision:
        if not attributes.name:
            return Decision(False, "No Object name found")
        if self._relations.related(node, Key(_resource(attributes), attributes.namespace, attributes.name)):
            return ALLOWED
        return Decision(False, f"no relationship found between node '{node}' and this object")

    def _read(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb not in READING:
            return Decision(False, "can only read resources of this type")
        if attributes.subresource:
            return Decision(False, "cannot read subresource")
        if not attributes.namespace:
            return Decision(False, "can only read namespaced object of this type")
        return self._related(node, attributes)

    def _get(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb != "get":
            return Decision(False, "can only get individual resources of this type")
        if attributes.subresource:
            return Decision(False, "cannot get subresource")
        return self._related(node, attributes)

    def _claim(self, node: str, attributes: Attributes) -> Decision:
        if attributes.subresource != "status":
            return self._get(node, attributes)
        if attributes.verb not in ("update", "patch"):
            return Decision(False, "can only get/update/patch this type")
        return self._related(node, attributes)

    def _account(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb == "get" and not attributes.subresource:
            return self._read(node, attributes)
        if attributes.verb != "create" or not attributes.name:
            return Decision(False, "can only create tokens for individual service accounts")
        if attributes.subresource != "token":
            return Decision(False, "can only create token subresource of serviceaccount")
        return self._related(node, attributes)

    def _slice(self, node: str, attributes: Attributes) -> Decision:
        if attributes.subresource:
            return Decision(False, "cannot authorize ResourceSlice subresources")
        if attributes.verb == "create":
            return ALLOWED
        if attributes.verb in OWN_OBJECT:
            return self._related(node, attributes)
        if attributes.verb in ("list", "watch", "deletecollection"):
            why = "can only list/watch/deletecollection resourceslices with nodeName field selector"
            return ALLOWED if ("spec.nodeName", node) in attributes.fields else Decision(False, why)
        verbs = "get, watch, list, create, update, patch, delete, deletecollection"
        return Decision(False, f"only the following verbs are allowed for a ResourceSlice: {verbs}")

    def _pod(self, node: str, attributes: Attributes) -> Decision:
        match attributes.subresource, attributes.verb:
            case "", "get":
                return self._get(node, attributes)
            case "", "list" | "watch":
                if ("spec.nodeName", node) in attributes.fields:
                    return ALLOWED
                if attributes.name:
                    return self._related(node, attributes)
                return Decision(False, "can only list/watch pods with spec.nodeName field selector")
            case ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create"):
                return ALLOWED
            case _:
                return NO_OPINION


def _lease(node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in OWN_OBJECT:
        return Decision(False, "can only get, create, update, patch, or delete a node lease")
    if attributes.namespace != LEASE_NAMESPACE:
        return Decision(False, f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
    if attributes.verb != "create" and attributes.name != node:
        return Decision(False, "can only access node lease with the same name as the requesting node")
    return ALLOWED


def _csi_node(node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in OWN_OBJECT:
        return Decision(False, "can only get, create, update, patch, or delete a CSINode")
    if attributes.subresource:
        return Decision(False, "cannot authorize CSINode subresources")
    if attributes.verb != "create" and attributes.name != node:
        return Decision(False, "can only access CSINode with the same name as the requesting node")
    return ALLOWED


def _node(node: str, attributes: Attributes) -> Decision:
    match attributes.subresource, attributes.verb:
        case ("", "create" | "update" | "patch") | ("status", "update" | "patch"):
            return ALLOWED
        case "", "get" | "list" | "watch":
            if attributes.name == node:
                return ALLOWED
            what = f"'{attributes.name}'" if attributes.name else "all nodes"
            return Decision(False, f"node '{node}' cannot read {what}, only its own Node object")
        case _:
            return NO_OPINION


def _resource(attributes: Attributes) -> str:
    return f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource


def _allows(rule: PolicyRule, attributes: Attributes) -> bool:
    if not attributes.is_resource:
        return rule.allows_path(attributes.verb, attributes.path)
    what = attributes.group, attributes.resource, attributes.subresource
    return rule.allows(attributes.verb, *what, attributes.name)
