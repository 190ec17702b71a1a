"""ValidatingAdmissionPolicies and MutatingAdmissionPolicies, and their bindings."""

from __future__ import annotations

from kube_actors.kinds.admission_defaults import default_matching
from kube_actors.kinds.hooks import Body, Hooks

_BINDINGS = ("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding")


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    if body.get("kind") in _BINDINGS:
        default_matching(spec.get("matchResources"))
    else:
        spec.setdefault("failurePolicy", "Fail")
        default_matching(spec.get("matchConstraints"))


HOOKS = Hooks(default=_default, status_metadata=())
