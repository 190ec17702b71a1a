"""Requests that kube-apiserver has no route for, and parameters it does not take: its codes and its words."""

from __future__ import annotations

import pytest

from kube_actors.server.http import Full
from tests.server import kit

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
NO_PATH = (404, "NotFound", "the server could not find the requested resource")
NO_METHOD = (405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("HEAD", PODS, NO_METHOD),
        ("HEAD", f"{PODS}/web", NO_METHOD),
        ("HEAD", f"{PODS}?watch=1", NO_METHOD),
        ("HEAD", f"{PODS}/web/status", NO_METHOD),
        ("HEAD", "/api/v1/watch/pods", NO_METHOD),
        ("HEAD", "/api", NO_METHOD),
        ("HEAD", "/apis/apps/v1", NO_METHOD),
        ("HEAD", "/version", NO_METHOD),
        ("HEAD", "/openid/v1/jwks", NO_METHOD),
        ("OPTIONS", PODS, NO_METHOD),
        ("POST", "/apis", NO_METHOD),
        ("POST", "/api/v1/pods", NO_METHOD),
        ("DELETE", "/api/v1/pods", NO_METHOD),
        ("POST", f"{PODS}/web", NO_METHOD),
        ("POST", "/api/v1/watch/pods", NO_METHOD),
        ("GET", "/api/v1/pods/web", NO_PATH),
        ("PATCH", "/api/v1/pods/web", NO_PATH),
        ("DELETE", "/api/v1/pods/web", NO_PATH),
        ("GET", "/api/v1/watch/pods/web", NO_PATH),
        ("GET", "/api/v1/pods/web/status", NO_PATH),
        ("GET", "/api/v1/watch/namespaces/default/pods/web/status", NO_PATH),
        ("POST", "/api/v1/bindings", NO_PATH),
        ("POST", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews", NO_PATH),
        ("GET", "/api/v1/namespaces/default/nodes", NO_PATH),
        ("GET", "/api/v2/pods", NO_PATH),
        ("GET", "/api/v1//pods", NO_PATH),
        ("GET", f"{PODS}/web/nothing", NO_PATH),
    ],
)
async def test_there_is_no_such_route(method: str, target: str, expected: tuple[int, str, str]) -> None:
    """404 for a path that nothing is at, 405 for a method that a path does not have, HEAD included."""
    session = await kit.new_session()
    await kit.create(session, kit.pod())
    status = kit.json_of(await kit.ask(session, method, target))
    assert (status["code"], status["reason"], status["message"]) == expected


@pytest.mark.parametrize("target", ["/healthz", "/livez", "/readyz", "/openapi/v3", "/openapi/v2", "/"])
async def test_what_may_be_asked_for_its_head(target: str) -> None:
    """Health, the list of paths and OpenAPI: those who only look whether there is somebody use HEAD."""
    answer = await kit.ask(await kit.new_session(), "HEAD", target)
    assert isinstance(answer, Full)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (f"{PODS}?limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        (f"{PODS}?limit=ten", 'strconv.ParseInt: parsing "ten": invalid syntax'),
        (f"{PODS}?timeoutSeconds=", 'strconv.ParseInt: parsing "": invalid syntax'),
        (
            f"{PODS}?continue=%25%25",
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
        ),
        (
            f"{PODS}?continue=abcde",
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 4",
        ),
        (f"{PODS}?continue=abc", "invalid continue token: continue key is not valid: it holds no JSON"),
    ],
)
async def test_parameters_that_cannot_be_read(target: str, message: str) -> None:
    """400, and what is wrong with them; nothing of what they are read with here."""
    status = kit.json_of(await kit.ask(await kit.new_session(), "GET", target))
    assert (status["code"], status["message"]) == (400, message)


@pytest.mark.parametrize(
    ("query", "names", "goes_on"),
    [
        ("limit=2", 2, True),
        ("limit=-1", 3, False),
        ("limit=2&resourceVersion=0", 3, False),
        ("limit=2&resourceVersion=0&resourceVersionMatch=NotOlderThan", 3, False),
        ("allowWatchBookmarks=banana&watch=0", 3, False),
        ("watch=false&limit=3", 3, False),
    ],
)
async def test_what_a_page_holds(query: str, names: int, goes_on: bool) -> None:
    """As many as the limit says, but all of them for those who take objects of any age."""
    session = await kit.new_session()
    for name in "abc":
        await kit.create(session, kit.config_map(name))
    found = kit.json_of(await kit.ask(session, "GET", f"{MAPS}?{query}"))
    assert (len(found["items"]), "continue" in found["metadata"]) == (names, goes_on)


@pytest.mark.parametrize(("pretty", "indented"), [("1", True), ("True", True), ("tRue", False), ("yes", False)])
async def test_who_wants_it_indented(pretty: str, indented: bool) -> None:
    """What Go takes for true, and nothing else."""
    session = await kit.new_session()
    await kit.create(session, kit.pod())
    body = kit.body_of(await kit.ask(session, "GET", f"{PODS}/web?pretty={pretty}"))
    assert (body.count(b"\n") > 2) is indented


@pytest.mark.parametrize("target", ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"])
async def test_discovery_has_no_other_forms(target: str) -> None:
    """406 for its Table or its metadata, unless the client takes it as it is, too."""
    session = await kit.new_session()
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    refused = kit.json_of(await kit.ask(session, "GET", target, headers={"Accept": table}))
    assert (refused["code"], refused["reason"]) == (406, "NotAcceptable")
    found = kit.json_of(await kit.ask(session, "GET", target, headers={"Accept": f"{table},application/json"}))
    assert found["kind"].startswith("API")


@pytest.mark.parametrize("target", [PODS, f"{PODS}/nothing", f"{PODS}?labelSelector=!!", "/api/v1/componentstatuses"])
async def test_no_form_at_all(target: str) -> None:
    """406 comes before everything else that is wrong."""
    refused = kit.json_of(await kit.ask(await kit.new_session(), "GET", target, headers={"Accept": "text/plain"}))
    assert (refused["code"], refused["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    "target", ["/nothing", "/healthz/nothing", "/debug/api_priority_and_fairness/nothing", "/apis/x"]
)
async def test_outside_of_the_api(target: str) -> None:
    """What lies in no group of the API is not found as on any web server."""
    answer = await kit.ask(await kit.new_session(), "GET", target)
    assert isinstance(answer, Full)
    assert (answer.status, answer.body, answer.content_type) == (
        404,
        b"404 page not found\n",
        "text/plain; charset=utf-8",
    )
