"""What is done before the API of a cluster is ready, under the names of kube-apiserver's post-start hooks.

A hook is done when what it makes is there. Hooks that have nothing to do here (informers, CustomResourceDefinitions,
other servers' APIs), or whose work the actors do after the API is ready, have no check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from kube_actors.access.roles.defaults import default_role_keys
from kube_actors.kinds.mandatory_flow_control import LEVELS, SCHEMAS
from kube_actors.kinds.priorityclasses import SYSTEM_VALUES
from kube_actors.server import flow_control
from kube_actors.server.call import Api
from kube_actors.server.flow_control import FlowControl
from kube_actors.store import Key

Hook = Callable[[Api], str]
"""Answers why it is not done yet; empty when it is."""

NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")
CLIENT_TRUST: Final = Key("configmaps", "kube-system", "extension-apiserver-authentication")
API_SERVICES: Final = "apiservices.apiregistration.k8s.io"
_NOT_FINISHED: Final = "not finished"
_OWN_SERVICE: Final = tuple(
    Key(resource, "default", "kubernetes") for resource in ("services", "endpoints", "endpointslices.discovery.k8s.io")
)


def _filter_runs(api: Api) -> str:
    return "" if api.part(FlowControl).is_running else _NOT_FINISHED


def _made(keys: Callable[[], Iterable[Key]]) -> Hook:
    """A hook that makes these objects."""

    def hook(api: Api) -> str:
        return "" if all(api.store.get(key) is not None for key in keys()) else _NOT_FINISHED

    return hook


def _mandatory_flow_control() -> Iterator[Key]:
    yield from (Key(flow_control.LEVELS, "", name) for name in LEVELS)
    yield from (Key(flow_control.SCHEMAS, "", name) for name in SCHEMAS)


def _registered(api: Api) -> str:
    """There is an APIService for everything that is served but APIServices themselves."""
    own = API_SERVICES.partition(".")[2]
    served = {f"{each.version}.{each.group}" for each in api.registry if each.group != own}
    missing = sorted(name for name in served if api.store.get(Key(API_SERVICES, "", name)) is None)
    return f"missing APIService: [{' '.join(missing)}]" if missing else ""


START_HOOKS: Final[Mapping[str, Hook]] = {
    "poststarthook/priority-and-fairness-filter": _filter_runs,
    "poststarthook/start-system-namespaces-controller": _made(
        lambda: (Key("namespaces", "", name) for name in NAMESPACES)
    ),
    "poststarthook/start-cluster-authentication-info-controller": _made(lambda: (CLIENT_TRUST,)),
    "poststarthook/rbac/bootstrap-roles": _made(default_role_keys),
    "poststarthook/scheduling/bootstrap-system-priority-classes": _made(
        lambda: (Key("priorityclasses.scheduling.k8s.io", "", name) for name in SYSTEM_VALUES)
    ),
    "poststarthook/priority-and-fairness-config-producer": _made(_mandatory_flow_control),
    "poststarthook/bootstrap-controller": _made(lambda: _OWN_SERVICE),
    "autoregister-completion": _registered,
}
"""By the names of their checks, in the order they are shown."""
