"""Operations as the two versions of OpenAPI write them. What is empty is left out: programs that read a document and
write it down again, as Kubernetes' own tests do, leave it out as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kube_actors.server.openapi.operations import PATCH, TEXT, Operation, tag_of
from kube_actors.server.openapi.parameters import PATH, PRETTY, Parameter
from kube_actors.server.openapi.schemas import V2, V3, Body, full_name

_PATCHES: Final = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_ANSWERS: Final = ("application/json", "application/yaml")
_WATCHES: Final = (*_ANSWERS, "application/json;stream=watch")
_CODES: Final = {200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized"}


def paths_v3(operations: Iterable[Operation]) -> Body:
    """`paths` of an OpenAPI 3.0 document."""
    paths: Body = {}
    for operation in operations:
        place = paths.setdefault(operation.path, _place(operation, _parameter_v3))
        place[operation.method] = _operation_v3(operation)
    return paths


def paths_v2(operations: Iterable[Operation]) -> Body:
    """`paths` of a Swagger 2.0 document."""
    paths: Body = {}
    for operation in operations:
        place = paths.setdefault(operation.path, _place(operation, _parameter_v2))
        place[operation.method] = _operation_v2(operation)
    return paths


def _place(operation: Operation, write: Any) -> Body:
    """What all operations of a path have in common."""
    if operation.about is None:
        return {}
    named = [parameter for name, parameter in PATH.items() if f"{{{name}}}" in operation.path]
    return {"parameters": [write(each) for each in (*named, PRETTY)]}


def _operation_v3(operation: Operation) -> Body:
    media = _produced(operation)
    schema = {"type": "string"} if operation.answer == TEXT else V3.refer(full_name(operation.answer))
    content = {each: {"schema": schema} for each in media}
    responses: Body = {str(code): {"description": _CODES[code], "content": content} for code in operation.codes}
    written = {**_common(operation), "responses": {**responses, "401": {"description": _CODES[401]}}}
    if operation.query:
        written["parameters"] = [_parameter_v3(each) for each in operation.query]
    if operation.body:
        body = {"schema": V3.refer(full_name(operation.body))}
        content = {"content": {each: body for each in _consumed(operation)}}
        written["requestBody"] = {**content, "required": True} if operation.method != "delete" else content
    return written


def _operation_v2(operation: Operation) -> Body:
    schema = {"type": "string"} if operation.answer == TEXT else V2.refer(full_name(operation.answer))
    responses: Body = {str(code): {"description": _CODES[code], "schema": schema} for code in operation.codes}
    parameters = [_parameter_v2(each) for each in operation.query]
    if operation.body:
        body = {"name": "body", "in": "body", "schema": V2.refer(full_name(operation.body))}
        parameters.insert(0, {**body, "required": True} if operation.method != "delete" else body)
    written = {
        **_common(operation),
        "consumes": list(_consumed(operation)),
        "produces": list(_produced(operation)),
        "schemes": ["https"],
        "responses": {**responses, "401": {"description": _CODES[401]}},
    }
    return {**written, "parameters": parameters} if parameters else written


def _common(operation: Operation) -> Body:
    about = operation.about
    said: Body = {"description": operation.description, "operationId": operation.id}
    if about is None:
        return {**said, "tags": [operation.tag]}
    return {
        **said,
        "tags": [f"{tag_of(about.group)}_{about.version}"],
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": about.as_dict(),
    }


def _produced(operation: Operation) -> tuple[str, ...]:
    if operation.produces is not None:
        return operation.produces
    if operation.answer == TEXT:
        return ("*/*",)
    return _WATCHES if operation.streams else _ANSWERS


def _consumed(operation: Operation) -> tuple[str, ...]:
    return _PATCHES if operation.body == PATCH else ("*/*",)


def _parameter_v3(parameter: Parameter) -> Body:
    written: Body = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": {"type": parameter.type, "uniqueItems": True},
    }
    return {**written, "required": True} if parameter.place == "path" else written


def _parameter_v2(parameter: Parameter) -> Body:
    written: Body = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "type": parameter.type,
        "uniqueItems": True,
    }
    return {**written, "required": True} if parameter.place == "path" else written
