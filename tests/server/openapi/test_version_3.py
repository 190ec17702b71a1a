"""OpenAPI 3: what kubectl explains from, and what it looks at before it applies anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry
from kube_actors.server.http import Full
from kube_actors.server.openapi import descriptions
from kube_actors.server.openapi.documents import Documents
from tests.server.kit import ask, json_of, new_session

SCHEMAS = "#/components/schemas/"


async def get(target: str, **headers: str) -> Full:
    """The answer to a GET."""
    response = await ask(await new_session(), "GET", target, headers={"Accept": "application/json", **headers})
    assert isinstance(response, Full)
    return response


async def document(path: str) -> dict[str, Any]:
    """The document of one group and version."""
    found: dict[str, Any] = json_of(await get(f"/openapi/v3/{path}"))
    return found


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


async def test_the_index_leads_to_every_group_and_version() -> None:
    """Each path comes with the hash of its document, which is also its ETag."""
    index = json_of(await get("/openapi/v3"))["paths"]
    versions = {each.api_version for each in Registry.built_in()}
    named = {each for each in index if each.count("/") == (2 if each.startswith("apis/") else 1)}
    assert {f"apis/{each}" if "/" in each else f"api/{each}" for each in versions} <= named
    url = index["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    answer = await get(url)
    assert dict(answer.headers)["ETag"] == f'"{url.partition("=")[2]}"'
    assert dict(answer.headers)["Cache-Control"] == "public, immutable"
    assert "Expires" in dict(answer.headers)


async def test_paths_that_are_no_resources_have_documents() -> None:
    """Discovery, each group, the version and the keys of tokens, as kube-apiserver lists them."""
    index = json_of(await get("/openapi/v3"))["paths"]
    plain = {"api", "apis", "apis/apps", "apis/events.k8s.io", "version"}
    plain |= {".well-known/openid-configuration", "openid/v1/jwks"}
    assert plain <= index.keys()
    for path in plain:
        found = json_of(await get(index[path]["serverRelativeURL"]))
        assert found["paths"].keys() == {f"/{path}/"}
        assert {each.rpartition("/")[2] for each in references(found)} <= found["components"].get("schemas", {}).keys()
    operation = (await document("apis/apps"))["paths"]["/apis/apps/"]["get"]
    assert (operation["operationId"], operation["tags"]) == ("getAppsAPIGroup", ["apps"])
    resources = (await document("apis/rbac.authorization.k8s.io/v1"))["paths"]["/apis/rbac.authorization.k8s.io/v1/"]
    assert resources["get"]["operationId"] == "getRbacAuthorizationV1APIResources"
    assert "x-kubernetes-action" not in resources["get"]


async def test_what_a_client_has_already_is_not_sent_again() -> None:
    """304 for index and documents."""
    for target in ("/openapi/v3", "/openapi/v3/apis/batch/v1"):
        tag = dict((await get(target)).headers)["ETag"]
        assert (await get(target, **{"If-None-Match": tag})).status == 304


async def test_an_old_hash_leads_to_the_new_one() -> None:
    """A client with an index of yesterday is sent on."""
    answer = await get("/openapi/v3/apis/apps/v1?hash=OLD")
    assert answer.status == 301
    location = dict(answer.headers)["Location"]
    assert location == json_of(await get("/openapi/v3"))["paths"]["apis/apps/v1"]["serverRelativeURL"]


async def test_what_is_not_there() -> None:
    """404 for an unknown group, 406 for those who take neither form, 405 for writing."""
    assert (await get("/openapi/v3/apis/nope/v1")).status == 404
    refused = await get("/openapi/v3/apis/apps/v1", Accept="text/html")
    assert refused.status == 406
    written = await ask(await new_session(), "POST", "/openapi/v3")
    assert isinstance(written, Full)
    assert written.status == 405


@pytest.mark.parametrize("api_version", sorted({each.api_version for each in Registry.built_in()}))
async def test_every_document_is_whole(api_version: str) -> None:
    """Everything that is referred to is there, no two operations share an id, and each names its parameters."""
    found = await document(f"apis/{api_version}" if "/" in api_version else f"api/{api_version}")
    schemas = found["components"]["schemas"]
    assert {each.removeprefix(SCHEMAS) for each in references(found)} <= schemas.keys()
    ids = []
    for path, place in found["paths"].items():
        named = {each["name"] for each in place.get("parameters", ()) if each["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        ids += [place[method]["operationId"] for method in place if method != "parameters"]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "resource", [each for each in Registry.built_in() if "patch" in each.verbs], ids=lambda r: r.id
)
async def test_patches_validate_fields(resource: Any) -> None:
    """kubectl only sends fieldValidation when the PATCH of the kind names it."""
    root = f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"
    about = {"group": resource.group, "kind": resource.kind, "version": resource.version}
    patches = [place["patch"] for place in (await document(root))["paths"].values() if "patch" in place]
    mine = [each for each in patches if each["x-kubernetes-group-version-kind"] == about]
    assert mine
    for each in mine:
        names = {parameter["name"] for parameter in each["parameters"]}
        if each["x-kubernetes-action"] == "patch":
            assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= names


async def test_the_operations_of_a_resource() -> None:
    """Paths, ids and actions as the published documents have them."""
    paths = (await document("apis/apps/v1"))["paths"]
    collection = paths["/apis/apps/v1/namespaces/{namespace}/deployments"]
    assert {name: collection[name]["x-kubernetes-action"] for name in ("get", "post", "delete")} == {
        "get": "list",
        "post": "post",
        "delete": "deletecollection",
    }
    assert collection["delete"]["operationId"] == "deleteAppsV1CollectionNamespacedDeployment"
    one = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert one["get"]["operationId"] == "readAppsV1NamespacedDeployment"
    assert one["get"]["tags"] == ["apps_v1"]
    assert "application/apply-patch+yaml" in one["patch"]["requestBody"]["content"]
    scale = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["put"]
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "kind": "Scale", "version": "v1"}
    everywhere = paths["/apis/apps/v1/deployments"]["get"]
    assert everywhere["operationId"] == "listAppsV1DeploymentForAllNamespaces"
    core = (await document("api/v1"))["paths"]
    assert core["/api/v1/namespaces/{namespace}/pods/{name}/exec"]["get"]["x-kubernetes-action"] == "connect"
    assert core["/api/v1/namespaces/{namespace}/pods/{name}/exec"]["get"]["operationId"] == (
        "connectCoreV1GetNamespacedPodExec"
    )
    proxied = core["/api/v1/namespaces/{namespace}/services/{name}/proxy/{path}"]
    assert proxied["head"]["operationId"] == "connectCoreV1HeadNamespacedServiceProxyWithPath"


async def test_schemas_say_how_fields_are_merged() -> None:
    """List types, keys and merge keys; references that stand beside them are wrapped."""
    schemas = (await document("apis/apps/v1"))["components"]["schemas"]
    deployment = schemas["io.k8s.api.apps.v1.Deployment"]
    assert deployment["x-kubernetes-group-version-kind"] == [{"group": "apps", "kind": "Deployment", "version": "v1"}]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-list-type"] == "map"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-patch-strategy"] == "merge"
    assert containers["items"] == {"$ref": f"{SCHEMAS}io.k8s.api.core.v1.Container"}
    volumes = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["volumes"]
    assert volumes["x-kubernetes-patch-strategy"] == "merge,retainKeys"
    strategy = schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["strategy"]
    assert strategy["allOf"] == [{"$ref": f"{SCHEMAS}io.k8s.api.apps.v1.DeploymentStrategy"}]
    assert strategy["x-kubernetes-patch-strategy"] == "retainKeys"
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["x-kubernetes-int-or-string"]
    assert schemas["io.k8s.api.core.v1.Container"]["required"] == ["name"]
    assert schemas["io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"]["x-kubernetes-map-type"] == "atomic"
    pull = schemas["io.k8s.api.core.v1.Container"]["properties"]["imagePullPolicy"]
    assert pull["enum"] == ["Always", "IfNotPresent", "Never"]
    deployments = schemas["io.k8s.api.apps.v1.DeploymentList"]
    assert deployments["properties"]["items"]["items"] == {"$ref": f"{SCHEMAS}io.k8s.api.apps.v1.Deployment"}


async def test_descriptions_come_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package that has them texts are there; without it, and with another hash, only types."""
    with_texts, without = Documents(Registry.built_in()), Documents(Registry.built_in())
    path = "apis/scheduling.k8s.io/v1"
    assert b'"description":"PriorityClass defines' in (await with_texts.version_3(path)).body
    monkeypatch.setattr(descriptions, "source", lambda: None)
    assert b"PriorityClass defines" not in (await without.version_3(path)).body
    assert with_texts.paths[path] != without.paths[path]


async def test_documents_are_the_same_each_time() -> None:
    """Two servers of the same program have the same documents under the same hashes."""
    one, other = Documents(Registry.built_in()), Documents(Registry.built_in())
    assert one.paths == other.paths
    assert (await one.version_3("apis/policy/v1")).body == (await other.version_3("apis/policy/v1")).body


def empty_places(value: Any, place: str = "$") -> Iterator[str]:
    """Where there is nothing in a document, but for the scopes of a key, which has none."""
    if value in ([], {}, None, False):
        yield place
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from empty_places(each, f"{place}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from empty_places(each, f"{place}[{index}]")


async def test_what_is_empty_is_left_out() -> None:
    """So that a document which is read and written again, as Kubernetes' conformance tests do, stays the same."""
    documents = Documents(Registry.built_in())
    for path in documents.paths:
        found = json.loads((await documents.version_3(path)).body)
        assert list(empty_places(found)) == ["$.security[0].BearerToken"]
