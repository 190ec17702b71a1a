"""What a write changed, as each manager of the object sees it: in the version of the API that the manager writes in."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from kube_actors.api.field_set import FieldSet
from kube_actors.api.schema import Schema
from kube_actors.api.structured_values import Difference, compare, given

Body = dict[str, Any]


class VersionedSet(NamedTuple):
    """Fields of an object as it looks in one version of its kind (`autoscaling/v1`)."""

    fields: FieldSet
    api_version: str


class Versions(Protocol):
    """The versions that a kind is served in."""

    def schema(self, api_version: str) -> Schema | None:
        """What objects look like in a version; None when it is not served (any more)."""

    def convert(self, body: Body, api_version: str) -> Body:
        """An object in a version that is served; `body` itself when it has that. `body` is not changed."""


class Change:
    """Two states of an object, compared in every version that is asked for, once each. `old` is None for a new one."""

    def __init__(self, old: Body | None, new: Body, versions: Versions) -> None:
        self._old, self._new, self._versions = old, new, versions
        self._seen: dict[str, Difference | None] = {}

    def in_version(self, api_version: str) -> Difference | None:
        """The fields that differ; None when the version is not served."""
        if api_version not in self._seen:
            self._seen[api_version] = self._compared(api_version)
        return self._seen[api_version]

    def _compared(self, api_version: str) -> Difference | None:
        schema, convert = self._versions.schema(api_version), self._versions.convert
        if schema is None:
            return None
        new = convert(self._new, api_version)
        if self._old is None:
            return Difference(given(new, schema), FieldSet())
        return compare(convert(self._old, api_version), new, schema)
