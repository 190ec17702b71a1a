"""What a body is written in, and the value it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry
from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.server.http import HttpRequest
from kube_actors.server.reading.accept import JSON, PROTOBUF, YAML

READABLE: Final = (JSON, YAML, PROTOBUF)


def yaml_problems(repeated: Sequence[str]) -> str:
    """Everything that a strict reader of YAML refuses, as one error."""
    return "yaml: unmarshal errors:\n" + "\n".join(f"  {each}" for each in repeated)


@frozen
class Decoded:
    """A body's value. `json` is the text it was read from, where it may repeat a key; `repeated` are keys that a YAML
    text gives twice, in the words of its strict reader."""

    value: Any
    json: bytes | None = None
    repeated: tuple[str, ...] = ()
    is_yaml: bool = False


def media_type(request: HttpRequest) -> str:
    """The body's media type without parameters; empty when the client says none. ApiError 415 for a body that is
    compressed: a few bytes of it could stand for any number."""
    encoding = request.header("content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiError("UnsupportedMediaType", 415, f'the body of the request has the content encoding "{encoding}"')
    return request.header("content-type").partition(";")[0].strip().lower()


def decode(request: HttpRequest, registry: Registry, api_version: str, kind: str) -> Decoded:
    """Read the body; `api_version` and `kind` are those of a protobuf message that does not name its own.

    ApiError 415 for a media type nobody reads, ValueError for a body that is not what it says.
    """
    match media_type(request) or JSON:
        case "application/json":
            return decode_json(request.body)
        case "application/yaml":
            return decode_yaml(request.body)
        case "application/vnd.kubernetes.protobuf":
            from kube_actors.api.codecs.protobuf import Default, decode_object  # its facts are read with it

            return Decoded(decode_object(request.body, registry.type_name, Default(api_version, kind)))
    raise unsupported_media_type(READABLE)


def decode_json(text: bytes) -> Decoded:
    """Read strict JSON; ValueError when it is none."""
    if not text.strip():
        raise ValueError("unexpected end of JSON input")
    value = json.parse(text)
    return Decoded(value, text if json.may_repeat_keys(text, value) else None)


def decode_yaml(text: bytes) -> Decoded:
    """Read YAML, of which JSON is a part; ValueError when it is neither."""
    from kube_actors.api.codecs.yaml_body import parse_yaml  # ruamel is for those who send YAML

    if text.lstrip()[:1] == b"{":
        try:
            return decode_json(text)
        except ValueError:
            pass  # YAML's flow style begins like this, too
    value, repeated = parse_yaml(text)
    return Decoded(value, repeated=tuple(repeated), is_yaml=True)


def unsupported_media_type(readable: tuple[str, ...]) -> ApiError:
    """415, naming what can be read."""
    accepted = ", ".join(readable)
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError("UnsupportedMediaType", 415, message)
