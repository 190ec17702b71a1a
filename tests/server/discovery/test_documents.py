"""Discovery: what kubectl and client libraries learn of the server before anything else."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.server.http import Full
from tests.server.kit import ask, json_of, new_session

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
KUBECTL = f"{V2},{V2BETA1},application/json"


async def get(target: str, accept: str = "application/json", **headers: str) -> Full:
    """The answer to a GET."""
    response = await ask(await new_session(), "GET", target, headers={"Accept": accept, "Host": "a:1", **headers})
    assert isinstance(response, Full)
    return response


def header(response: Full, name: str) -> str:
    """A header of the answer; empty when there is none."""
    return dict(response.headers).get(name, "")


async def test_plain_versions_and_groups() -> None:
    """`/api` and `/apis` for clients that know nothing of aggregated discovery."""
    versions = json_of(await get("/api"))
    assert (versions["kind"], versions["versions"]) == ("APIVersions", ["v1"])
    assert versions["serverAddressByClientCIDRs"] == [{"clientCIDR": "0.0.0.0/0", "serverAddress": "a:1"}]
    listed = json_of(await get("/apis"))
    assert (listed["kind"], listed["apiVersion"]) == ("APIGroupList", "v1")
    by_name = {each["name"]: each for each in listed["groups"]}
    assert list(by_name)[:3] == ["apiregistration.k8s.io", "apps", "events.k8s.io"]
    assert by_name["autoscaling"]["preferredVersion"] == {"groupVersion": "autoscaling/v2", "version": "v2"}
    assert [each["version"] for each in by_name["autoscaling"]["versions"]] == ["v2", "v1"]


async def test_one_group() -> None:
    """`/apis/GROUP` says what kind of document it is; there is no group of the core."""
    group = json_of(await get("/apis/apps"))
    assert (group["kind"], group["apiVersion"], group["name"]) == ("APIGroup", "v1", "apps")
    assert (await get("/apis/")).status == 200


async def test_resources_with_their_subresources() -> None:
    """Everything kubectl needs to find a resource by what a person types."""
    core = json_of(await get("/api/v1"))
    assert (core["kind"], core["groupVersion"]) == ("APIResourceList", "v1")
    by_name = {each["name"]: each for each in core["resources"]}
    assert by_name["pods"] == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["po"],
        "categories": ["all"],
        "storageVersionHash": "xPOwRZ+Yhw8=",
    }
    eviction = by_name["pods/eviction"]
    assert (eviction["group"], eviction["version"], eviction["kind"]) == ("policy", "v1", "Eviction")
    assert eviction["singularName"] == ""
    assert "storageVersionHash" not in by_name["bindings"]
    apps = json_of(await get("/apis/apps/v1"))
    assert (apps["apiVersion"], apps["groupVersion"]) == ("v1", "apps/v1")
    scale = next(each for each in apps["resources"] if each["name"] == "deployments/scale")
    assert (scale["group"], scale["kind"], scale["verbs"]) == ("autoscaling", "Scale", ["get", "patch", "update"])


async def test_members_stand_as_kubernetes_writes_them() -> None:
    """Scripts that look for a piece of the text find it."""
    begin = b'{"name":"configmaps","singularName":"configmap","namespaced":true,"kind":"ConfigMap","verbs":["create",'
    core = (await get("/api/v1")).body
    assert isinstance(core, bytes)
    assert begin in core
    assert core.startswith(b'{"kind":"APIResourceList","groupVersion":"v1","resources":[')
    assert b'"watch"],"shortNames":["po"],"categories":["all"],"storageVersionHash":"' in core
    scale = (
        b'{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind"'
    )
    assert scale in (await get("/apis/apps/v1")).body


async def test_versions_of_a_kind_share_a_storage_version() -> None:
    """Autoscalers are kept in version 2, whichever version is looked at; events in that of the core."""
    hashes = set()
    for version in ("v1", "v2"):
        listed = json_of(await get(f"/apis/autoscaling/{version}"))
        hashes.add(next(each["storageVersionHash"] for each in listed["resources"] if "/" not in each["name"]))
    assert len(hashes) == 1
    events = json_of(await get("/apis/events.k8s.io/v1"))["resources"][0]
    assert events["storageVersionHash"] == "r2yiGXH7wu8="


@pytest.mark.parametrize("path", ["/apis/apps/v9", "/api/v2"])
async def test_what_is_not_there(path: str) -> None:
    """404 as a Status."""
    answer = await get(path)
    assert answer.status == 404
    assert json_of(answer)["reason"] == "NotFound"


async def test_only_reading() -> None:
    """Documents are not written."""
    answer = await ask(await new_session(), "POST", "/apis")
    assert isinstance(answer, Full)
    assert answer.status == 405


@pytest.mark.parametrize(("accept", "version"), [(KUBECTL, "v2"), (V2BETA1, "v2beta1"), (f"{V2};profile=nopeer", "v2")])
async def test_aggregated(accept: str, version: str) -> None:
    """All groups in one document, in the version that the client prefers, and said so in the content type."""
    answer = await get("/apis", accept)
    assert answer.content_type == f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    assert header(answer, "Vary") == "Accept"
    found = json_of(answer)
    assert (found["kind"], found["apiVersion"]) == ("APIGroupDiscoveryList", f"apidiscovery.k8s.io/{version}")
    apps = next(each for each in found["items"] if each["metadata"]["name"] == "apps")
    assert (apps["versions"][0]["version"], apps["versions"][0]["freshness"]) == ("v1", "Current")
    deployments = next(each for each in apps["versions"][0]["resources"] if each["resource"] == "deployments")
    assert deployments["responseKind"] == {"group": "", "version": "", "kind": "Deployment"}
    assert (deployments["scope"], deployments["singularResource"]) == ("Namespaced", "deployment")
    assert deployments["subresources"][0] == {
        "subresource": "scale",
        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "verbs": ["get", "patch", "update"],
    }


async def test_aggregated_core() -> None:
    """`/api` has the core group, which has no name; together with `/apis` every resource is there once."""
    core = json_of(await get("/api", KUBECTL))
    assert [each["metadata"] for each in core["items"]] == [{}]
    items: list[dict[str, Any]] = core["items"] + json_of(await get("/apis", KUBECTL))["items"]
    names = [
        (group["metadata"].get("name", ""), version["version"], resource["resource"])
        for group in items
        for version in group["versions"]
        for resource in version["resources"]
    ]
    assert sorted(names) == sorted((each.group, each.version, each.plural) for each in Registry.built_in())


async def test_what_a_client_prefers_wins() -> None:
    """Plain documents for those who rank them first, and 406 for what cannot be written."""
    assert json_of(await get("/apis", f"{V2};q=0.5,application/json"))["kind"] == "APIGroupList"
    assert json_of(await get("/apis", "*/*"))["kind"] == "APIGroupList"
    assert (await get("/apis", "application/cbor")).status == 406


async def test_who_asks_for_protobuf_gets_json() -> None:
    """Both kinds of documents, by the name of what they are."""
    protobuf = "application/vnd.kubernetes.protobuf"
    plain = await get("/apis", protobuf)
    assert (plain.content_type, json_of(plain)["kind"]) == ("application/json", "APIGroupList")
    whole = await get("/apis", V2.replace("application/json", protobuf))
    assert whole.content_type.startswith("application/json;g=apidiscovery.k8s.io")
    assert json_of(whole)["kind"] == "APIGroupDiscoveryList"


async def test_what_a_client_has_already_is_not_sent_again() -> None:
    """304 for the same ETag; another form of the document has another one."""
    first = await get("/apis", KUBECTL)
    tag = header(first, "ETag")
    again = await get("/apis", KUBECTL, **{"If-None-Match": tag})
    assert (again.status, again.body, header(again, "ETag")) == (304, b"", tag)
    other = await get("/apis", V2BETA1, **{"If-None-Match": tag})
    assert other.status == 200
    assert header(other, "ETag") != tag


async def test_version_is_what_clients_can_read() -> None:
    """A semantic version, with major and minor of the API it speaks."""
    version = json_of(await get("/version"))
    assert (version["major"], version["minor"]) == ("1", "36")
    assert version["gitVersion"].startswith("v1.36.")
    assert (version["emulationMinor"], version["minCompatibilityMinor"]) == ("36", "35")
    assert version["platform"].startswith("linux/")


async def test_paths() -> None:
    """`/` lists what there is, sorted."""
    paths = json_of(await get("/"))["paths"]
    assert paths == sorted(paths)
    assert {"/api", "/api/v1", "/apis/apps/v1", "/openapi/v3", "/readyz/etcd", "/version"} <= set(paths)
