"""LimitRanger: containers get the namespace's default amounts, and what asks for too little or too much is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from kube_actors.api.quantity import Quantity
from kube_actors.errors import forbidden
from kube_actors.kinds.limitranges import CLAIM, CONTAINER, POD
from kube_actors.kinds.pod_amounts import Amounts, amounts_of, container_amounts, containers_of, pod_amounts
from kube_actors.kinds.pod_qos import qos_class
from kube_actors.records import frozen
from kube_actors.store import Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

ANNOTATION = "kubernetes.io/limit-ranger"
Item = Mapping[str, Any]


@frozen(eq=False)
class LimitRanger:
    """Reads the LimitRanges from the store. As a mutating plugin it fills in (`admit`), as a validating one it judges:
    see `Limits`."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    store: Store

    def matches(self, request: Request) -> bool:
        """New pods."""
        return request.operation is Operation.CREATE and not request.subresource

    def admit(self, request: Request) -> None:
        """Give containers that do not say it themselves the default requests and limits."""
        spec = request.new.get("spec")
        if not isinstance(spec, dict):
            return
        for items in _items_of(self.store, request.key.namespace):
            told: list[str] = []
            for item in items:
                if item.get("type") == CONTAINER:
                    told += _fill_in(spec, item)
            if told:
                request.new.setdefault("status", {})["qosClass"] = qos_class(spec)
                annotations = request.new["metadata"].setdefault("annotations", {})
                annotations[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(told)}"


def _fill_in(spec: dict[str, Any], item: Item) -> list[str]:
    """Add what is missing; answers the sentences of the annotation."""
    told = []
    for container, is_init in containers_of(spec):
        resources = dict(container.get("resources") or {})
        what = "init container" if is_init else "container"
        for which, defaults in (("requests", "defaultRequest"), ("limits", "default")):
            own = resources.get(which) or {}
            added = {name: amount for name, amount in (item.get(defaults) or {}).items() if name not in own}
            if added:
                resources[which] = {**own, **added}
                told.append(f"{', '.join(sorted(added))} {which[:-1]} for {what} {container.get('name', '')}")
        if resources:
            container["resources"] = resources  # type: ignore[index]  # the request's own body
    return told


@frozen(eq=False)
class Limits:
    """The judging half of LimitRanger."""

    resources: ClassVar[Resources] = frozenset({"pods", "persistentvolumeclaims"})
    store: Store

    def matches(self, request: Request) -> bool:
        """New pods, pods that are resized, and claims whenever they change."""
        if request.operation is Operation.DELETE:
            return False
        if request.resource.id == "pods":
            wanted = "" if request.operation is Operation.CREATE else "resize"
            return request.subresource == wanted
        return not request.subresource

    def admit(self, request: Request) -> None:
        """403 with everything that is out of range, range by range."""
        for items in _items_of(self.store, request.key.namespace):
            found = [problem for item in items for problem in _problems(item, request)]
            if found:
                why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
                raise forbidden(request.key.plural, request.key.name, why)


def _items_of(store: Store, namespace: str) -> Iterator[list[Item]]:
    for revision in store.list("limitranges", namespace):
        yield (revision.body().get("spec") or {}).get("limits") or []


def _problems(item: Item, request: Request) -> Iterator[str]:
    kind, spec = item.get("type", ""), request.new.get("spec") or {}
    if request.resource.id == "persistentvolumeclaims":
        if kind == CLAIM:
            requests = container_amounts(spec, "requests")
            yield from _least(item, kind, requests, {})
            yield from _most_requested(item, kind, requests)
    elif kind == CONTAINER:
        for container, _ in containers_of(spec):
            yield from _all(
                item, kind, container_amounts(container, "requests"), container_amounts(container, "limits")
            )
    elif kind == POD:
        yield from _all(item, kind, pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))


def _all(item: Item, kind: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    yield from _least(item, kind, requests, limits)
    yield from _most(item, kind, requests, limits)
    yield from _ratio(item, kind, requests, limits)


def _least(item: Item, kind: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, least in sorted(amounts_of(item.get("min")).items()):
        request, limit = requests.get(name), limits.get(name)
        words = f"minimum {name} usage per {kind} is {least}"
        if request is None:
            yield f"{words}.  No request is specified"
        elif request < least:
            yield f"{words}, but request is {request}"
        elif limit is not None and limit < least:
            yield f"{words}, but limit is {limit}"


def _most(item: Item, kind: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, most in sorted(amounts_of(item.get("max")).items()):
        request, limit = requests.get(name), limits.get(name)
        words = f"maximum {name} usage per {kind} is {most}"
        if limit is None:
            yield f"{words}.  No limit is specified"
        elif limit > most:
            yield f"{words}, but limit is {limit}"
        elif request is not None and request > most:
            yield f"{words}, but request is {request}"


def _most_requested(item: Item, kind: str, requests: Amounts) -> Iterator[str]:
    for name, most in sorted(amounts_of(item.get("max")).items()):
        request = requests.get(name)
        words = f"maximum {name} usage per {kind} is {most}"
        if request is None:
            yield f"{words}.  No request is specified"
        elif request > most:
            yield f"{words}, but request is {request}"


def _ratio(item: Item, kind: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, most in sorted(amounts_of(item.get("maxLimitRequestRatio")).items()):
        request, limit = requests.get(name, Quantity(0)), limits.get(name, Quantity(0))
        words = f"{name} max limit to request ratio per {kind} is {most}"
        if not request:
            yield f"{words}, but no request is specified or request is 0"
        elif not limit:
            yield f"{words}, but no limit is specified or limit is 0"
        elif (ratio := float(limit) / float(request)) > float(most):
            yield f"{words}, but provided ratio is {ratio:f}"
