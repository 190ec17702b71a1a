"""The store with its journal, and the way in to it."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable

from kube_actors.access.admission import with_access_checks
from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.api.registry import Registry
from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ClusterClock, random_for
from kube_actors.kinds import project
from kube_actors.log import Log
from kube_actors.state import StateDirectory
from kube_actors.store import Commit, Key, Store
from kube_actors.store.journal import Journal, MemoryJournal
from kube_actors.store.journal.sqlite import SqliteJournal
from kube_actors.writes import Client, Identity
from kube_actors.writes.pipeline import Pipeline
from kube_actors.writes.plugins import built_in_admission

LEASE_NAMESPACE = "kube-node-lease"

log = Log(__name__)


def open_journal(state: StateDirectory, clock: ClusterClock) -> Journal:
    """In memory for a cluster that leaves nothing behind, else the file. Raises as `SqliteJournal`."""
    return MemoryJournal() if state.ephemeral else SqliteJournal(state.journal, hold=clock.hold)


def is_heartbeat(key: Key) -> bool:
    """Leases of our own nodes: lost with the process that renews them, so not worth a write to disk."""
    return key.resource == "leases.coordination.k8s.io" and key.namespace == LEASE_NAMESPACE


def open_store(journal: Journal) -> Store:
    """Everything the journal has kept."""
    return Store(journal, project=project, on_error=_report, ephemeral=is_heartbeat)


def run_seed(config: ClusterConfig, store: Store) -> int:
    """The seed of this run's randomness: the cluster's own for an empty store, another one for every later start.

    Were it the same again, so would be the uids and generated names, which objects of the run before have already.
    """
    return random_for(config.seed, f"run after {store.head}").getrandbits(63) if store.head else config.seed


def _report(error: Exception, commit: Commit) -> None:
    log.error("a listener of the store failed", key=str(commit.key), error=repr(error))


def way_in(
    store: Store,
    config: ClusterConfig,
    clock: ClusterClock,
    source: random.Random,
    service_network: ipaddress.IPv4Network,
    rbac: RbacAuthorizer,
) -> Callable[[Identity], Client]:
    """Clients of one pipeline, by identity."""
    admission = built_in_admission(
        store,
        source,
        toleration_seconds=int(config.timeouts.default_toleration),
        service_network=service_network,
        clock=clock,
    )
    admission = with_access_checks(admission, store, rbac)
    pipeline = Pipeline(store, Registry.built_in(), clock, source, admission)
    return lambda identity: Client(pipeline, identity)
