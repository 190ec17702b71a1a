"""Server-side apply over HTTP: a PATCH whose body is the configuration that its field manager wants."""

from __future__ import annotations

from typing import Final

from kube_actors.api.strictness import strict_problems
from kube_actors.api.structured_merge import kind_text
from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.writing.answers import written
from kube_actors.server.writing.media_types import Decoded, decode_yaml, yaml_problems
from kube_actors.server.writing.options import WriteOptions, read_options
from kube_actors.server.writing.places import settle

APPLY: Final = "application/apply-patch+yaml"


async def apply(call: Call) -> Response:
    """201 when the object is new, else 200; 409 with a cause per field that another manager owns, 500 for fields that
    the kind does not have (in every mode of validation, as a typed configuration cannot hold them)."""
    options = read_options(call, "PatchOptions", applies=True)
    body = await call.work.run(read_configuration, call, options, call.row.api_version, call.row.kind)
    before = call.api.store.get(call.key)
    exists = before is not None
    metadata = body.get("metadata") or {}
    if exists and isinstance(metadata, dict) and not metadata.get("name"):
        body["metadata"] = {**metadata, "name": call.info.name}
    settle(call, body)
    if not exists and not call.info.subresource:
        call.check_allowed(call.attributes("create"))
    applied = await call.client.apply(
        body, force=options.force, dry_run=options.dry_run, subresource=call.info.subresource
    )
    return await written(call, applied.revision, 201 if applied.outcome == "created" else 200, before)


def read_configuration(call: Call, options: WriteOptions, api_version: str, kind: str) -> Body:
    """The applied configuration, which must be of this kind; repeated fields are refused or told. ApiError 400."""
    try:
        decoded = decode_yaml(call.request.body)
    except ValueError as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    body: Body | None = decoded.value
    if body is None:
        body = {}
    if not isinstance(body, dict):
        why = "while decoding JSON: json: cannot unmarshal the value into Go value of type map[string]interface {}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: {why}")
    if (body.get("apiVersion"), body.get("kind")) != (api_version, kind):
        raise bad_request(f"invalid object type: {kind_text(body)}")
    _judge_repeated(call, options, decoded)
    return body


def _judge_repeated(call: Call, options: WriteOptions, decoded: Decoded) -> None:
    repeated = decoded.repeated if decoded.json is None else _repeated(decoded.json)
    if repeated and options.validation == "Strict":
        raise bad_request(f"error strict decoding YAML: error converting YAML to JSON: {yaml_problems(repeated)}")
    if options.validation == "Warn":
        for problem in repeated:
            call.warn(problem)


def _repeated(text: bytes) -> tuple[str, ...]:
    """What a JSON text gives twice, as a reader of YAML says it, for every configuration is read as YAML."""
    from kube_actors.api.codecs.yaml_body import parse_yaml  # only for texts known to repeat a key

    try:
        return tuple(parse_yaml(text)[1])
    except ValueError:  # too long for that reader
        return tuple(strict_problems(None, text))
