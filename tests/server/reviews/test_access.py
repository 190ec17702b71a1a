"""Reviews of access, as `kubectl auth can-i` asks them."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.user import User
from kube_actors.server.http import Full
from kube_actors.verbs.session import Session
from tests.access.roles import binding, cluster_role, rule
from tests.server.kit import ADMIN, ask, create, json_of, new_session

GROUP = "authorization.k8s.io"
BOB = User("bob", ("dev", "system:authenticated"))


async def session_of_bob() -> Session:
    """Bob reads pods everywhere, and `/metrics`; developers change deployments in default."""
    session = await new_session("default", "other")
    await create(session, cluster_role("reader", rule("get list", "pods", names="web"), rule("get", urls="/metrics")))
    await create(session, cluster_role("writer", rule("*", "deployments", "apps")))
    await create(session, binding("reader", "reader", "User bob"))
    await create(session, binding("writer", "writer", "Group dev", namespace="default"))
    return session


async def review(
    session: Session, kind: str, spec: dict[str, Any], *, user: User = ADMIN, namespace: str = "", **more: Any
) -> tuple[int, dict[str, Any]]:
    """Status code and body of the answer to a review."""
    place = f"/namespaces/{namespace}" if namespace else ""
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "spec": spec, **more}
    response = await ask(
        session,
        "POST",
        f"/apis/{GROUP}/v1{place}/{kind.lower()}s",
        body,
        user=user,
        authorizer=RbacAuthorizer(session.plane.store),
    )
    assert isinstance(response, Full)
    return response.status, json_of(response)


def wish(verb: str, resource: str, **more: str) -> dict[str, Any]:
    """`resourceAttributes`."""
    return {"resourceAttributes": {"verb": verb, "resource": resource, **more}}


@pytest.mark.parametrize(
    ("spec", "allowed", "reason"),
    [
        (
            wish("get", "pods", name="web", namespace="other"),
            True,
            'RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "bob"',
        ),
        (wish("get", "pods", name="db", namespace="other"), False, None),
        (
            wish("delete", "deployments", group="apps", namespace="default"),
            True,
            'RBAC: allowed by RoleBinding "writer/default" of ClusterRole "writer" to Group "dev"',
        ),
        (wish("delete", "deployments", group="apps", namespace="other"), False, None),
        (wish("delete", "deployments", group="apps", subresource="scale", namespace="default"), False, None),
        (
            {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}},
            True,
            'RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "bob"',
        ),
        ({"nonResourceAttributes": {"verb": "get", "path": "/logs"}}, False, None),
        (
            {
                "resourceAttributes": {
                    **wish("list", "pods", name="web")["resourceAttributes"],
                    "labelSelector": {"requirements": [{"key": "app", "operator": "Exists"}]},
                    "fieldSelector": {"rawSelector": "spec.nodeName=a"},
                }
            },
            True,
            'RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "bob"',
        ),
    ],
)
async def test_may_somebody(spec: dict[str, Any], allowed: bool, reason: str | None) -> None:
    """The answer and by which binding; 201, for a review is created. Asked by another and by oneself alike."""
    session = await session_of_bob()
    status = {"allowed": allowed, **({"reason": reason} if reason else {})}
    about_bob = {**spec, "user": "bob", "groups": ["dev"]}
    code, body = await review(session, "SubjectAccessReview", about_bob)
    assert (code, body["status"], body["spec"]) == (201, status, about_bob)
    await create(session, cluster_role("self", rule("create", "selfsubjectaccessreviews", GROUP)))
    await create(session, binding("self", "self", "User bob"))
    code, body = await review(session, "SelfSubjectAccessReview", spec, user=BOB)
    assert (code, body["status"]) == (201, status)


async def test_masters_need_no_reason() -> None:
    """They are allowed without a rule."""
    _, body = await review(await new_session(), "SelfSubjectAccessReview", wish("delete", "nodes"))
    assert body["status"] == {"allowed": True}


async def test_reviews_of_one_namespace() -> None:
    """A local review is about its own namespace."""
    session = await session_of_bob()
    spec = {**wish("get", "deployments", group="apps", namespace="default"), "user": "eve", "groups": ["dev"]}
    code, body = await review(session, "LocalSubjectAccessReview", spec, namespace="default")
    assert (code, body["status"]["allowed"], body["metadata"]) == (201, True, {"namespace": "default"})
    code, body = await review(session, "LocalSubjectAccessReview", spec, namespace="other")
    assert code == 422
    assert "must match metadata.namespace" in body["message"]


@pytest.mark.parametrize(
    ("kind", "spec", "why"),
    [
        (
            "SubjectAccessReview",
            {"user": "bob"},
            "spec.resourceAttributes: Invalid value: null: "
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            "SubjectAccessReview",
            wish("get", "pods"),
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        (
            "SelfSubjectAccessReview",
            {**wish("get", "pods"), "nonResourceAttributes": {"verb": "get", "path": "/a"}},
            'spec.nonResourceAttributes: Invalid value: {"path":"/a","verb":"get"}: '
            "cannot be specified in combination with resourceAttributes",
        ),
        (
            "SelfSubjectAccessReview",
            {"resourceAttributes": {"labelSelector": {"requirements": [{"key": "a", "operator": "In"}]}}},
            "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            "SelfSubjectAccessReview",
            {"resourceAttributes": {"fieldSelector": {"rawSelector": "a=b", "requirements": [{"key": "a"}]}}},
            'spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": '
            "may not specified at the same time as requirements",
        ),
    ],
)
async def test_reviews_that_say_too_little_or_too_much(kind: str, spec: dict[str, Any], why: str) -> None:
    """422 with every cause."""
    code, body = await review(await new_session(), kind, spec)
    assert code == 422
    assert why in body["message"]


async def test_reviews_have_no_name() -> None:
    """They are not kept."""
    code, body = await review(
        await new_session(), "SelfSubjectAccessReview", wish("get", "pods"), metadata={"name": "mine"}
    )
    assert (code, body["message"]) == (
        422,
        'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: '
        'metadata: Invalid value: {"name":"mine"}: must be empty',
    )


async def test_what_may_i() -> None:
    """The rules of a namespace, resources and paths apart."""
    session = await session_of_bob()
    await create(session, cluster_role("self", rule("create", "selfsubjectrulesreviews", GROUP)))
    await create(session, binding("self", "self", "User bob"))
    await create(session, binding("gone", "gone", "User bob", namespace="other"), "other")
    code, body = await review(session, "SelfSubjectRulesReview", {"namespace": "default"}, user=BOB)
    assert code == 201
    assert body["status"]["incomplete"] is False
    assert {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments"]} in body["status"]["resourceRules"]
    named = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["web"]}
    assert named in body["status"]["resourceRules"]
    assert body["status"]["nonResourceRules"] == [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]
    _, body = await review(session, "SelfSubjectRulesReview", {"namespace": "other"}, user=BOB)
    assert body["status"]["incomplete"] is False
    assert body["status"]["evaluationError"] == 'clusterrole.rbac.authorization.k8s.io "gone" not found'


async def test_what_may_i_nowhere() -> None:
    """A namespace must be named."""
    code, body = await review(await new_session(), "SelfSubjectRulesReview", {})
    assert (code, body["message"]) == (400, "no namespace on request")


async def test_reviews_must_be_readable() -> None:
    """A wish that is no object is refused as it is read."""
    code, _ = await review(await new_session(), "SelfSubjectAccessReview", {"resourceAttributes": "all"})
    assert code == 400


async def test_reviews_have_no_table() -> None:
    """What is never kept has no columns: 406, unless the client takes the review itself too."""
    session = await session_of_bob()
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    path, body = f"/apis/{GROUP}/v1/selfsubjectaccessreviews", {"spec": wish("list", "pods")}
    refused = await ask(session, "POST", path, body, {"accept": table})
    assert isinstance(refused, Full)
    assert (refused.status, json_of(refused)["reason"]) == (406, "NotAcceptable")
    answer = await ask(session, "POST", path, body, {"accept": f"{table},application/json"})
    assert json_of(answer)["kind"] == "SelfSubjectAccessReview"
