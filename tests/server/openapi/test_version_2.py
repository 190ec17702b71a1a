"""OpenAPI 2, for clients that know nothing newer."""

from __future__ import annotations

from kube_actors.api.registry import Registry
from kube_actors.server.http import Full
from tests.server.kit import ask, json_of, new_session
from tests.server.openapi.test_version_3 import references

DEFINITIONS = "#/definitions/"


async def get(accept: str, **headers: str) -> Full:
    """The answer to a GET of the document."""
    response = await ask(await new_session(), "GET", "/openapi/v2", headers={"Accept": accept, **headers})
    assert isinstance(response, Full)
    return response


async def test_one_document_for_everything() -> None:
    """All kinds, everything referred to, no operation twice."""
    answer = await get("application/json")
    found = json_of(answer)
    assert found["swagger"] == "2.0"
    assert {each.removeprefix(DEFINITIONS) for each in references(found)} <= found["definitions"].keys()
    kinds = {
        (kind["group"], kind["version"], kind["kind"])
        for schema in found["definitions"].values()
        for kind in schema.get("x-kubernetes-group-version-kind", ())
    }
    assert kinds >= {(each.group, each.version, each.kind) for each in Registry.built_in()}
    ids = [
        place[method]["operationId"] for place in found["paths"].values() for method in place if method != "parameters"
    ]
    assert len(ids) == len(set(ids))
    tag = dict(answer.headers)["ETag"]
    assert (await get("application/json", **{"If-None-Match": tag})).status == 304


async def test_schemas_and_parameters_as_version_2_writes_them() -> None:
    """References stand beside other keys, bodies are parameters."""
    found = json_of(await get("*/*"))
    properties = found["definitions"]["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]
    assert properties["strategy"]["$ref"] == f"{DEFINITIONS}io.k8s.api.apps.v1.DeploymentStrategy"
    assert properties["strategy"]["x-kubernetes-patch-strategy"] == "retainKeys"
    assert found["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"
    patch = found["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" in patch["consumes"]
    assert patch["parameters"][0]["in"] == "body"
    assert {"fieldValidation", "force"} <= {each["name"] for each in patch["parameters"]}
