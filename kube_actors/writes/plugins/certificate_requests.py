"""Certificate requests: in whose name they are made, and which part of their status may be written where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from kube_actors.api.certificate_request import certificate_problem, read_request
from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError, Cause, forbidden
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

REQUESTS: Final = "certificatesigningrequests.certificates.k8s.io"
CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
MASTERS: Final = "system:masters"
CONDITIONS: Final = "status.conditions"
CERTIFICATE: Final = "status.certificate"
ONLY_TRUE: Final = ("Approved", "Denied", "Failed")
DECISIONS: Final = ("Approved", "Denied")
STATUSES: Final = ("False", "True", "Unknown")


@frozen(eq=False)
class CertificateRequests:
    """Names the requester in a new request, and keeps approval and issuing apart. `now` is cluster time."""

    resources: ClassVar[Resources] = frozenset({REQUESTS})
    now: Callable[[], float]

    def matches(self, request: Request) -> bool:
        """Everything that is written to a certificate request."""
        return request.operation is not Operation.DELETE

    def admit(self, request: Request) -> None:
        """Fill in what the server knows. ApiError 403 for a request that asks for too much, 422 for a wrong status."""
        if request.operation is Operation.CREATE:
            self._create(request)
        elif request.subresource in ("status", "approval"):
            self._update(request)

    # -- a new request

    @staticmethod
    def _create(request: Request) -> None:
        spec, identity = request.new.get("spec"), request.identity
        if not isinstance(spec, dict):
            return
        who: dict[str, Any] = {
            "username": identity.user,
            "uid": identity.uid,
            "groups": list(identity.groups),
            "extra": {name: list(values) for name, values in identity.extra.items()},
        }
        for name, value in who.items():
            spec.pop(name, None)
            if value:
                spec[name] = value
        if spec.get("signerName") == CLIENT_SIGNER and MASTERS in _organizations(spec):
            raise _too_much(request)

    # -- a decision, or a certificate

    def _update(self, request: Request) -> None:
        new, old = request.new.get("status") or {}, (request.old or {}).get("status") or {}
        self._stamp(new.get("conditions") or [], old.get("conditions") or [])
        found = _conditions(new) if new.get("conditions") != old.get("conditions") else []
        found += _removed(new, old)
        if request.subresource == "status":
            found += [*_decided(new, old), *_certificate(new, old)]
        if found:
            raise request.invalid(found)

    def _stamp(self, conditions: list[Body], before: list[Body]) -> None:
        """When a condition was written, and when it became what it is."""
        now = rfc3339(self.now())
        since = {(each.get("type"), each.get("status")): each.get("lastTransitionTime") for each in before}
        for condition in conditions:
            if not condition.get("lastUpdateTime"):
                condition["lastUpdateTime"] = now
            if not condition.get("lastTransitionTime"):
                kind = condition.get("type"), condition.get("status")
                condition["lastTransitionTime"] = since.get(kind) or now


def _organizations(spec: Body) -> tuple[str, ...]:
    try:
        return read_request(spec.get("request") or "").organizations
    except ValueError:
        return ()  # what is no request at all is refused by the kind's own rules


def _too_much(request: Request) -> ApiError:
    why = f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
    return forbidden(request.key.plural, request.key.name, why, group=request.key.group)


def _conditions(status: Body) -> list[Cause]:
    """The rules of conditions among themselves."""
    found, seen = [], list[str]()
    for number, condition in enumerate(status.get("conditions") or []):
        field, kind, value = f"{CONDITIONS}[{number}]", condition.get("type") or "", condition.get("status") or ""
        allowed = ("True",) if kind in ONLY_TRUE else STATUSES
        if not kind:
            found.append(causes.required(f"{field}.type"))
        if not value:
            found.append(causes.required(f"{field}.status"))
        elif value not in allowed:
            found.append(causes.not_supported(f"{field}.status", value, allowed))
        if kind in DECISIONS and any(other in seen for other in DECISIONS if other != kind):
            why = "Approved and Denied conditions are mutually exclusive"
            found.append(causes.invalid(CONDITIONS, kind, why))
        if kind in seen:
            found.append(causes.duplicate(f"{field}.type", kind))
        seen.append(kind)
    return found


def _of_type(status: Body, kind: str) -> list[Body]:
    return [each for each in status.get("conditions") or [] if each.get("type") == kind]


def _removed(new: Body, old: Body) -> list[Cause]:
    gone = [kind for kind in ONLY_TRUE if len(_of_type(new, kind)) < len(_of_type(old, kind))]
    return [causes.forbidden(CONDITIONS, f'updates may not remove a condition of type "{kind}"') for kind in gone]


def _decided(new: Body, old: Body) -> list[Cause]:
    """Who issues does not approve."""
    found = []
    for kind in DECISIONS:
        now, before = _of_type(new, kind), _of_type(old, kind)
        if len(now) > len(before):
            found.append(causes.forbidden(CONDITIONS, f'updates may not add a condition of type "{kind}"'))
        elif len(now) == len(before) and now != before:
            found.append(causes.forbidden(CONDITIONS, f'updates may not modify a condition of type "{kind}"'))
    return found


def _certificate(new: Body, old: Body) -> list[Cause]:
    certificate, before = new.get("certificate") or "", old.get("certificate") or ""
    if certificate == before:
        return []
    if before:
        return [causes.forbidden(CERTIFICATE, "updates may not modify existing certificate content")]
    why = certificate_problem(certificate)
    return [causes.invalid(CERTIFICATE, "<certificate data>", why)] if why else []
