"""Whatever is sent, of whatever kind and in whatever way: it is written or refused, and nothing breaks."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from kube_actors.api.registry import Registry, Resource
from tests.api.protobuf_writing import deployment_message, envelope
from tests.server.writing.random_objects import damaged, random_object, random_operations
from tests.server.writing.stage import APPLY, DEPLOYMENTS, JSON_PATCH, MERGE, STRATEGIC, Caller, Reply, new_caller

WRITABLE = [each for each in Registry.built_in() if {"create", "get", "patch"} <= set(each.verbs)]
PARTS = ("status", "scale", "ephemeralcontainers", "resize", "finalize", "binding", "approval")
FINE = {200, 201, 202, 400, 403, 404, 405, 409, 422}
PROTOBUF = "application/vnd.kubernetes.protobuf"


def is_fine(reply: Reply, media_type: str) -> bool:
    """Whether somebody foresaw the answer. What does not fit its kind cannot be applied, nor merged by directives that
    make no sense: 500 without a reason."""
    nameless = media_type in (APPLY, STRATEGIC) and reply.code == 500 and "reason" not in reply.body
    return nameless or reply.code in FINE


def _collection(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    return f"{root}{'/namespaces/default' if resource.namespaced else ''}/{resource.plural}"


def _request(resource: Resource, source: random.Random) -> tuple[str, str, Any, str]:
    """Method, target, body and media type of some write."""
    body: Any = random_object(resource.schema.root, source)
    body.pop("apiVersion", None)
    body.pop("kind", None)
    configuration = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
    if source.random() < 0.5:
        body, configuration = damaged(body, source), damaged(configuration, source)
    collection = _collection(resource)
    one, query = f"{collection}/web", source.choice(("", "?fieldValidation=Strict", "?dryRun=All"))
    parts = [each.name for each in resource.subresources if each.name in PARTS]
    part = f"{one}/{source.choice(parts)}" if parts else one
    return source.choice(
        (
            ("POST", f"{collection}{query}", body, ""),
            ("PUT", f"{one}{query}", body, ""),
            ("PATCH", f"{one}{query}", body, source.choice((MERGE, STRATEGIC))),
            ("PATCH", f"{one}{query}", random_operations(body, source), JSON_PATCH),
            ("PATCH", f"{one}?fieldManager={source.choice('ab')}&force={source.randint(0, 1)}", configuration, APPLY),
            ("PUT", f"{part}{query}", body, ""),
            ("PATCH", f"{part}?fieldManager=a&force=1", configuration, APPLY),
            ("PATCH", f"{part}{query}", body, source.choice((MERGE, STRATEGIC))),
            ("DELETE", one, damaged({"propagationPolicy": "Orphan", "preconditions": {"uid": "x"}}, source), ""),
        )
    )


@pytest.mark.parametrize("seed", range(4))
async def test_no_body_breaks_anything(seed: int) -> None:
    """Hundreds of requests of all kinds against one cluster; some succeed, none is an error that nobody foresaw.

    Configurations that do not fit their kind are answered with 500 without a reason, as Kubernetes does.
    """
    source, call = random.Random(seed), await new_caller()
    codes: Counter[int] = Counter()
    for _ in range(500):
        method, target, body, media_type = _request(source.choice(WRITABLE), source)
        reply = await call(method, target, body, media_type)
        assert is_fine(reply, media_type), (method, target, media_type, body, reply.body)
        codes[reply.code] += 1
    assert codes[200] + codes[201] > 25
    assert codes[400] + codes[500] > 50


async def test_no_protobuf_breaks_anything(call: Caller) -> None:
    """A Deployment as client-go sends it, damaged in a few bytes or cut off."""
    source, whole = random.Random(3), envelope("apps/v1", "Deployment", deployment_message())
    assert (await call("POST", DEPLOYMENTS, whole, PROTOBUF)).code == 201
    for _ in range(500):
        body = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            body[source.randrange(len(body))] = source.randrange(256)
        if source.random() < 0.2:
            del body[source.randrange(len(body)) :]
        reply = await call("POST", f"{DEPLOYMENTS}?dryRun=All", bytes(body), PROTOBUF)
        assert is_fine(reply, PROTOBUF), (bytes(body), reply.body)


YAML = b"""apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {a: b, c: &anchor text}
data:
  k: |
    text
  <<: {z: '1'}
  d: *anchor
"""


async def test_no_yaml_breaks_anything(call: Caller) -> None:
    """An applied configuration in which any character may have become another."""
    source, target = random.Random(5), "/api/v1/namespaces/default/configmaps/settings"
    assert (await call.apply(target, YAML)).code == 201
    for _ in range(500):
        body = bytearray(YAML)
        for _ in range(source.randint(1, 4)):
            body[source.randrange(len(body))] = source.choice(b"{}[]:&*!|>%@`'\"#,?- \n\t\x00\xffaZ01")
        reply = await call.apply(target, bytes(body))
        assert is_fine(reply, APPLY), (bytes(body), reply.body)
