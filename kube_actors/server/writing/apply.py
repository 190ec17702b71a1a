"""Server-side apply over HTTP: a PATCH whose body is the configuration that its field manager wants."""

from __future__ import annotations

from typing import Final

from kube_actors.api.schema import WRONG_TYPE
from kube_actors.api.strictness import prune, strict_problems
from kube_actors.api.structured_merge import untyped
from kube_actors.api.typed_configuration import misfits
from kube_actors.errors import ApiError, bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.writing.answers import written
from kube_actors.server.writing.media_types import Decoded, decode_yaml, yaml_problems
from kube_actors.server.writing.options import WriteOptions, read_options
from kube_actors.server.writing.places import settle

APPLY: Final = "application/apply-patch+yaml"


async def apply(call: Call) -> Response:
    """201 when the object is new, else 200; 409 with a cause per field that another manager owns."""
    options = read_options(call, "PatchOptions", applies=True)
    body = read_configuration(call, options)
    exists = call.api.store.get(call.key) is not None
    if exists and not (body.get("metadata") or {}).get("name"):
        body["metadata"] = {**(body.get("metadata") or {}), "name": call.info.name}
    settle(call, body)
    if not exists and not call.info.subresource:
        call.check_allowed(call.attributes("create"))
    applied = await call.client.apply(
        body, force=options.force, dry_run=options.dry_run, subresource=call.info.subresource
    )
    return await written(call, applied.revision, 201 if applied.outcome == "created" else 200)


def read_configuration(call: Call, options: WriteOptions) -> Body:
    """The applied configuration. ApiError 400 for what is no object of the path's kind and version, for fields the kind
    does not have (in every mode of validation, as a typed configuration cannot hold them) and for repeated ones."""
    decoded = decode_configuration(call, options)
    body: Body = decoded.value
    row = call.row
    if body["apiVersion"] != row.api_version:
        version = body["apiVersion"]
        why = f"Specified patch version: {version}, expected: {row.api_version}"
        raise bad_request(f"Incorrect version specified in apply patch. {why}")
    if body["kind"] != row.kind:
        raise bad_request(f"Incorrect kind specified in apply patch. Specified: {body['kind']}, expected: {row.kind}")
    problems = list(misfits(body, row.schema))
    if problems:
        raise _untyped(call, problems)
    wrong = [cause for cause in row.schema.validate(body) if cause.reason == WRONG_TYPE]
    if wrong:
        raise _untyped(call, [(f".{cause.field}", cause.message) for cause in wrong])
    prune(row.schema, body)
    return body


def decode_configuration(call: Call, options: WriteOptions) -> Decoded:
    """The body as an object with apiVersion and kind; repeated fields are refused or told."""
    try:
        decoded = decode_yaml(call.request.body)
    except ValueError as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(decoded.value, dict):
        raise bad_request("error decoding YAML: the configuration must be an object")
    for name in ("apiVersion", "kind"):
        if not isinstance(decoded.value.get(name), str) or not decoded.value[name]:
            raise bad_request(f"Object '{name}' is missing in the applied configuration")
    repeated = decoded.repeated if decoded.json is None else _repeated(decoded.json)
    if repeated and options.validation == "Strict":
        raise bad_request(f"error strict decoding YAML: error converting YAML to JSON: {yaml_problems(repeated)}")
    if options.validation == "Warn":
        for problem in repeated:
            call.warn(problem)
    return decoded


def _repeated(text: bytes) -> tuple[str, ...]:
    """What a JSON text gives twice, as a reader of YAML says it, for every configuration is read as YAML."""
    from kube_actors.api.codecs.yaml_body import parse_yaml  # only for texts known to repeat a key

    try:
        return tuple(parse_yaml(text)[1])
    except ValueError:  # too long for that reader
        return tuple(strict_problems(None, text))


def _untyped(call: Call, problems: list[tuple[str, str]]) -> ApiError:
    """400 that names the object by its path, for a configuration may leave its name and namespace out."""
    info, row = call.info, call.row
    metadata = {"name": info.name, "namespace": info.namespace}
    named = {"apiVersion": row.api_version, "kind": row.kind, "metadata": metadata}
    return untyped(named, problems)
