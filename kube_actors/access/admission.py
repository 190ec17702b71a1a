"""What access has to say about writes: the admission plugins to put behind a cluster's own."""

from __future__ import annotations

import attrs

from kube_actors.access.nodes.restriction import NodeRestriction
from kube_actors.access.roles.escalation import EscalationCheck
from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.signers import SignerCheck
from kube_actors.store import Store
from kube_actors.writes.admission import Admission


def with_access_checks(admission: Admission, store: Store, rbac: RbacAuthorizer) -> Admission:
    """The same admission that also refuses to give away or sign what its writer may not, and keeps nodes apart."""
    checks = EscalationCheck(rbac), SignerCheck(rbac), NodeRestriction(store)
    return attrs.evolve(admission, validating=(*admission.validating, *checks))
