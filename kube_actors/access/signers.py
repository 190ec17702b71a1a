"""Who approves and signs certificate requests: verbs on the signer they ask, beside those on the request itself."""

from __future__ import annotations

from typing import ClassVar, Final

from kube_actors.access.attributes import Attributes, Authorizer
from kube_actors.access.roles.escalation import user_of
from kube_actors.errors import forbidden
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

REQUESTS: Final = "certificatesigningrequests.certificates.k8s.io"
GROUP: Final = "certificates.k8s.io"
SIGNED: Final = ("certificate", "conditions")


@frozen(eq=False)
class SignerCheck:
    """The admission plugin: `approval` needs the verb `approve` on `signers`, a certificate in the status `sign`."""

    resources: ClassVar[Resources] = frozenset({REQUESTS})
    authorizer: Authorizer

    def matches(self, request: Request) -> bool:
        """The two subresources of a certificate request."""
        return request.operation is Operation.UPDATE and request.subresource in ("approval", "status")

    def admit(self, request: Request) -> None:
        """ApiError 403 for who may not speak for this signer."""
        verb = "approve" if request.subresource == "approval" else "sign"
        if verb == "sign" and not _is_signed(request):
            return
        signer = str((request.old or request.new)["spec"].get("signerName", ""))
        if not self._may(request, verb, signer):
            why = f'user not permitted to {verb} requests with signerName "{signer}"'
            raise forbidden(request.key.plural, request.key.name, why, group=request.key.group)

    def _may(self, request: Request, verb: str, signer: str) -> bool:
        """By the signer's name, or by all signers of its domain: `example.com/*`."""
        user = user_of(request.identity)
        for name in (signer, f"{signer.partition('/')[0]}/*"):
            if self.authorizer.decide(Attributes(user, verb, GROUP, "*", "signers", name=name)).allowed:
                return True
        return False


def _is_signed(request: Request) -> bool:
    """Whether this write of the status says anything about the certificate."""
    new, old = request.new.get("status") or {}, (request.old or {}).get("status") or {}
    return any(new.get(name) != old.get(name) for name in SIGNED)
