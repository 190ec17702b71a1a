"""What a token is bound to when it is issued: looked up once, and named in the token by name and uid."""

from __future__ import annotations

import attrs

from kube_actors.access.claims import Ref, Subject
from kube_actors.errors import ApiError, bad_request, not_found
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store


@frozen
class Binding:
    """`spec.boundObjectRef` of a TokenRequest; `uid` may be empty."""

    api_version: str
    kind: str
    name: str
    uid: str = ""


def bound_subject(store: Store, namespace: str, account: str, binding: Binding | None) -> Subject:
    """Whom a token for this account speaks for.

    ApiError 404 when the account or the object is not there, 400 when tokens cannot be bound to it, 409 when its uid
    is another than the one asked for.
    """
    owner = _found(store, Key("serviceaccounts", namespace, account))
    subject = Subject(namespace, Ref(account, owner.uid))
    if binding is None:
        return subject
    group, _, version = binding.api_version.rpartition("/")
    match (group, binding.kind):
        case ("", "Pod"):
            found = _found(store, Key("pods", namespace, binding.name))
            spec = found.body().get("spec") or {}
            if spec.get("serviceAccountName") != account:
                other = "pod running with different serviceaccount name."
                raise bad_request(f'cannot bind token for serviceaccount "{account}" to {other}')
            node = _node_of(store, spec.get("nodeName") or "")
            subject = attrs.evolve(subject, pod=Ref(binding.name, found.uid), node=node)
        case ("", "Secret"):
            found = _found(store, Key("secrets", namespace, binding.name))
            subject = attrs.evolve(subject, secret=Ref(binding.name, found.uid))
        case ("", "Node"):
            found = _found(store, Key("nodes", "", binding.name))
            subject = attrs.evolve(subject, node=Ref(binding.name, found.uid))
        case _:
            raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={binding.kind}")
    if binding.uid and binding.uid != found.uid:
        raise _other_uid(binding)
    return subject


def _node_of(store: Store, name: str) -> Ref | None:
    if not name:
        return None
    node = store.get(Key("nodes", "", name))
    return Ref(name, "" if node is None else node.uid)


def _found(store: Store, key: Key) -> Revision:
    revision = store.get(key)
    if revision is None:
        raise not_found(key.resource, key.name)
    return revision


def _other_uid(binding: Binding) -> ApiError:
    what = f"the UID in the bound object reference ({binding.uid}) does not match the UID in record"
    message = f"{what}. The object might have been deleted and then recreated"
    where = f'Operation cannot be fulfilled on {binding.kind} "{binding.name}"'
    return ApiError("Conflict", 409, f"{where}: {message}", kind=binding.kind, name=binding.name)
