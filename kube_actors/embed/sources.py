"""What a program hands over as a cluster or as manifests, read like files: every problem at once, with its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, Union

import attrs

from kube_actors.api.codecs import json
from kube_actors.config.files import ClusterFile, scan_files, scan_texts
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import InputError, Problem
from kube_actors.records import define

Source: TypeAlias = Union[str, "os.PathLike[str]", Mapping[str, Any], ClusterConfig, Iterable["Source"]]
"""A path of a file or directory; YAML or JSON text (it has more than one line, or begins with `{`); an object (a
Cluster document, a manifest, a List); a `ClusterConfig`; or several of these."""


@define
class _Reading:
    """What was found so far."""

    config: ClusterConfig | None = None
    files: list[ClusterFile] = attrs.field(factory=list)
    problems: list[Problem] = attrs.field(factory=list)

    def add(self, source: Source) -> None:
        if isinstance(source, ClusterConfig):
            if self.config is not None:
                self.problems.append(Problem("there can be only one ClusterConfig"))
            self.config = source
        elif isinstance(source, Mapping):
            self._object(source)
        elif isinstance(source, str) and _is_text(source):
            self.files.append(scan_texts([("<text>", source)]))
        elif isinstance(source, (str, os.PathLike)):
            self.files.append(scan_files([os.fspath(source)]))
        elif isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
            for each in source:
                self.add(each)
        else:
            kind = type(source).__name__
            hint = "a path, YAML text, an object, a ClusterConfig or a list of these"
            self.problems.append(Problem(f"cannot make a cluster of {kind!r}", hint=hint))

    def _object(self, body: Mapping[str, Any]) -> None:
        """An object made by a program. It has no lines, so its problems name only the object and the path."""
        name = _named(body)
        try:
            text = json.dumps(body)
        except TypeError as error:
            self.problems.append(Problem(f"cannot be written as JSON: {error}", file=name))
            return
        self.files.append(scan_texts([(name, text)]))


def read_source(*sources: Source) -> ClusterFile:
    """Everything the sources say, with its problems (`ClusterFile.problems`); never raises."""
    reading = _Reading()
    for source in sources:
        reading.add(source)
    clusters = [each.cluster for each in reading.files if each.cluster is not None]
    configs = [each.config for each in reading.files if each.config is not None]
    problems = [*reading.problems, *(problem for each in reading.files for problem in each.problems)]
    for extra in clusters[0 if reading.config is not None else 1 :]:
        problems.append(extra.problem("there can be only one Cluster document"))
    return ClusterFile(
        config=reading.config or (configs[0] if configs else None),
        cluster=clusters[0] if clusters else None,
        manifests=tuple(manifest for each in reading.files for manifest in each.manifests),
        names=tuple(dict.fromkeys(name for each in reading.files for name in each.names)),
        problems=tuple(problems),
        whole=all(each.whole for each in reading.files) and not reading.problems,
    )


def raise_problems(problems: Iterable[Problem]) -> None:
    """InputError when there are any; those of objects made by a program without line and column."""
    found = [_without_lines(each) for each in problems]
    if found:
        raise InputError(found)


@contextmanager
def placed() -> Iterator[None]:
    """Around what raises InputError about the manifests of a source."""
    try:
        yield
    except InputError as error:
        raise InputError([_without_lines(each) for each in error.problems]) from error.__cause__


def _is_text(source: str) -> bool:
    return "\n" in source or source.lstrip().startswith("{")


def _named(body: Mapping[str, Any]) -> str:
    """`<Deployment web>`."""
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    words = [str(each) for each in (body.get("kind"), name) if each]
    return f"<{' '.join(words) or 'object'}>"


def _without_lines(problem: Problem) -> Problem:
    made = (problem.file or "").startswith("<") and problem.file != "<text>"
    return attrs.evolve(problem, line=None, column=None) if made else problem
