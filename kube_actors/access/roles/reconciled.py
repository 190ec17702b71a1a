"""At every start the default roles and bindings get back what they lost; what was added to them stays.

Whoever wants one left alone sets the annotation `rbac.authorization.kubernetes.io/autoupdate` to `false`.
"""

from __future__ import annotations

from typing import Any

from kube_actors.access.roles.covering import compacted, missing_rules
from kube_actors.access.roles.defaults import AUTOUPDATE, default_roles
from kube_actors.errors import ApiError
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rbac_facts import BindingFacts, PolicyRule, RoleFacts, binding_facts, policy_rule
from kube_actors.store import Key, Revision
from kube_actors.writes import Client


async def reconcile_default_roles(client: Client) -> None:
    """Create what is not there and mend what lacks something; writes nothing when all is well."""
    for wanted in default_roles():
        key = _key(wanted)
        live = client.get(key)
        if live is None:
            await _create(client, wanted)
        elif _lacks(live, wanted):
            await _mend(client, live, wanted)


async def _create(client: Client, wanted: Body) -> None:
    try:
        await client.create(wanted)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _key(body: Body) -> Key:
    metadata = body["metadata"]
    return Key(f"{body['kind'].lower()}s.rbac.authorization.k8s.io", metadata.get("namespace", ""), metadata["name"])


def _lacks(live: Revision, wanted: Body) -> bool:
    """Whether the object gives less than it should; cheap, for it is asked for every object at every start."""
    facts: RoleFacts | BindingFacts = live.projection.facts
    if isinstance(facts, BindingFacts):
        default = binding_facts(wanted)
        role = (facts.role_kind, facts.role_name) == (default.role_kind, default.role_name)
        return not role or not set(default.subjects) <= set(facts.subjects)
    if "aggregationRule" in wanted:
        return not facts.aggregates or bool(_missing_selectors(live.body(), wanted))
    return bool(_missing(facts.rules, wanted))


def _missing(rules: tuple[PolicyRule, ...], wanted: Body) -> list[PolicyRule]:
    wanted_rules = tuple(map(policy_rule, wanted["rules"]))
    return [] if rules == wanted_rules else missing_rules(rules, wanted_rules)


def _missing_selectors(body: Body, wanted: Body) -> list[Any]:
    held = (body.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    return [each for each in wanted["aggregationRule"]["clusterRoleSelectors"] if each not in held]


async def _mend(client: Client, live: Revision, wanted: Body) -> None:
    """Add what is missing. A binding of another role is made anew, for the role of a binding cannot be changed."""
    body = live.body()
    if (body["metadata"].get("annotations") or {}).get(AUTOUPDATE) == "false":
        return
    if "roleRef" in wanted and body["roleRef"] != wanted["roleRef"]:
        subjects = body.get("subjects") or []
        subjects += [each for each in wanted.get("subjects", ()) if each not in subjects]
        await client.delete(live.key, uid=live.uid)
        await _create(client, {**wanted, "subjects": subjects} if subjects else wanted)
        return

    def add(current: Body) -> None:
        _add_missing(current, wanted)

    await client.mutate(live.key, add, uid=live.uid)


def _add_missing(body: Body, wanted: Body) -> None:
    if "roleRef" in wanted:
        held = binding_facts(body).subjects
        pairs = zip(wanted.get("subjects", ()), binding_facts(wanted).subjects, strict=True)
        body["subjects"] = [*(body.get("subjects") or ()), *(each for each, facts in pairs if facts not in held)]
    elif "aggregationRule" in wanted:
        selectors = body.setdefault("aggregationRule", {}).setdefault("clusterRoleSelectors", [])
        selectors += _missing_selectors(body, wanted)
    else:
        rules = body.get("rules") or []
        held_rules = tuple(map(policy_rule, rules))
        body["rules"] = [*rules, *map(_body_of, compacted(_missing(held_rules, wanted)))]


def _body_of(rule: PolicyRule) -> Body:
    parts = {
        "verbs": rule.verbs,
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
    }
    return {name: list(words) for name, words in parts.items() if words}
