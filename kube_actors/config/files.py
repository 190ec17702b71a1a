"""The files a person gives us: a Cluster document and manifests, read with every problem at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from kube_actors.api.codecs.yaml import Document, expand_lists, load_documents
from kube_actors.config import schema
from kube_actors.config.cluster_document import Problems, parse_cluster
from kube_actors.config.types import ClusterConfig
from kube_actors.errors import InputError, Problem
from kube_actors.records import frozen
from kube_actors.text import nearest

STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"
SUFFIXES: Final = (".yaml", ".yml", ".json")
_GROUP: Final = schema.API_VERSION.partition("/")[0]


@frozen(eq=False)
class Manifest:
    """One object of a file. `body` is as it was written; `document` knows where each part of it stands."""

    body: dict[str, Any]
    document: Document

    @property
    def file(self) -> str:
        """The file it is from, as it was named."""
        return self.document.file or STDIN_NAME


@frozen(eq=False)
class ClusterFile:
    """Everything the files say. `config` is None when they have no Cluster document; `cluster` is that document.

    `names` are the files in the order in which they were read; `problems` what is wrong with the files and the Cluster
    document. `whole` is false when a document could not be read, so that what others name may stand in it.
    """

    config: ClusterConfig | None
    cluster: Document | None
    manifests: tuple[Manifest, ...]
    names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    whole: bool = True


def read_files(paths: Sequence[str], stdin: BinaryIO | None = None) -> ClusterFile:
    """Read files, directories (their .yaml, .yml and .json files, sorted) and `-`. InputError with every problem."""
    file = scan_files(paths, stdin)
    if file.problems:
        raise InputError(file.problems)
    return file


def scan_files(paths: Sequence[str], stdin: BinaryIO | None = None) -> ClusterFile:
    """The same for those who want to tell of other problems together with these: never raises."""
    problems: list[Problem] = []
    names: list[str] = []
    texts = list(_texts(paths, stdin, names, problems))
    return _scan(texts, names, problems)


def scan_texts(texts: Iterable[tuple[str, str | bytes]]) -> ClusterFile:
    """The same for texts that are at hand, each with the name that its problems are told under."""
    read = list(texts)
    return _scan(read, [name for name, _ in read], [])


def _scan(texts: Iterable[tuple[str, str | bytes]], names: Sequence[str], problems: list[Problem]) -> ClusterFile:
    documents: list[Document] = []
    for name, text in texts:
        try:
            found = expand_lists(load_documents(text, name))
        except InputError as error:
            problems += error.problems
            continue
        if not found:
            problems.append(Problem("there is no object in it", file=name))
        documents += found
    whole = not problems
    manifests = [Manifest(each.body, each) for each in documents if not _is_ours(each.body)]
    clusters = [each for each in documents if _is_ours(each.body)]
    config = _cluster(clusters, problems)
    cluster = clusters[0] if clusters else None
    return ClusterFile(config, cluster, tuple(manifests), tuple(names), tuple(problems), whole)


def _texts(
    paths: Sequence[str], stdin: BinaryIO | None, names: list[str], problems: list[Problem]
) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content, each file once however often it is named. All names are added to `names`."""
    seen: set[str] = set()
    for path in paths:
        if path == STDIN:
            if stdin is not None and STDIN not in seen:
                seen.add(STDIN)
                names.append(STDIN_NAME)
                yield STDIN_NAME, stdin.read()
            continue
        for name in _files_in(path, problems):
            real = os.path.realpath(name)
            if real in seen:
                continue
            seen.add(real)
            names.append(name)
            try:
                yield name, Path(name).read_bytes()
            except OSError as error:
                problems.append(Problem(f"cannot be read: {error.strerror}", file=name, hint=_near(name)))


def _files_in(path: str, problems: list[Problem]) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES) and not name.startswith("."))
    except OSError as error:
        problems.append(Problem(f"cannot be read: {error.strerror}", file=path))
        return []
    if not names:
        problems.append(Problem("there is no .yaml, .yml or .json file in this directory", file=path))
    return [os.path.join(path, name) for name in names]


def _near(name: str) -> str | None:
    """For a file that is not there: one beside it that may have been meant."""
    if os.path.lexists(name):
        return None
    directory, last = os.path.split(name)
    stem, suffix = os.path.splitext(last)
    try:
        names = os.listdir(directory or ".")
    except OSError:
        return None
    stems = {each.removesuffix(suffix): each for each in names if suffix and each.endswith(suffix)}
    near = nearest(stem, stems)
    return f'did you mean "{stems[near]}"?' if near else None


def _is_ours(body: Mapping[str, Any]) -> bool:
    """Whether a document speaks of kube-actors itself, in whatever version."""
    return str(body.get("apiVersion", "")).partition("/")[0] == _GROUP


def _cluster(documents: list[Document], problems: list[Problem]) -> ClusterConfig | None:
    """The configuration of the one Cluster document."""
    config = None
    for document in documents:
        body = document.body
        if body["apiVersion"] != schema.API_VERSION:
            message = f"{body['apiVersion']!r} is not a version this program knows"
            problems.append(document.problem(message, "$.apiVersion", f"write {schema.API_VERSION}"))
        elif body.get("kind") != schema.KIND:
            problems.append(document.problem(f"unknown kind {body.get('kind')!r}", "$.kind", f"write {schema.KIND}"))
        elif document is not documents[0]:
            first = documents[0]
            where = f"{first.file}:{first.position()[0]}"
            problems.append(document.problem("there can be only one Cluster document", hint=f"the first is at {where}"))
        else:
            found = Problems()
            config = parse_cluster(body, directory=_directory(document), problems=found)
            placed = (document.problem(each.message, each.path or "$", each.hint) for each in found)
            problems += sorted(placed, key=lambda each: (each.line or 0, each.column or 0))
    return config


def _directory(document: Document) -> Path:
    """Where relative paths of a document start."""
    return Path.cwd() if document.file in (None, STDIN_NAME) else Path(str(document.file)).absolute().parent
