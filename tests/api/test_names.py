"""Names and keys, and what Kubernetes says about wrong ones."""

import random
from collections.abc import Callable

import pytest

from kube_actors.api import names

LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        (names.dns1123_label, ["a", "0", "my-name", "a" * 63]),
        (names.dns1123_subdomain, ["a", "a.b", "example.com", "1.2", "a" * 253]),
        (names.wildcard_subdomain, ["*.a", "*.example.com"]),
        (names.dns1035_label, ["a", "a1", "a-b"]),
        (names.path_segment, ["system:node", "A b", "..."]),
        (names.qualified_name, ["a", "A_b.c-d", "example.com/a", "kubernetes.io/hostname", "a" * 63]),
        (names.label_value, ["", "a", "A_b.c", "1.2-3", "a" * 63]),
        (names.port_name, ["http", "a", "web-1", "1a"]),
        (names.config_map_key, ["a", ".a", "A_b.c-d", "...a"[3:], "a" * 253]),
        (names.env_var_name, ["A", "_", "my.env-name", "1A", "a b"]),
    ],
)
def test_good_names(rule: Callable[[str], list[str]], good: list[str]) -> None:
    """Nothing is wrong with these."""
    assert {name: rule(name) for name in good} == {name: [] for name in good}


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (names.dns1123_label, ["", "A", "-a", "a-", "a_b", "a" * 64, "a\n", "ä"]),
        (names.dns1123_subdomain, ["", "a..b", ".a", "a.", "A.b", "a" * 254, "a/b"]),
        (names.wildcard_subdomain, ["*", "*.", "*.*", "a.*", "a*.b", "*.A", "*a.b"]),
        (names.dns1035_label, ["", "1a", "a.b", "a-"]),
        (names.path_segment, [".", "..", "a/b", "a%b"]),
        (names.qualified_name, ["", "/a", "a/", "a/b/c", "A.com/a", "-a", "a" * 64, "a b", "_a"]),
        (names.label_value, ["-a", "a-", "a b", "a" * 64, "a/b", "a\n"]),
        (names.port_name, ["", "80", "a--b", "-a", "a-", "HTTP", "a" * 16]),
        (names.config_map_key, ["", ".", "..", "..a", "a/b", "a b", "a" * 254]),
        (names.env_var_name, ["", "A=B", "ä", "a\n"]),
    ],
)
def test_bad_names(rule: Callable[[str], list[str]], bad: list[str]) -> None:
    """Each of these is refused with a reason."""
    assert [name for name in bad if not rule(name)] == []


def test_messages_are_kubernetes_own() -> None:
    """The sentences people search for."""
    assert names.dns1123_label("My_Name") == [LABEL_MESSAGE]
    assert names.dns1123_label("a.b") == ["must not contain dots"]
    assert names.dns1123_label("a" * 64) == ["must be no more than 63 bytes"]
    assert names.path_segment("a/b%c") == ["may not contain '/'", "may not contain '%'"]
    assert names.qualified_name("/a") == ["prefix part must be non-empty"]
    assert names.qualified_name("example.com/")[0] == "name part must be non-empty"
    assert names.label_value("a b") == [
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
        "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
        "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    ]


def test_generated_names() -> None:
    """Five letters that spell nothing, the same for the same seed, and never longer than 63."""
    name = names.generated_name("web-", random.Random(1))
    assert name.startswith("web-")
    assert len(name) == 9
    assert set(name[4:]) <= set("bcdfghjklmnpqrstvwxz2456789")
    assert name == names.generated_name("web-", random.Random(1))
    assert name != names.generated_name("web-", random.Random(2))
    long = names.generated_name("a" * 80, random.Random(1))
    assert len(long) == 63
    assert names.is_generate_prefix(names.dns1123_subdomain, "web-") == []
    assert names.is_generate_prefix(names.dns1123_subdomain, "Web-") != []
