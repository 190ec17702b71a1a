"""ServiceAccounts: who pods are to the API, and what every pod of an account gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.facts import ServiceAccountFacts
from kube_actors.kinds.hooks import Hooks


def _facts(body: Mapping[str, Any]) -> ServiceAccountFacts:
    secrets = body.get("imagePullSecrets") or ()
    automount = body.get("automountServiceAccountToken")
    return ServiceAccountFacts(automount, tuple(each.get("name", "") for each in secrets))


HOOKS = Hooks(project=_facts)
