"""CertificateSigningRequests: what is asked for never changes, and conditions once given stay."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.api.certificate_request import one_line_base64, read_request
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.signers import signer_rules

SHORTEST_SECONDS: Final = 600
LEGACY_SIGNER: Final = "kubernetes.io/legacy-unknown"
DECISIONS: Final = ("Approved", "Denied")
USAGES: Final = (
    *("signing", "digital signature", "content commitment", "key encipherment", "key agreement"),
    *("data encipherment", "cert sign", "crl sign", "encipher only", "decipher only"),
    *("any", "server auth", "client auth", "code signing", "email protection", "s/mime", "ipsec end system"),
    *("ipsec tunnel", "ipsec user", "timestamping", "ocsp signing", "microsoft sgc", "netscape sgc"),
)


def _default(body: Body) -> None:
    spec = body.get("spec") or {}
    if isinstance(spec.get("request"), str):
        spec["request"] = one_line_base64(spec["request"])


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """Nobody changes what was asked for; an approval leaves the certificate alone, and issuing what was decided."""
    if "spec" in old:
        new["spec"] = old["spec"]
    if subresource == "status":
        for kind in DECISIONS:
            _keep_conditions(new, old, kind)
    if subresource == "approval":
        certificate = (old.get("status") or {}).get("certificate")
        status = new.setdefault("status", {})
        status.pop("certificate", None)
        if certificate:
            status["certificate"] = certificate


def _conditions(body: Body) -> list[Any]:
    conditions = (body.get("status") or {}).get("conditions")
    return conditions if isinstance(conditions, list) else []


def _keep_conditions(new: Body, old: Body, kind: str) -> None:
    """Those of a type stay as they were written; where some were added or taken away, validation says so."""
    before = [each for each in _conditions(old) if each.get("type") == kind]
    conditions = _conditions(new)
    places = [at for at, each in enumerate(conditions) if isinstance(each, dict) and each.get("type") == kind]
    if len(places) == len(before):
        for at, each in zip(places, before, strict=True):
            conditions[at] = each


def _validate(new: Body, old: Body | None) -> list[Cause]:
    if old is not None:
        return []
    spec = new.get("spec") or {}
    return [*_request(spec), *_usages(spec), *_signer_name(spec.get("signerName") or ""), *_expiration(spec)]


def _request(spec: Body) -> list[Cause]:
    encoded = spec.get("request") or ""
    try:
        read_request(encoded)
    except ValueError as error:
        return [causes.invalid("spec.request", encoded, str(error))]
    return []


def _usages(spec: Body) -> list[Cause]:
    usages: list[str] = spec.get("usages") or []
    if not usages:
        return [causes.required("spec.usages")]
    fields = [(f"spec.usages[{number}]", usage) for number, usage in enumerate(usages)]
    found = [causes.not_supported(field, usage, sorted(USAGES)) for field, usage in fields if usage not in USAGES]
    return found + [causes.duplicate(field, usage) for n, (field, usage) in enumerate(fields) if usage in usages[:n]]


def _signer_name(signer: str) -> list[Cause]:
    field = "spec.signerName"
    if signer == LEGACY_SIGNER:
        return [causes.invalid(field, signer, "the legacy signerName is not allowed via this API version")]
    return signer_rules(signer, field)


def _expiration(spec: Body) -> list[Cause]:
    seconds = spec.get("expirationSeconds")
    if seconds is None or seconds >= SHORTEST_SECONDS:
        return []
    why = "may not specify a duration less than 600 seconds (10 minutes)"
    return [causes.invalid("spec.expirationSeconds", seconds, why)]


HOOKS = Hooks(
    default=_default,
    prepare_update=_prepare_update,
    validate=_validate,
    name=names.path_segment,  # Kubernetes does not care what requests are called
    generation=None,
    fixed_spec=True,
    selectable_fields=(*METADATA_FIELDS, "spec.signerName"),
)
