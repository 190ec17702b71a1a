"""Which form a client gets for which `Accept` header."""

from __future__ import annotations

import pytest

from kube_actors.server.reading.accept import JSON, PLAIN, UNLISTED, YAML, Accepted, choose

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Accepted()),
        ("*/*", Accepted()),
        ("application/*", Accepted()),
        ("application/json, */*", Accepted()),
        ("application/vnd.kubernetes.protobuf,application/json", Accepted()),
        ("application/vnd.kubernetes.protobuf, */*;q=0.1", Accepted()),
        ("application/vnd.kubernetes.protobuf", Accepted()),
        ("application/vnd.kubernetes.protobuf;stream=watch", Accepted()),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Accepted()),
        ("application/json;charset=utf-8", Accepted()),
        ("APPLICATION/JSON", Accepted()),
        ("application/json;pretty=1", Accepted(pretty=True)),
        ("application/yaml", Accepted(media_type=YAML)),
        ("application/yaml;q=0.5,application/json", Accepted()),
        ("application/json;q=0.1,application/yaml;q=0.9", Accepted(media_type=YAML)),
        ("*/*,application/yaml", Accepted(media_type=YAML)),
        (TABLE + ",application/json", Accepted("table")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", Accepted("table", "v1beta1")),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", Accepted()),
        ("application/json;as=Table;v=v1;g=example.com,application/json", Accepted()),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1," + PARTIAL,
            Accepted("partial"),
        ),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Accepted("partial_list")),
        ("application/yaml;as=Table;v=v1;g=meta.k8s.io", Accepted("table", media_type=YAML)),
        ("application/json;stream=watch", Accepted()),
    ],
)
def test_the_best_form_is_chosen(header: str, expected: Accepted) -> None:
    """By `q`, then in order, wildcards last; alternatives that ask for what there is not are passed over."""
    assert choose(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "application/vnd.kubernetes.protobuf;as=Table;v=v2;g=meta.k8s.io",
        "text/plain",
        "application/json;q=0",
        "application/json;as=Unheard;v=v1;g=meta.k8s.io",
        "application/json;v=v1;g=meta.k8s.io",
        "application/json;stream=other",
        ";;;,,,",
        "application/json;as=Table;" + "x" * 2000,
    ],
)
def test_what_cannot_be_written_fits_nothing(header: str) -> None:
    """There is no form for these."""
    assert choose(header) is None


def test_a_wildcard_for_a_stream_means_json() -> None:
    """Where only JSON is offered, YAML fits nothing and anything means JSON."""
    assert choose("*/*", (JSON,)) == Accepted()
    assert choose("application/yaml", (JSON,)) is None


def test_forms_that_there_are_not() -> None:
    """What has no Table or metadata of its own is given as it is to those who take that as well."""
    assert choose(TABLE, forms=UNLISTED) is None
    assert choose(PARTIAL, forms=UNLISTED) == Accepted("partial")
    assert choose(PARTIAL, forms=PLAIN) is None
    assert choose(f"{TABLE},{PARTIAL},application/json", forms=PLAIN) == Accepted()
