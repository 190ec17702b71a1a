"""What the service network actor is told."""

from __future__ import annotations

from kube_actors.kernel import Ask
from kube_actors.messages.common import Describe
from kube_actors.records import frozen


@frozen
class Withdrawn:
    """No new connection goes to the pod any more: the data plane has changed."""


@frozen(eq=False)
class WithdrawEndpoint(Ask[Withdrawn]):
    """Pod → service network, before preStop begins: send no new connection to this pod."""

    pod_uid: str
    address: str


NetworkMessage = WithdrawEndpoint | Describe
