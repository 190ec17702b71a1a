"""Which form of an answer a client accepts, chosen from its `Accept` header as kube-apiserver chooses."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from kube_actors.records import frozen

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
"""Taken for JSON: who asks for nothing else is mostly written in Go, and reads what the answer's Content-Type says that
it is. A server may answer so instead of 406 (RFC 9110, section 12.1)."""
OBJECTS: Final = (JSON, YAML, PROTOBUF)
STREAMS: Final = (JSON, PROTOBUF)
META: Final = "meta.k8s.io"

Kind = Literal["object", "table", "partial", "partial_list"]
_KINDS: Final[Mapping[str, Kind]] = {
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial_list",
}
ALL_FORMS: Final[frozenset[Kind]] = frozenset({"object", "table", "partial", "partial_list"})
UNLISTED: Final = ALL_FORMS - {"table"}
"""Of what is answered but never kept, such as a review, and of a list that is told as a watch."""
PLAIN: Final[frozenset[Kind]] = frozenset({"object"})
"""Of what is no object of the API, such as a list of groups."""
_VERSIONS: Final = frozenset({"v1", "v1beta1"})
_LONGEST_REMEMBERED: Final = 512  # bytes of a header; clients send the same few, and nobody may fill the cache


@frozen
class Accepted:
    """A form to answer in. `version` is that of `meta.k8s.io`, for forms other than the object itself.

    `pretty`: indented, for people.
    """

    kind: Kind = "object"
    version: str = "v1"
    media_type: str = JSON
    pretty: bool = False


@frozen
class Clause:
    """One alternative of the header: `application/json;as=Table;v=v1;g=meta.k8s.io;q=0.8`."""

    type: str
    subtype: str
    parameters: Mapping[str, str]
    quality: float

    @property
    def rank(self) -> tuple[float, bool, bool]:
        """The order in which alternatives are tried: by `q`, and wildcards last among equals."""
        return (-self.quality, self.type == "*", self.subtype == "*")

    def matches(self, media_type: str) -> bool:
        """Whether it stands for this media type."""
        type_, _, subtype = media_type.partition("/")
        return self.type in ("*", type_) and self.subtype in ("*", subtype)


def choose(header: str, offered: tuple[str, ...] = OBJECTS, forms: frozenset[Kind] = ALL_FORMS) -> Accepted | None:
    """The best of these forms for this header among the `offered` media types; None when there is none that fits."""
    if len(header) > _LONGEST_REMEMBERED:
        return _choose(header, offered, forms)
    return _remembered(header, offered, forms)


def _choose(header: str, offered: tuple[str, ...], forms: frozenset[Kind]) -> Accepted | None:
    if not header.strip():
        return Accepted(media_type=offered[0])
    for clause in clauses(header):
        for media_type in offered:
            written = JSON if media_type == PROTOBUF else media_type
            accepted = _form(clause.parameters, written) if clause.matches(media_type) else None
            if accepted is not None and accepted.kind in forms:
                return accepted
    return None


_remembered = functools.lru_cache(maxsize=64)(_choose)


def clauses(header: str) -> list[Clause]:
    """The alternatives, best first; what is no media type, or excluded by `q=0`, is left out."""
    return sorted(_clauses(header), key=lambda each: each.rank)


def _clauses(header: str) -> Iterable[Clause]:
    for text in header.split(","):
        media_type, *rest = text.split(";")
        type_, slash, subtype = media_type.strip().lower().partition("/")
        if not type_ or (not slash and type_ != "*"):
            continue
        pairs = (each.partition("=") for each in rest)
        parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
        quality = _quality(parameters.pop("q", "1"))
        if quality > 0:
            yield Clause(type_, subtype or "*", parameters, quality)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _form(parameters: Mapping[str, str], media_type: str) -> Accepted | None:
    """The form that the parameters of an alternative ask for; None when there is no such form.

    Parameters that mean nothing here (`charset`) are passed over.
    """
    if parameters.get("stream", "watch") not in ("", "watch") or parameters.get("sv"):
        return None
    pretty = parameters.get("pretty") == "1"
    if not parameters.keys() & {"as", "g", "v"}:
        return Accepted(media_type=media_type, pretty=pretty)
    kind, version = _KINDS.get(parameters.get("as", "")), parameters.get("v", "")
    if kind is None or parameters.get("g") != META or version not in _VERSIONS:
        return None
    return Accepted(kind, version, media_type, pretty)
