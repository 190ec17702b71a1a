"""What a request wants to do, and what those who decide answer (`authorization.k8s.io`)."""

from __future__ import annotations

from typing import Protocol

from kube_actors.access.user import User
from kube_actors.records import frozen


@frozen
class Attributes:
    """One thing a user wants to do. Either to a resource, or (`is_resource` false) to a `path` such as `/version`.

    `verb` is Kubernetes' (`get`, `list`, `deletecollection`, `impersonate`), or the HTTP method in lower case for a
    path. `resource` is the plural; `name` is empty where a collection is meant, and `fields` are then the values that
    its field selector demands.
    """

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    is_resource: bool = True
    fields: tuple[tuple[str, str], ...] = ()


@frozen
class Decision:
    """Whether the user may; `reason` says by which rule, or why not."""

    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    """Decides; never waits."""

    def decide(self, attributes: Attributes) -> Decision:
        """Whether the user may do this now."""
