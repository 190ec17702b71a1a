"""Everything about an embedded cluster that can be settled before it starts: what it is, and where its state is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final, get_args

import attrs

from kube_actors.api.names import dns1123_label
from kube_actors.config.cluster_document import MAX_NODES
from kube_actors.config.files import ClusterFile, Manifest
from kube_actors.config.types import ClusterConfig, NodeConfig, RuntimeName
from kube_actors.config.validation import validate
from kube_actors.embed.sources import Source, raise_problems, read_source
from kube_actors.errors import Problem
from kube_actors.records import frozen
from kube_actors.state import StateDirectory, private_directory
from kube_actors.store import Key
from kube_actors.store.journal import SqliteJournal

FIELD_MANAGER: Final = "kube-actors-cluster-file"
"""Who owns the fields of manifests, as with `kube-actors run` and `apply -f`: each can go on with the other's state."""


@frozen
class Wish:
    """What the caller asked for. `state_dir` None keeps nothing; `virtual` is time that jumps from event to event.
    `nodes` and `runtime` are for sources that have no Cluster document (None: one node, `process` unless virtual).
    `api`: kubectl and client libraries are served as well."""

    source: Source | None = None
    name: str | None = None
    state_dir: str | os.PathLike[str] | None = None
    virtual: bool = False
    seed: int | None = None
    nodes: int | None = None
    runtime: RuntimeName | None = None
    api: bool = False


@frozen
class Opening:
    """What is going to run. The state directory is made when it starts."""

    config: ClusterConfig
    manifests: tuple[Manifest, ...]
    state: StateDirectory | None
    virtual: bool
    api: bool = False

    def make_state(self) -> StateDirectory:
        """The state's place; a new one for a cluster that leaves nothing behind. InputError when it cannot be made."""
        if self.state is not None:
            private_directory(self.state.root.parent)
            return self.state
        return StateDirectory(Path(tempfile.mkdtemp(prefix=f"kube-actors-{self.config.name}.")), ephemeral=True)


def prepare(wish: Wish, default: ClusterConfig | None = None) -> Opening:
    """Read and judge the source. InputError with every problem; nothing is started.

    `default` is the cluster of a source that describes none, when the wish says nothing of its nodes either.
    """
    file = read_source(*(() if wish.source is None else (wish.source,)))
    config = _configured(file, wish, default)
    state = None if wish.state_dir is None else StateDirectory(Path(wish.state_dir).absolute() / config.name)
    findings = validate(attrs.evolve(file, config=config))
    if findings.problems and state is not None and state.journal.exists():
        findings = validate(attrs.evolve(file, config=config), known=_kept_objects(state))
    raise_problems([*findings.problems, *_impossible(file, config, wish)])
    return Opening(config, file.manifests, state, wish.virtual, wish.api)


def _configured(file: ClusterFile, wish: Wish, default: ClusterConfig | None) -> ClusterConfig:
    """The file's configuration under the wishes; manifests alone run on default nodes."""
    if wish.nodes is not None or wish.runtime is not None:
        default = None
    config = file.config or default or ClusterConfig(nodes=_default_nodes(wish))
    if wish.name is not None:
        config = attrs.evolve(config, name=wish.name)
    if wish.seed is not None:
        config = attrs.evolve(config, seed=wish.seed)
    if wish.state_dir is None:
        config = attrs.evolve(config, on_runtime_exit="end")  # nobody could ever take its pods over
    return config


def _default_nodes(wish: Wish) -> tuple[NodeConfig, ...]:
    runtime = wish.runtime or ("simulated" if wish.virtual else "process")
    count = 1 if wish.nodes is None else wish.nodes
    return tuple(NodeConfig(f"node-{number}", runtime=runtime) for number in range(1, count + 1))


def _impossible(file: ClusterFile, config: ClusterConfig, wish: Wish) -> list[Problem]:
    """Wishes that cannot be granted."""
    problems = []
    if file.config is not None and (wish.nodes is not None or wish.runtime is not None):
        hint = "leave out nodes= and runtime=, or write them there"
        problems.append(Problem("the Cluster document says which nodes there are", hint=hint))
    if wish.nodes is not None and not 0 <= wish.nodes <= MAX_NODES:
        problems.append(Problem(f"{wish.nodes} nodes", hint=f"between 0 and {MAX_NODES}"))
    if wish.runtime not in (None, *get_args(RuntimeName)):
        problems.append(Problem(f"unknown runtime {wish.runtime!r}", hint=", ".join(get_args(RuntimeName))))
    if dns1123_label(config.name):
        hint = "lower-case letters, digits and '-', at most 63"
        problems.append(Problem(f"{config.name!r} is not a name for a cluster", hint=hint))
    for node in config.nodes if wish.virtual else ():
        if node.runtime != "simulated":
            message = f"node {node.name!r} runs real pods ({node.runtime}), which cannot live in virtual time"
            problems.append(Problem(message, hint="write `runtime: simulated`, or leave out virtual=True"))
    return problems


def _kept_objects(state: StateDirectory) -> frozenset[Key]:
    """What an earlier life of the cluster left behind; those objects may be named as well."""
    journal = SqliteJournal(state.journal)
    try:
        return frozenset(record.key for record in journal.load().objects)
    finally:
        journal.close()
