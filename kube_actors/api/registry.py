"""Which resources the API has: a row each, looked up by id, by kind or by what a person types."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.schema import Schema
from kube_actors.api.types import Kind, Node, TypeTable
from kube_actors.errors import KubeActorsError
from kube_actors.records import frozen

_FACTS: Final = Path(__file__).with_name("facts.json")
_COLUMN_TYPES: Final = {"#": "integer", "?": "boolean", "@": "date"}
# Kinds that are another form of objects kept under another id.
_STORED_AS: Final = {"events.events.k8s.io": "events"}
# Kinds that every group understands, and those without a resource of their own.
_FREE_TYPES: Final = {
    "CreateOptions": "meta.v1.CreateOptions",
    "DeleteOptions": "meta.v1.DeleteOptions",
    "PatchOptions": "meta.v1.PatchOptions",
    "Status": "meta.v1.Status",
    "UpdateOptions": "meta.v1.UpdateOptions",
}


class UnknownResourceError(KubeActorsError):
    """No resource goes by this word; `suggestions` are the nearest that exist."""

    def __init__(self, word: str, suggestions: tuple[str, ...]) -> None:
        self.word = word
        self.suggestions = suggestions
        hint = f" (did you mean {' or '.join(map(repr, suggestions))}?)" if suggestions else ""
        super().__init__(f'the server doesn\'t have a resource type "{word}"{hint}')


@frozen
class Subresource:
    """A part of an object with a path of its own (`scale`): what may be done to it and the kind it speaks."""

    name: str
    kind: str
    verbs: tuple[str, ...]


@frozen
class Column:
    """A column of `kubectl get`; `wide` ones only show with `-o wide`.

    `type` is that of OpenAPI (`string`, `integer`, `boolean`, `date`).
    """

    name: str
    wide: bool = False
    type: str = "string"


@frozen
class Resource:
    """A row of the registry. `singular`, `plural` and `short_names` are lower case; `kind` is `ReplicaSet`,
    `type_name` is `apps.v1.ReplicaSet`.

    `api_version` is `apps/v1`, or `v1` in the core group; `id` is `deployments.apps`, or `pods` in the core group: the
    name of the resource in every version. `storage_id` is the id that the store keeps its objects under: that of
    `events` for the events of `events.k8s.io`.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()
    type_name: str = ""
    _compile: Callable[[], Schema] = attrs.field(kw_only=True, repr=False, eq=False)
    # Asked for again and again by every write.
    api_version: str = attrs.field(init=False, repr=False, eq=False)
    id: str = attrs.field(init=False, repr=False, eq=False)
    storage_id: str = attrs.field(init=False, repr=False, eq=False)

    @api_version.default
    def _api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @id.default
    def _id(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @storage_id.default
    def _storage_id(self) -> str:
        return _STORED_AS.get(self.id, self.id)

    @property
    def schema(self) -> Schema:
        """What objects of this resource may contain; compiled on first use."""
        return self._compile()

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of this name, if there is one."""
        return next((each for each in self.subresources if each.name == name), None)


class Registry:
    """An immutable set of resources, in the order of the API's own discovery.

    Where a group serves a kind in several versions, the first one listed is preferred: it is what `by_id` and `find`
    answer with.
    """

    def __init__(self, resources: Iterable[Resource], types: TypeTable) -> None:
        self._resources = tuple(resources)
        self._types = types
        self._by_id: dict[str, Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_word: dict[str, list[Resource]] = {}
        self._served_as: dict[str, dict[str, Resource]] = {}
        for resource in self._resources:
            self._by_id.setdefault(resource.id, resource)
            self._by_kind.setdefault((resource.api_version, resource.kind), resource)
            self._by_path[resource.group, resource.version, resource.plural] = resource
            self._served_as.setdefault(resource.storage_id, {})[resource.api_version] = resource
            names = (resource.plural, resource.singular, *resource.short_names, resource.kind.lower())
            for word in dict.fromkeys(names):
                self._by_word.setdefault(word, []).append(resource)

    @staticmethod
    def built_in() -> Registry:
        """The 68 resources of Kubernetes v1.36; read once per process."""
        return _built_in()

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def by_id(self, resource_id: str) -> Resource:
        """The resource of an id such as `deployments.apps`; KeyError when there is none."""
        return self._by_id[resource_id]

    def storage_of(self, resource: Resource) -> Resource:
        """The resource in whose kind and version the objects of this one are stored; usually itself."""
        return self._by_id[resource.storage_id]

    def served_as(self, stored: Resource) -> Mapping[str, Resource]:
        """All forms in which the objects that are stored as this resource are served, by their `apiVersion`."""
        return self._served_as[stored.storage_id]

    def type_name(self, api_version: str, kind: str) -> str | None:
        """The type of a kind, whether a resource stands for it or not: `autoscaling.v1.Scale`. None: unknown group."""
        if kind in _FREE_TYPES:
            return _FREE_TYPES[kind]
        group, _, version = api_version.rpartition("/")
        prefix = self._type_prefixes.get(group)
        return None if prefix is None else f"{prefix}.{version}.{kind}"

    @functools.cached_property
    def _type_prefixes(self) -> dict[str, str]:
        """Group -> how its types' names begin: `rbac.authorization.k8s.io` -> `rbac`."""
        return {each.group: each.type_name.partition(".")[0] for each in self._resources}

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's `apiVersion` and `kind`, exactly as written there."""
        return self._by_kind.get((api_version, kind))

    def by_path(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a URL: `/apis/GROUP/VERSION/…/PLURAL`, the group empty for `/api/v1`."""
        return self._by_path.get((group, version, plural))

    def find(self, word: str) -> Resource:
        """The resource a person means: plural, singular, short name or kind, optionally `.group` or `.version.group`.

        Case does not matter. Where several groups use the word, the first in discovery order wins, as with kubectl.
        """
        name, _, rest = word.lower().partition(".")
        for resource in self._by_word.get(name, ()):
            if rest in ("", resource.group, resource.version, f"{resource.version}.{resource.group}"):
                return resource
            if resource.group.startswith(f"{rest}."):
                return resource
        import difflib  # costs milliseconds, and only a mistyped word needs it

        near = difflib.get_close_matches(name, self._by_word, n=2, cutoff=0.7)
        raise UnknownResourceError(word, tuple(dict.fromkeys(self._by_word[each][0].plural for each in near)))

    def in_category(self, category: str) -> tuple[Resource, ...]:
        """The resources of a category: `kubectl get all`. Each kind once, in its preferred version."""
        return tuple(each for each in self._by_id.values() if category in each.categories)

    def type_schema(self, name: str) -> Schema:
        """The schema of a type no resource stands for (`autoscaling.v1.Scale`, `meta.v1.DeleteOptions`)."""
        return _schema_of(self._types, name)


def _schema_of(types: TypeTable, name: str) -> Schema:
    object_type = types.object_type(name)
    return Schema(Node(Kind.OBJECT, object_type=object_type, atomic=object_type.atomic))


def _resource(row: dict[str, Any], types: TypeTable) -> Resource:
    """One row of the facts as a `Resource`."""
    subresources = (
        Subresource(each["name"], each["kind"], tuple(each["verbs"])) for each in row.get("subresources", ())
    )
    return Resource(
        group=row["group"],
        version=row["version"],
        kind=row["kind"],
        plural=row["plural"],
        singular=row["singular"],
        namespaced=row["namespaced"],
        short_names=tuple(row.get("shortNames", ())),
        categories=tuple(row.get("categories", ())),
        verbs=tuple(row["verbs"]),
        subresources=tuple(subresources),
        columns=tuple(_column(text) for text in row["columns"]),
        type_name=row["type"],
        compile=functools.cache(functools.partial(_schema_of, types, row["type"])),
    )


def _column(text: str) -> Column:
    """A column of the facts: `Name`, `Desired#` (integer), `Suspend?` (boolean), `Created At@` (date), `IP*` (wide)."""
    name = text.removesuffix("*")
    kind = _COLUMN_TYPES.get(name[-1])
    return Column(name[:-1] if kind else name, text.endswith("*"), kind or "string")


@functools.cache
def _built_in() -> Registry:
    facts = json.loads_trusted(_FACTS.read_bytes())
    types = TypeTable(facts["types"])
    return Registry((_resource(row, types) for row in facts["resources"]), types)
