"""May somebody do something? The four reviews of `authorization.k8s.io`, behind `kubectl auth can-i`."""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.access.attributes import Attributes
from kube_actors.access.authorization import ClusterAuthorizer
from kube_actors.access.roles.rbac import HeldRules, RbacAuthorizer, aggregated
from kube_actors.access.user import User
from kube_actors.errors import Cause, bad_request, invalid
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rbac_facts import PolicyRule
from kube_actors.server.call import Call, demanded_fields
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import represent
from kube_actors.server.reviews.access_rules import check_about_somebody, check_metadata, check_subject, check_wish
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.options import read_options


async def subject_access_review(call: Call) -> Response:
    """May this user, or a member of these groups, do this?"""
    body, spec = await call.work.run(_read, call)
    _refuse(call, [*check_about_somebody(spec), *check_metadata(body)])
    return _answered(call, body, _attributes(spec, _subject(spec)))


async def local_subject_access_review(call: Call) -> Response:
    """The same in one namespace: what those may ask who administer only that."""
    body, spec = await call.work.run(_read, call)
    namespace = call.info.namespace
    metadata = body.setdefault("metadata", {})
    if metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    _refuse(call, [*check_about_somebody(spec), *check_subject(spec, namespace), *check_metadata(body)])
    return _answered(call, body, _attributes(spec, _subject(spec)))


async def self_subject_access_review(call: Call) -> Response:
    """May I do this?"""
    body, spec = await call.work.run(_read, call)
    _refuse(call, [*check_wish(spec), *check_metadata(body)])
    return _answered(call, body, _attributes(spec, call.user))


async def self_subject_rules_review(call: Call) -> Response:
    """What may I do in this namespace?"""
    body, spec = await call.work.run(_read, call)
    namespace = spec.get("namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    body["status"] = _rules_status(call, namespace)
    return represent(call, body, 201)


def _read(call: Call) -> tuple[Body, Body]:
    """The review and its spec. What a client says of the status does not count."""
    options = read_options(call, "CreateOptions")
    expected = Expected.of(call)
    body = read_body(call, options.validation, expected)
    check_types(body, expected)
    body["spec"] = _without_nulls(body.get("spec") or {})
    body["metadata"] = body.get("metadata") or {}
    body.pop("status", None)
    return body, body["spec"]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def _refuse(call: Call, found: list[Cause]) -> None:
    if found:
        raise invalid(call.row.kind, "", found, group=call.row.group)


def _subject(spec: Body) -> User:
    extra = {name: tuple(values) for name, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _attributes(spec: Body, user: User) -> Attributes:
    wish = spec.get("resourceAttributes")
    if wish is None:
        plain = spec["nonResourceAttributes"]
        return Attributes(user, plain.get("verb", ""), path=plain.get("path", ""), is_resource=False)
    named = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    attributes = Attributes(user, *(wish.get(name, "") for name in named))
    return attrs.evolve(attributes, fields=_fields(wish.get("fieldSelector") or {}))


def _fields(selector: Body) -> tuple[tuple[str, str], ...]:
    if selector.get("rawSelector"):
        return demanded_fields(selector["rawSelector"])
    demanding = (each for each in selector.get("requirements") or () if each.get("operator") == "In")
    return tuple((each["key"], each["values"][0]) for each in demanding if len(each.get("values") or ()) == 1)


def _answered(call: Call, body: Body, attributes: Attributes) -> Response:
    decision = call.api.authorizer.decide(attributes)
    status: Body = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    return represent(call, {**body, "status": status}, 201)


def _rules_status(call: Call, namespace: str) -> Body:
    """Every rule the user has, those that hold everywhere first. An authorizer without rules cannot tell."""
    authorizer = call.api.authorizer
    if not isinstance(authorizer, ClusterAuthorizer | RbacAuthorizer):
        everything = PolicyRule(("*",), ("*",), ("*",))
        paths = PolicyRule(("*",), non_resource_urls=("*",))
        return _rules(HeldRules((everything, paths)))
    return _rules(authorizer.rules_for(call.user, namespace))


def _rules(held: HeldRules) -> Body:
    status: Body = {
        "resourceRules": [_resource_rule(rule) for rule in held.rules if rule.resources],
        "nonResourceRules": [
            {"verbs": list(rule.verbs), "nonResourceURLs": list(rule.non_resource_urls)}
            for rule in held.rules
            if rule.non_resource_urls
        ],
        "incomplete": held.incomplete,
    }
    return {**status, "evaluationError": aggregated(held.problems)} if held.problems else status


def _resource_rule(rule: PolicyRule) -> Body:
    body = {"verbs": list(rule.verbs), "apiGroups": list(rule.api_groups), "resources": list(rule.resources)}
    return {**body, "resourceNames": list(rule.resource_names)} if rule.resource_names else body
