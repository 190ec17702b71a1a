"""Everything about a run that can be settled before it begins: the files, the cluster's name, its state."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import attrs

from kube_actors.api.codecs.yaml import Document
from kube_actors.cli.places import ephemeral_state, kept_state, running_clusters
from kube_actors.cli.reading import read
from kube_actors.cli.run_options import RunOptions
from kube_actors.config.files import ClusterFile
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.config.validation import Findings, validate
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.records import frozen
from kube_actors.state import StateDirectory
from kube_actors.store import Key
from kube_actors.store.journal import SqliteJournal

log = Log(__name__)


@frozen
class Prepared:
    """What a run needs: the cluster, what the files want in it, and where it keeps its state."""

    config: ClusterConfig
    findings: Findings
    state: StateDirectory
    cluster: Document | None

    def placed(self, problems: Iterable[Problem]) -> InputError:
        """What was found wrong only at the start, with its place in the Cluster document."""
        return InputError(self._placed(problem) for problem in problems)

    def _placed(self, problem: Problem) -> Problem:
        if self.cluster is None or problem.path is None or problem.file is not None:
            return problem
        return self.cluster.problem(problem.message, problem.path, problem.hint)


def prepare(options: RunOptions) -> Prepared:
    """Read and judge the files and find a place for the state. InputError with every problem; nothing is started."""
    file = read(options.files)
    config = _configured(file, options)
    state = kept_state(options.home, config.name)
    findings = validate(file)
    if findings.problems and not options.ephemeral and state.journal.exists():
        findings = validate(file, known=_kept_objects(state))
    problems = [*findings.problems, *_not_virtual(file, config, options), *_taken(config.name, options)]
    if problems:
        raise InputError(problems)
    for warning in findings.warnings:
        log.warning(str(warning))
    if options.ephemeral:
        state = ephemeral_state(options.home, config.name)
    _find_plugins(file, config)
    return Prepared(config, findings, state, file.cluster)


def _configured(file: ClusterFile, options: RunOptions) -> ClusterConfig:
    """The file's configuration under the options; a file of manifests alone runs on one default node."""
    config = file.config or ClusterConfig()
    if file.config is None and options.virtual:
        config = attrs.evolve(config, nodes=(NodeConfig("node-1", runtime="simulated"),))
    if options.name is not None:
        config = attrs.evolve(config, name=options.name)
    if options.seed is not None:
        config = attrs.evolve(config, seed=options.seed)
    if options.virtual:
        config = attrs.evolve(config, listeners=())  # nobody could talk to them: hours pass in a second
    return config


def _kept_objects(state: StateDirectory) -> frozenset[Key]:
    """What an earlier run of the cluster left in its journal; those objects may be named as well."""
    journal = SqliteJournal(state.journal)
    try:
        return frozenset(record.key for record in journal.load().objects)
    finally:
        journal.close()


def _not_virtual(file: ClusterFile, config: ClusterConfig, options: RunOptions) -> list[Problem]:
    """Nodes that live in machine time."""
    runtimes = sorted({node.runtime for node in config.nodes} - {"simulated"})
    if not options.virtual or file.problems or file.cluster is None:
        return []
    hint = "--virtual needs `runtime: simulated`"
    return [file.cluster.problem(f"there are nodes of runtime {each}", "$.spec.nodes", hint) for each in runtimes]


def _taken(name: str, options: RunOptions) -> list[Problem]:
    """Another runtime of a cluster of this name."""
    return [
        Problem(
            f"cluster {name!r} is running already, as process {each.record.process.pid}",
            file=str(each.state.root),
            hint="stop it with `kube-actors stop`, or choose another name with --name",
        )
        for each in running_clusters(options.home)
        if each.record.name == name and not options.virtual
    ]


def _find_plugins(file: ClusterFile, config: ClusterConfig) -> None:
    """Schedulers of one's own are looked for beside the file that names them, too."""
    if file.cluster is None or all(each.plugin is None for each in config.schedulers):
        return
    directory = str(Path(file.cluster.file or ".").absolute().parent)
    if directory not in sys.path:
        sys.path.append(directory)
