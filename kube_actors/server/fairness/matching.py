"""Which FlowSchema a request belongs to: the first, by `matchingPrecedence`, one of whose rules it matches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kube_actors.access.user import User
from kube_actors.kinds.rbac_facts import path_covered
from kube_actors.records import frozen
from kube_actors.server.request_info import RequestInfo

ALL: Final = "*"
ACCOUNT_PREFIX: Final = "system:serviceaccount:"
Words = frozenset[str]


@frozen
class Subject:
    """Whom a rule means: a `User`, a `Group` or a `ServiceAccount` of a namespace. `*` stands for any name."""

    kind: str
    name: str
    namespace: str = ""

    def means(self, user: User) -> bool:
        """Whether this user is one of them."""
        match self.kind:
            case "User":
                return self.name in (ALL, user.name)
            case "Group":
                return self.name == ALL or self.name in user.groups
            case _:
                namespace, _, name = user.name.removeprefix(ACCOUNT_PREFIX).partition(":")
                is_account = user.name.startswith(ACCOUNT_PREFIX) and namespace == self.namespace
                return is_account and self.name in (ALL, name)


@frozen
class ResourceRule:
    """Verbs on resources (`pods`, `pods/log`), in namespaces, and (`cluster_scope`) in none."""

    verbs: Words
    api_groups: Words
    resources: Words
    namespaces: Words = frozenset()
    cluster_scope: bool = False

    def matches(self, info: RequestInfo) -> bool:
        """Whether the request is one of these."""
        resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
        return (
            _has(self.verbs, info.verb)
            and _has(self.api_groups, info.group)
            and _has(self.resources, resource)
            and (_has(self.namespaces, info.namespace) if info.namespace else self.cluster_scope)
        )


@frozen
class NonResourceRule:
    """Verbs on plain paths: `/healthz`, `/healthz/*`, `*`."""

    verbs: Words
    urls: tuple[str, ...]

    def matches(self, info: RequestInfo) -> bool:
        """Whether the request is one of these."""
        return _has(self.verbs, info.verb) and any(path_covered(url, info.path) for url in self.urls)


@frozen
class Rule:
    """Whose requests, and which of them."""

    subjects: tuple[Subject, ...]
    resources: tuple[ResourceRule, ...] = ()
    paths: tuple[NonResourceRule, ...] = ()

    def matches(self, user: User, info: RequestInfo) -> bool:
        """Whether this user's request is meant."""
        if not any(subject.means(user) for subject in self.subjects):
            return False
        rules = self.resources if info.is_resource else self.paths
        return any(rule.matches(info) for rule in rules)


@frozen
class FlowSchema:
    """A FlowSchema; `level` is the name of its priority level, `distinguisher` is `ByUser`, `ByNamespace` or empty."""

    name: str
    level: str
    precedence: int
    rules: tuple[Rule, ...]
    distinguisher: str = ""
    uid: str = ""

    def matches(self, user: User, info: RequestInfo) -> bool:
        """Whether the request belongs here, unless it belongs to one before."""
        return any(rule.matches(user, info) for rule in self.rules)

    def flow_of(self, user: User, info: RequestInfo) -> str:
        """Which of the schema's flows the request is of."""
        if self.distinguisher == "ByUser":
            return user.name
        return info.namespace if self.distinguisher == "ByNamespace" else ""

    @staticmethod
    def read(body: Mapping[str, Any]) -> FlowSchema:
        """From a valid object."""
        spec, metadata = body["spec"], body["metadata"]
        return FlowSchema(
            metadata["name"],
            spec["priorityLevelConfiguration"]["name"],
            spec["matchingPrecedence"],
            tuple(_rule(each) for each in spec.get("rules") or ()),
            (spec.get("distinguisherMethod") or {}).get("type", ""),
            metadata.get("uid", ""),
        )


def in_order(schemas: Iterable[FlowSchema]) -> tuple[FlowSchema, ...]:
    """The schemas as they are tried; of two with one precedence the one whose name comes first."""
    return tuple(sorted(schemas, key=lambda schema: (schema.precedence, schema.name)))


def _has(words: Words, word: str) -> bool:
    return ALL in words or word in words


def _rule(body: Mapping[str, Any]) -> Rule:
    return Rule(
        tuple(_subject(each) for each in body.get("subjects") or ()),
        tuple(_resource_rule(each) for each in body.get("resourceRules") or ()),
        tuple(
            NonResourceRule(_words(each, "verbs"), tuple(each["nonResourceURLs"]))
            for each in body.get("nonResourceRules") or ()
        ),
    )


def _subject(body: Mapping[str, Any]) -> Subject:
    kind = body["kind"]
    described = body["serviceAccount" if kind == "ServiceAccount" else kind.lower()]
    return Subject(kind, described["name"], described.get("namespace", ""))


def _resource_rule(body: Mapping[str, Any]) -> ResourceRule:
    verbs, groups, resources = (_words(body, name) for name in ("verbs", "apiGroups", "resources"))
    return ResourceRule(verbs, groups, resources, _words(body, "namespaces"), bool(body.get("clusterScope")))


def _words(body: Mapping[str, Any], name: str) -> Words:
    return frozenset(body.get(name) or ())
