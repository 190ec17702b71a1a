"""What a body may be written in, and what is answered to one that cannot be read or means something else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import CONFIG_MAPS, DEPLOYMENTS, JSON_PATCH, Caller, config_map, deployment

UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include: "


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "application/json; charset=utf-8", "APPLICATION/JSON"]
)
async def test_json_is_the_default(call: Caller, content_type: str) -> None:
    """A body without media type is JSON, and parameters of the type do not matter."""
    assert (await call("POST", CONFIG_MAPS, b'{"metadata":{"name":"a"}}', content_type)).code == 201


async def test_yaml(call: Caller) -> None:
    """YAML is read as Kubernetes reads it."""
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  text: |\n    one\n    two\n"
    reply = await call("POST", CONFIG_MAPS, body, "application/yaml")
    assert (reply.code, reply.body["data"]) == (201, {"text": "one\ntwo\n"})


async def test_kind_and_version_come_from_the_path(call: Caller) -> None:
    """A body may leave out apiVersion and kind; the answer has them."""
    reply = await call("POST", CONFIG_MAPS, config_map())
    assert (reply.body["apiVersion"], reply.body["kind"]) == ("v1", "ConfigMap")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", f"{UNRECOGNIZED}json parse error: unexpected end of JSON input (<empty>)"),
        (b"[]", f"{UNRECOGNIZED}json parse error: json: cannot unmarshal array into an object with"),
        (b"null", f"{UNRECOGNIZED}json parse error: json: cannot unmarshal null into an object with"),
        (b'{"kind":3}', f"{UNRECOGNIZED}json parse error: json: cannot unmarshal the value of kind"),
        (b'{"metadata":', f"{UNRECOGNIZED}json parse error: "),
        (b'{"data":{"a":"\xff"}}', f"{UNRECOGNIZED}json parse error: "),
        (b'{"a":' * 300 + b"1" + b"}" * 300, f"{UNRECOGNIZED}json parse error: nested deeper than 200 levels"),
        (b'{"a":' * 100_000, f"{UNRECOGNIZED}json parse error: "),
        (b'{"apiVersion":"apps/v1"}',
         "the API version in the data (apps/v1) does not match the expected API version (v1)"),
        (b'{"kind":"Secret"}', 'Secret in version "v1" cannot be handled as a ConfigMap: '),
        (b'{"metadata":[]}', "metadata must be an object"),
        (b'{"metadata":{"name":7}}', "metadata.name must be a string"),
        (b'{"metadata":{"name":"a"},"data":{"a":1}}', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '),
    ],
)  # fmt: skip
async def test_unreadable_bodies(call: Caller, body: bytes, message: str) -> None:
    """400 that says what is wrong."""
    reply = await call("POST", CONFIG_MAPS, body)
    assert (reply.code, reply.body["reason"]) == (400, "BadRequest")
    assert reply.message.startswith(message)


async def test_unknown_media_types(call: Caller) -> None:
    """415 naming those that are read; of patches others than of objects."""
    reply = await call("POST", CONFIG_MAPS, b"{}", "text/plain")
    assert (reply.code, reply.body["reason"]) == (415, "UnsupportedMediaType")
    assert reply.message == f"{UNKNOWN_FORMAT}application/json, application/yaml, application/vnd.kubernetes.protobuf"
    patches = "merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"
    for content_type in ("", "application/json", "application/apply-patch+cbor"):
        reply = await call("PATCH", f"{CONFIG_MAPS}/a", b"{}", content_type)
        assert (reply.code, reply.message) == (415, f"{UNKNOWN_FORMAT}{JSON_PATCH}, application/{patches}")


@pytest.mark.parametrize(
    ("method", "target", "metadata", "message"),
    [
        ("POST", CONFIG_MAPS, {"name": "a", "namespace": "other"},
         "the namespace of the provided object does not match the namespace sent on the request"),
        ("PUT", f"{CONFIG_MAPS}/a", {"name": "b"}, "the name of the object (b) does not match the name on the URL (a)"),
        ("PUT", f"{CONFIG_MAPS}/a", {},
         "the name of the object (a based on URL) was undeterminable: name must be provided"),
        ("PUT", f"{CONFIG_MAPS}/a", {"name": "a", "namespace": "other"},
         "the namespace of the object (other) does not match the namespace on the request (default)"),
    ],
)  # fmt: skip
async def test_other_places_than_the_path(
    call: Caller, method: str, target: str, metadata: dict[str, Any], message: str
) -> None:
    """400 for a name or namespace that is not the path's."""
    reply = await call(method, target, {"metadata": metadata})
    assert (reply.code, reply.message) == (400, message)


UNKNOWN = b"""{"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
"foo":1,"replicas":1,"replicas":2,"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"a","imag":"b"}]}}}}"""
PROBLEMS = [
    'unknown field "spec.foo"',
    'duplicate field "spec.replicas"',
    'unknown field "spec.template.spec.containers[0].imag"',
]


async def test_strict_validation_names_unknown_and_duplicate_fields(call: Caller) -> None:
    """400 that lists them in the order of the body; nothing is stored."""
    reply = await call("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", UNKNOWN)
    what = 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
    assert (reply.code, reply.message) == (400, what + ", ".join(PROBLEMS))
    assert (await call("GET", f"{DEPLOYMENTS}/web")).code == 404


@pytest.mark.parametrize(("mode", "warnings"), [("", PROBLEMS), ("?fieldValidation=Warn", PROBLEMS)])
async def test_other_validation_prunes(call: Caller, mode: str, warnings: list[str]) -> None:
    """Unknown fields are not stored, the last of equal ones counts, and each is a warning."""
    reply = await call("POST", f"{DEPLOYMENTS}{mode}", UNKNOWN)
    assert (reply.code, reply.warnings) == (201, warnings)
    spec = reply.body["spec"]
    assert (spec["replicas"], "foo" in spec, "imag" in spec["template"]["spec"]["containers"][0]) == (2, False, False)


async def test_ignoring_validation_says_nothing(call: Caller) -> None:
    """`Ignore` prunes silently."""
    reply = await call("POST", f"{DEPLOYMENTS}?fieldValidation=Ignore", UNKNOWN)
    assert (reply.code, reply.warnings, "foo" in reply.body["spec"]) == (201, [], False)


async def test_repeated_keys_of_yaml(call: Caller) -> None:
    """YAML that gives a key twice is refused when strict, and warned of otherwise."""
    body = b"metadata: {name: a}\ndata:\n  a: '1'\n  a: '2'\n"
    reply = await call("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body, "application/yaml")
    assert reply.code == 400
    assert reply.message.endswith(
        'strict decoding error: yaml: unmarshal errors:\n  line 4: key "a" already set in map'
    )
    reply = await call("POST", CONFIG_MAPS, body, "application/yaml")
    assert (reply.code, reply.warnings) == (201, ['line 4: key "a" already set in map'])


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("dryRun=Some", 'dryRun: Unsupported value: ["Some"]: supported values: "All"'),
        ("fieldValidation=Loud", 'fieldValidation: Unsupported value: "Loud": supported values: '),
        (f"fieldManager={'m' * 129}", "fieldManager: Too long: may not be more than 128 bytes"),
        ("fieldManager=a%0Ab", 'fieldManager: Invalid value: "a\\nb": invalid character U+000A (at position 1)'),
    ],
)
async def test_wrong_options(call: Caller, query: str, cause: str) -> None:
    """422 of the kind CreateOptions."""
    reply = await call("POST", f"{CONFIG_MAPS}?{query}", config_map())
    assert (reply.code, reply.body["details"]["kind"]) == (422, "CreateOptions")
    assert reply.causes[0].startswith(cause)


async def test_writes_without_a_place(call: Caller) -> None:
    """405 for creating in all namespaces at once, over a name, and for deleting everywhere."""
    for method, target in (
        ("POST", "/apis/apps/v1/deployments"),
        ("POST", f"{DEPLOYMENTS}/web"),
        ("DELETE", "/apis/apps/v1/deployments"),
        ("PUT", DEPLOYMENTS),
    ):
        assert (await call(method, target, deployment())).code == 405, target
