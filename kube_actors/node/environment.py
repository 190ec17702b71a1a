"""A container's environment and command line, as Kubernetes puts them together.

Later wins: the image's variables, the services' (`service_links`), `envFrom` in its order, `env` in its order.
A `value` may refer with `$(VAR)` to what stands before it in `envFrom` and `env`, and to services; `command` and `args`
refer to all of it. A source that is missing and not optional is a RuntimeFailure `CreateContainerConfigError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.node.downward import field_value, resource_value
from kube_actors.node.expansion import expand
from kube_actors.node.objects import Body, Objects, Place, config_error
from kube_actors.node.runtime.base import Image, ImageKind
from kube_actors.node.service_links import service_variables
from kube_actors.records import frozen

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen
class Environment:
    """All variables the container starts with; `own` are those `$(VAR)` can refer to (an image's are not among them);
    `warnings` name keys that cannot be variables."""

    variables: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    own: Mapping[str, str] = attrs.field(repr=False)
    warnings: tuple[str, ...] = ()


def container_environment(pod: Body, container: Body, image: Image, objects: Objects, place: Place) -> Environment:
    """Everything the container's program finds in its environment."""
    services = service_variables(pod, objects)
    warnings: list[str] = []
    own: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        own.update(_from_source(source, pod, objects, warnings))
    for variable in container.get("env") or ():
        name = variable["name"]
        if (value_from := variable.get("valueFrom")) is None:
            own[name] = expand(variable.get("value") or "", services | own)
        elif (value := _value_from(value_from, pod, container, objects, place)) is not None:
            own[name] = value
    known = services | own
    return Environment(tuple((_given_by_runtime(image, place) | known).items()), known, tuple(warnings))


def _given_by_runtime(image: Image, place: Place) -> dict[str, str]:
    """What the container has before Kubernetes says a word. An engine adds its images' own variables itself."""
    given = {"HOSTNAME": place.hostname} if place.hostname else {}
    if image.kind is not ImageKind.ENGINE:
        given["PATH"] = DEFAULT_PATH
    return given | dict(image.env)


def _from_source(source: Mapping[str, Any], pod: Body, objects: Objects, warnings: list[str]) -> dict[str, str]:
    """The variables of one `envFrom` entry."""
    prefix = source.get("prefix") or ""
    if (reference := source.get("configMapRef")) is not None:
        kind, data = "configmap", objects.config_map(reference["name"])
        if data is not None:  # binary data are no variables
            data = {k: v.encode() for k, v in (objects.config_maps[reference["name"]].get("data") or {}).items()}
    elif (reference := source.get("secretRef")) is not None:
        kind, data = "secret", objects.secret(reference["name"])
    else:
        return {}
    if data is None:
        if reference.get("optional"):
            return {}
        raise config_error(f'{kind} "{reference["name"]}" not found')
    named = {prefix + key: value.decode(errors="replace") for key, value in sorted(data.items())}
    if wrong := sorted(name for name in named if not _can_be_a_variable(name)):
        place = f"{pod['metadata'].get('namespace', 'default')}/{reference['name']}"
        warnings.append(
            f"Keys [{', '.join(wrong)}] from the EnvFrom {kind} {place} were skipped "
            "since they are considered invalid environment variable names."
        )
    return {name: value for name, value in named.items() if _can_be_a_variable(name)}


def _can_be_a_variable(name: str) -> bool:
    """Kubernetes allows every printable ASCII character except `=`."""
    return bool(name) and "=" not in name and all(" " <= character <= "~" for character in name)


def _value_from(source: Mapping[str, Any], pod: Body, container: Body, objects: Objects, place: Place) -> str | None:
    """The value a `valueFrom` names; None when it is optional and not there."""
    try:
        if (reference := source.get("fieldRef")) is not None:
            return field_value(reference["fieldPath"], pod, place)
        if (reference := source.get("resourceFieldRef")) is not None:
            return resource_value(reference, pod, container, place)
    except ValueError as error:
        raise config_error(str(error)) from None
    if (reference := source.get("configMapKeyRef")) is not None:
        return _key_of("ConfigMap", objects.config_map(reference["name"]), reference, pod)
    if (reference := source.get("secretKeyRef")) is not None:
        return _key_of("Secret", objects.secret(reference["name"]), reference, pod)
    raise config_error(f"valueFrom {', '.join(source) or 'without a source'} is not supported by kube-actors")


def _key_of(kind: str, data: Mapping[str, bytes] | None, reference: Mapping[str, Any], pod: Body) -> str | None:
    name, key = reference["name"], reference["key"]
    if data is not None and key in data:
        return data[key].decode(errors="replace")
    if reference.get("optional"):
        return None
    if data is None:
        raise config_error(f'{kind.lower()} "{name}" not found')
    namespace = pod["metadata"].get("namespace", "default")
    raise config_error(f"couldn't find key {key} in {kind} {namespace}/{name}")


def container_argv(container: Body, image: Image, environment: Environment) -> tuple[str, ...]:
    """The complete command line. `command` replaces the image's command and arguments, `args` only the arguments."""
    command = tuple(container.get("command") or ())
    args = tuple(container.get("args") or ())
    argv = command + args if command else image.command + (args or image.args)
    return tuple(expand(word, environment.own) for word in argv)
