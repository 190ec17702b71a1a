"""The authorizers of a cluster, one after the other: nodes by what runs on them, everybody by roles."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from kube_actors.access.attributes import Attributes, Decision
from kube_actors.access.nodes.identity import node_of
from kube_actors.access.roles.rbac import HeldRules, RbacAuthorizer
from kube_actors.access.user import MASTERS, User
from kube_actors.store import Store

if TYPE_CHECKING:  # most clusters have no kubelets that come by HTTP
    from kube_actors.access.nodes.authorizer import NodeAuthorizer

NODES_HAVE_NO_RULES = "node authorizer does not support user rule resolution"


class ClusterAuthorizer:
    """Allowed is what one of them allows. Who may do nothing hears the reasons of both, each in a line."""

    def __init__(self, store: Store, rbac: RbacAuthorizer) -> None:
        self.rbac = rbac
        self._store = store

    @cached_property
    def _nodes(self) -> NodeAuthorizer:
        from kube_actors.access.nodes.authorizer import NodeAuthorizer

        return NodeAuthorizer(self._store)

    def decide(self, attributes: Attributes) -> Decision:
        """Whether the user may do this now, and why."""
        user = attributes.user
        node = node_of(user.name, user.groups)
        if node is None or MASTERS in user.groups:
            return self.rbac.decide(attributes)
        by_node = self._nodes.decide(node, attributes)
        if by_node.allowed:
            return by_node
        by_role = self.rbac.decide(attributes)
        if by_role.allowed:
            return by_role
        return Decision(False, "\n".join(reason for reason in (by_node.reason, by_role.reason) if reason))

    def rules_for(self, user: User, namespace: str) -> HeldRules:
        """The rules of the user's roles; of a node they are not all."""
        held = self.rbac.rules_for(user, namespace)
        if node_of(user.name, user.groups) is None:
            return held
        return attrs.evolve(held, problems=(NODES_HAVE_NO_RULES, *held.problems), incomplete=True)
