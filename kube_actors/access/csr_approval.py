"""Who may have a kubelet's certificate request approved without anybody looking at it."""

from __future__ import annotations

from typing import Final

from kube_actors.access.attributes import Attributes, Authorizer
from kube_actors.access.user import User
from kube_actors.records import frozen

GROUP: Final = "certificates.k8s.io"


@frozen(eq=False)
class RequestApproval:
    """Asks the authorizer; implements `actors.certificates.MayRequest`."""

    authorizer: Authorizer

    def __call__(self, user: str, groups: tuple[str, ...], subresource: str) -> bool:
        """Whether the user may create `certificatesigningrequests/SUBRESOURCE` (`nodeclient`, `selfnodeclient`)."""
        resource = "certificatesigningrequests"
        attributes = Attributes(User(user, groups), "create", GROUP, "*", resource, subresource)
        return self.authorizer.decide(attributes).allowed
