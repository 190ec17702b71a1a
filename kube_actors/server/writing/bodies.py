"""Bodies of requests: read, checked against the path, rid of what their kind does not know."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.schema import WRONG_TYPE, Schema, decoding_error
from kube_actors.api.strictness import prune, strict_problems, unknown_fields
from kube_actors.errors import ApiError, bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.reading.accept import PROTOBUF
from kube_actors.server.writing.media_types import Decoded, decode, media_type, yaml_problems
from kube_actors.server.writing.options import Validation

_NO_KIND: Final = "couldn't get version/kind; json parse error: "


@frozen
class Expected:
    """The kind a body is to be. `also` are further apiVersions that mean the same (an Eviction of policy/v1beta1)."""

    api_version: str
    kind: str
    schema: Schema
    also: tuple[str, ...] = ()

    @staticmethod
    def of(call: Call) -> Expected:
        """What the path of the call is about."""
        row = call.row
        return Expected(row.api_version, row.kind, row.schema)

    @staticmethod
    def type(call: Call, api_version: str, kind: str, *also: str) -> Expected:
        """A kind that is no resource of its own: `Expected.type(call, "autoscaling/v1", "Scale")`."""
        registry = call.api.registry
        name = registry.type_name(api_version, kind)
        assert name is not None, f"no type for {api_version} {kind}"
        return Expected(api_version, kind, registry.type_schema(name), also)


def read_body(call: Call, validation: Validation = "Warn", expected: Expected | None = None) -> Body:
    """The call's body as an object of the expected kind (the path's), with apiVersion and kind filled in.

    Unknown fields are taken out; they and repeated ones are refused (`Strict`), told as warnings (`Warn`) or passed
    over. ApiError 400 for what cannot be read or is of another kind, 415 for a media type that nobody reads.
    """
    wanted = expected or Expected.of(call)
    decoded = _decoded(call, wanted)
    body: Body = decoded.value
    _check_kind(body, wanted)
    problems = _strict_problems(body, decoded, wanted.schema)
    if problems:
        if validation == "Strict":
            raise _refusal(body, problems, decoded, wanted)
        if validation == "Warn":
            for problem in problems:
                call.warn(problem)
    return body


def check_types(body: Body, expected: Expected) -> None:
    """ApiError 400 for values of another type than their field's; for bodies that do not become stored objects."""
    wrong = [cause for cause in expected.schema.validate(body) if cause.reason == WRONG_TYPE]
    error = decoding_error(expected.api_version, expected.kind, wrong)
    if error is not None:
        raise error


def _decoded(call: Call, wanted: Expected) -> Decoded:
    try:
        decoded = decode(call.request, call.api.registry, wanted.api_version, wanted.kind)
    except ValueError as error:
        prefix = "" if media_type(call.request) == PROTOBUF else _NO_KIND
        shown = "" if call.request.body else " (<empty>)"
        raise _unrecognized(wanted, f"{prefix}{error}{shown}") from None
    if not isinstance(decoded.value, dict):
        shape = {list: "array", str: "string", bool: "bool", type(None): "null"}.get(type(decoded.value), "number")
        raise _unrecognized(wanted, f"{_NO_KIND}json: cannot unmarshal {shape} into an object with apiVersion and kind")
    return decoded


def _unrecognized(wanted: Expected, why: str) -> ApiError:
    """400 for a body of which not even the kind could be read. The body itself may be secret and is not repeated."""
    must = f"the object provided is unrecognized (must be of type {wanted.kind})"
    return bad_request(f"{must}: {why}")


def _check_kind(body: Any, wanted: Expected) -> None:
    """Fill in apiVersion and kind where the body leaves them out; 400 when it says others."""
    for name in ("apiVersion", "kind"):
        if not isinstance(body.get(name, ""), (str, type(None))):
            why = f"{_NO_KIND}json: cannot unmarshal the value of {name} into Go struct field .{name} of type string"
            raise _unrecognized(wanted, why)
    version = body.get("apiVersion") or wanted.api_version
    kind = body.get("kind") or wanted.kind
    if version not in (wanted.api_version, *wanted.also):
        expected = f"the expected API version ({wanted.api_version})"
        raise bad_request(f"the API version in the data ({version}) does not match {expected}")
    if kind != wanted.kind:
        short = version.rpartition("/")[2]
        what = f'{kind} in version "{short}" cannot be handled as a {wanted.kind}'
        raise bad_request(f"{what}: converting ({short}.{kind}) to ({short}.{wanted.kind}): unknown conversion")
    body["apiVersion"], body["kind"] = wanted.api_version, kind


def _strict_problems(body: Body, decoded: Decoded, schema: Schema) -> list[str]:
    """What strict reading refuses; unknown fields are out of the body then.

    JSON is told in the order of the text; of YAML the keys given twice come first, then the unknown ones, sorted.
    """
    strangers = prune(schema, body)
    if decoded.json is not None:
        return strict_problems(schema, decoded.json)
    if decoded.is_yaml:
        return [*decoded.repeated, *unknown_fields(sorted(strangers))]
    return unknown_fields(strangers)


def _refusal(body: Body, problems: list[str], decoded: Decoded, wanted: Expected) -> ApiError:
    """400 that names every problem; values of the wrong type come first, for then nothing else was read."""
    wrong = [cause for cause in wanted.schema.validate(body) if cause.reason == WRONG_TYPE]
    error = decoding_error(wanted.api_version, wanted.kind, wrong)
    if error is not None:
        return error
    if decoded.repeated:
        problems = [yaml_problems(decoded.repeated), *problems[len(decoded.repeated) :]]
    version = wanted.api_version.rpartition("/")[2]
    what = f'{wanted.kind} in version "{version}" cannot be handled as a {wanted.kind}'
    return bad_request(f"{what}: strict decoding error: {', '.join(problems)}")
