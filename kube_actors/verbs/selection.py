"""Which objects a person means: `pods`, `po,svc`, `deploy/web`, `pod a b`, `all`; by name, labels and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import trio

from kube_actors.api.registry import Registry, Resource, UnknownResourceError
from kube_actors.api.selectors import FieldSelector, LabelSelector, SelectorError
from kube_actors.errors import ApiError, not_found
from kube_actors.kinds import field_selection
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.session import Session

ALL = "all"
BATCH = 256
"""Objects looked through between two checkpoints: about two milliseconds' work."""


@frozen
class Selection:
    """Objects of one resource: these names, or (None) all that the scope lets through.

    `by_path` says that it was written `resource/name`.
    """

    resource: Resource
    names: tuple[str, ...] | None = None
    by_path: bool = False


@frozen
class Scope:
    """Where to look and what to let through. `labels` and `fields` are selectors in their string form."""

    labels: str = ""
    fields: str = ""
    all_namespaces: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it has a selector."""
        return bool(self.labels or self.fields)


EVERYTHING = Scope()


def select(registry: Registry, words: Sequence[str]) -> tuple[Selection, ...]:
    """What the words of a command line mean. UsageError in kubectl's words."""
    if not words:
        raise UsageError('you must specify the type of resource, as in "pods" or "deployment/web"')
    if any("/" in word for word in words):
        return tuple(_by_path(registry, words))
    resources = list(_resources(registry, words[0]))
    names = tuple(words[1:]) or None
    return tuple(Selection(resource, names) for resource in resources)


def select_one(registry: Registry, words: Sequence[str]) -> Selection:
    """The same where one resource is wanted, by name."""
    selections = select(registry, words)
    if len(selections) != 1 or not selections[0].names or len(selections[0].names) != 1:
        raise UsageError('one object is wanted, as in "deployment/web" or "deployment web"')
    return selections[0]


def resource_of(registry: Registry, word: str) -> Resource:
    """The resource a word means. UsageError with a suggestion when there is none."""
    try:
        return registry.find(word)
    except UnknownResourceError as error:
        raise UsageError(str(error)) from None


def _resources(registry: Registry, text: str) -> Iterable[Resource]:
    for word in dict.fromkeys(text.split(",")):
        if not word:
            raise UsageError('arguments in resource form may not be empty, as in "pods,services"')
        if word.lower() == ALL:
            yield from (each for each in registry.in_category(ALL) if "list" in each.verbs)
        else:
            yield resource_of(registry, word)


def _by_path(registry: Registry, words: Sequence[str]) -> Iterable[Selection]:
    for word in words:
        kind, slash, name = word.partition("/")
        if not slash:
            example = f"{words[0].partition('/')[0]}/<resource_name>"
            raise UsageError(
                "there is no need to specify a resource type as a separate argument when passing arguments in "
                f"resource/name form (e.g. '{example}' instead of '{word} {example}')"
            )
        if not kind or not name or "/" in name or "," in kind:
            raise UsageError("arguments in resource/name form must have a single resource and name")
        yield Selection(resource_of(registry, kind), (name,), by_path=True)


def check(selections: Sequence[Selection], scope: Scope) -> None:
    """Refuse what does not go together. UsageError."""
    named = any(selection.names is not None for selection in selections)
    if named and scope.narrows:
        raise UsageError("name cannot be provided when a selector is specified")
    if named and scope.all_namespaces:
        raise UsageError("a resource cannot be retrieved by name across all namespaces")


def namespace_for(session: Session, resource: Resource, scope: Scope = EVERYTHING) -> str:
    """The namespace to look in: "" for cluster-wide resources and for all namespaces."""
    return "" if scope.all_namespaces or not resource.namespaced else session.namespace


def key_of(session: Session, resource: Resource, name: str) -> Key:
    """The key of an object as this person names it."""
    return Key(resource.id, session.namespace if resource.namespaced else "", name)


def label_selector(text: str) -> LabelSelector | None:
    """A label selector; None for an empty text. UsageError."""
    if not text:
        return None
    try:
        return LabelSelector.parse(text)
    except SelectorError as error:
        raise UsageError(str(error)) from None


def field_condition(resource: Resource, text: str) -> Callable[[Revision], bool] | None:
    """A field selector as a condition on revisions; None for an empty text. UsageError, also for unknown fields."""
    if not text:
        return None
    try:
        return field_selection.field_condition(resource, FieldSelector.parse(text))
    except SelectorError as error:
        where = f'unable to find "{resource.plural}" that match label selector "", field selector "{text}"'
        raise UsageError(f"{where}: {error}") from None


@frozen
class Found:
    """What a selection stands for now; `missing` is an error for each name that is not there."""

    selection: Selection
    revisions: tuple[Revision, ...]
    missing: tuple[ApiError, ...] = ()


async def find(session: Session, selection: Selection, scope: Scope = EVERYTHING) -> Found:
    """Look the objects up."""
    resource, store = selection.resource, session.plane.store
    if "list" not in resource.verbs:
        raise ApiError("MethodNotAllowed", 405, "the server does not allow this method on the requested resource")
    if selection.names is None:
        condition = field_condition(resource, scope.fields)
        listed = store.list(resource.id, namespace_for(session, resource, scope) or None, label_selector(scope.labels))
        return Found(selection, tuple(listed if condition is None else await filtered(listed, condition)))
    revisions, missing = [], []
    for name in selection.names:
        revision = store.get(key_of(session, resource, name))
        if revision is None:
            missing.append(not_found(resource.plural, name, group=resource.group))
        else:
            revisions.append(revision)
    return Found(selection, tuple(revisions), tuple(missing))


def find_one(session: Session, selection: Selection) -> Revision:
    """The one object of a selection by name. ApiError 404."""
    resource = selection.resource
    assert selection.names is not None, "a selection by name"
    revision = session.plane.store.get(key_of(session, resource, selection.names[0]))
    if revision is None:
        raise not_found(resource.plural, selection.names[0], group=resource.group)
    return revision


async def keys_meant(session: Session, selection: Selection, scope: Scope) -> list[Key]:
    """The keys of the names as they were given, there or not; without names those of all objects found."""
    if selection.names is not None:
        return [key_of(session, selection.resource, name) for name in selection.names]
    return [revision.key for revision in (await find(session, selection, scope)).revisions]


async def filtered(revisions: Sequence[Revision], keep: Callable[[Revision], bool]) -> list[Revision]:
    """Those that `keep` lets through, letting others work in between: each may have to be parsed."""
    found = []
    for index, each in enumerate(revisions):
        if keep(each):
            found.append(each)
        if index % BATCH == BATCH - 1:
            await trio.lowlevel.checkpoint()
    return found


def display_name(resource: Resource, name: str) -> str:
    """`deployment.apps/web`, `pod/web`: how kubectl names an object."""
    group = f".{resource.group}" if resource.group else ""
    return f"{resource.singular}{group}/{name}"
