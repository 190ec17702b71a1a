"""OpenAPI 2, for clients that know nothing newer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kube_actors.api.codecs import json
from kube_actors.api.codecs.protobuf_wire import BYTES, fields
from kube_actors.api.registry import Registry
from kube_actors.server.http import Full
from kube_actors.server.openapi import descriptions
from kube_actors.server.openapi.documents import Documents
from kube_actors.server.openapi.v2 import OLD_PROTOBUF, PROTOBUF
from tests.server.kit import ask, body_of, json_of, new_session
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


async def test_texts_of_lists_and_of_what_narrows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the texts about types are installed, lists have theirs; parameters always have."""
    about_items = {("io.k8s.api.core.v1.ServiceList", "items"): "Every service.", ("x", ""): ""}
    monkeypatch.setattr(descriptions, "load", lambda: about_items)
    found = json.loads((await Documents(Registry.built_in()).version_2()).body)
    properties = found["definitions"]["io.k8s.api.core.v1.ServiceList"]["properties"]
    assert properties["items"]["description"] == "Every service."
    listed = found["paths"]["/api/v1/services"]
    parameters = [*listed["get"].get("parameters", ()), *listed.get("parameters", ())]
    texts = {each["name"]: each["description"] for each in parameters}
    assert "list of returned objects" in texts["labelSelector"]
    assert "changes to the described resources" in texts["watch"]


def parts(message: bytes, number: int) -> list[bytes]:
    """What stands in a message under a number."""
    return [value for at, wire, value in fields(message) if at == number and wire == BYTES and isinstance(value, bytes)]


def entries(message: bytes, number: int) -> Mapping[str, bytes]:
    """The entries of a map, by name."""
    return {parts(each, 1)[0].decode(): (parts(each, 2) or [b""])[0] for each in parts(message, number)}


@pytest.mark.parametrize("accept", [PROTOBUF, OLD_PROTOBUF, f"{OLD_PROTOBUF}, application/json;q=0.5"])
async def test_in_protobuf(accept: str) -> None:
    """kubectl and helm read this document in no other form; it says the same as the one in JSON."""
    answer = await get(accept)
    assert answer.content_type == PROTOBUF
    document, found = body_of(answer), json_of(await get("application/json"))
    assert parts(document, 1) == [b"2.0"]
    definitions = {name: each for piece in parts(document, 9) for name, each in entries(piece, 1).items()}
    assert definitions.keys() == found["definitions"].keys()
    spec = entries(parts(definitions["io.k8s.api.core.v1.PodSpec"], 25)[0], 1)
    containers = spec["containers"]
    assert parts(parts(containers, 22)[0], 1) == [b"array"]
    item = parts(parts(containers, 23)[0], 1)[0]
    assert parts(item, 1) == [f"{DEFINITIONS}io.k8s.api.core.v1.Container".encode()]
    extensions = {name: json.loads(parts(each, 2)[0]) for name, each in entries(containers, 31).items()}
    assert extensions["x-kubernetes-patch-merge-key"] == "name"
    assert extensions["x-kubernetes-list-map-keys"] == ["name"]


async def test_operations_in_protobuf() -> None:
    """Paths with their methods, parameters and answers."""
    document, found = body_of(await get(PROTOBUF)), json_of(await get("application/json"))
    paths = {name: each for piece in parts(document, 8) for name, each in entries(piece, 2).items()}
    assert paths.keys() == found["paths"].keys()
    name = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    patch = parts(paths[name], 8)[0]
    assert parts(patch, 5) == [b"patchAppsV1NamespacedDeployment"]
    assert len(parts(patch, 8)) == len(found["paths"][name]["patch"]["parameters"])
    assert entries(parts(patch, 9)[0], 1).keys() == {"200", "201", "401"}
    assert json.loads(parts(entries(patch, 13)["x-kubernetes-action"], 2)[0]) == "patch"


async def test_neither_json_nor_protobuf() -> None:
    """406."""
    assert (await get("text/html")).status == 406
