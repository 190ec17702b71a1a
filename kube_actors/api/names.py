"""What may be called what. Each rule answers with what is wrong, in Kubernetes' words; empty when nothing is."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable
from typing import Final

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_WILDCARD: Final = rf"\*\.{_SUBDOMAIN}"
_DNS1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME_PART: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_NAME_PART})?"
_CONFIG_KEY: Final = "[-._a-zA-Z0-9]+"

_ALPHANUMERIC_ENDS: Final = "and must start and end with an alphanumeric character"
_LABEL_RULE: Final = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ALPHANUMERIC_ENDS}"
)
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    f"{_ALPHANUMERIC_ENDS}"
)
_WILDCARD_RULE: Final = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_DNS1035_RULE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_NAME_PART_RULE: Final = f"must consist of alphanumeric characters, '-', '_' or '.', {_ALPHANUMERIC_ENDS}"
_LABEL_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"{_ALPHANUMERIC_ENDS}"
)
_ENV_NAME_RULE: Final = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)
_CONFIG_KEY_RULE: Final = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"

Rule = Callable[[str], list[str]]

# Without vowels, which could spell something, and without digits that look like letters.
SUFFIX_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH: Final = 5
_LONGEST_GENERATED: Final = 63


def dns1123_label(value: str) -> list[str]:
    """A name that becomes part of a host name: namespaces, containers, volumes."""
    wrong = _too_long(value, 63)
    if not _matches(_LABEL, value):
        if _matches(_SUBDOMAIN, value):
            wrong.append("must not contain dots")
        else:
            wrong.append(_explained(_LABEL_RULE, _LABEL, "my-name", "123-abc"))
    return wrong


def dns1123_subdomain(value: str) -> list[str]:
    """The name of most objects."""
    wrong = _too_long(value, 253)
    if not _matches(_SUBDOMAIN, value):
        wrong.append(_explained(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com"))
    return wrong


def wildcard_subdomain(value: str) -> list[str]:
    """Every host directly below a domain: `*.example.com`."""
    wrong = _too_long(value, 253)
    if not _matches(_WILDCARD, value):
        wrong.append(_explained(_WILDCARD_RULE, _WILDCARD, "*.example.com"))
    return wrong


def dns1035_label(value: str) -> list[str]:
    """A name that may not start with a digit."""
    wrong = _too_long(value, 63)
    if not _matches(_DNS1035, value):
        wrong.append(_explained(_DNS1035_RULE, _DNS1035, "my-name", "abc-123"))
    return wrong


def path_segment(value: str) -> list[str]:
    """A name that only has to fit into a URL path: roles and role bindings."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{each}'" for each in ("/", "%") if each in value]


def qualified_name(value: str) -> list[str]:
    """A label or annotation key, a resource name: `example.com/my.name`, prefix optional."""
    prefix, slash, name = value.partition("/")
    wrong: list[str] = []
    if "/" in name:
        explained = _explained(_NAME_PART_RULE, _NAME_PART, "MyName", "my.name", "123-abc")
        prefixed = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {explained} {prefixed}"]
    if not slash:
        name = prefix
    elif not prefix:
        wrong.append("prefix part must be non-empty")
    else:
        wrong.extend(f"prefix part {each}" for each in dns1123_subdomain(prefix))
    if not name:
        wrong.append("name part must be non-empty")
    wrong.extend(f"name part {each}" for each in _too_long(name, 63))
    if not _matches(_NAME_PART, name):
        wrong.append("name part " + _explained(_NAME_PART_RULE, _NAME_PART, "MyName", "my.name", "123-abc"))
    return wrong


def label_value(value: str) -> list[str]:
    """The value of a label; may be empty."""
    wrong = _too_long(value, 63)
    if not _matches(_LABEL_VALUE, value):
        wrong.append(_explained(_LABEL_VALUE_RULE, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return wrong


def port_name(value: str) -> list[str]:
    """An IANA service name, as container ports have them."""
    wrong = _too_long(value, 15)
    if not _matches("[-a-z0-9]+", value):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if re.search("[a-z]", value) is None:
        wrong.append("must contain at least one letter (a-z)")
    if "--" in value:
        wrong.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def config_map_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret; it becomes a file name."""
    wrong = _too_long(value, 253)
    if not _matches(_CONFIG_KEY, value):
        wrong.append(_explained(_CONFIG_KEY_RULE, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value == ".":
        wrong.append("must not be '.'")
    elif value == "..":
        wrong.append("must not be '..'")
    elif value.startswith(".."):
        wrong.append("must not start with '..'")
    return wrong


def env_var_name(value: str) -> list[str]:
    """The name of an environment variable: printable ASCII without `=`."""
    if not value:
        return ["environment variable name must be non-empty"]
    return [] if re.fullmatch("[ -<>-~]+", value) else [_ENV_NAME_RULE]


def generated_name(prefix: str, source: random.Random) -> str:
    """A name for `metadata.generateName`: the prefix, cut to fit into 63, and five random characters."""
    suffix = "".join(source.choice(SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    return prefix[: _LONGEST_GENERATED - _SUFFIX_LENGTH] + suffix


def is_generate_prefix(rule: Rule, prefix: str) -> list[str]:
    """A `metadata.generateName` for names of this rule: it may end in the dash that the suffix will follow."""
    return rule(prefix[:-1] + "a" if prefix.endswith("-") else prefix)


def _matches(expression: str, value: str) -> bool:
    return _compiled(expression).fullmatch(value) is not None


# `re` has a cache as well, and takes twice as long to look into it as most values take to be matched.
_compiled = functools.cache(re.compile)


_MOST_BYTES = 4
"""What one character takes in UTF-8."""


def _too_long(value: str, limit: int) -> list[str]:
    if len(value) * _MOST_BYTES <= limit or len(value.encode()) <= limit:
        return []
    return [f"must be no more than {limit} bytes"]


def _explained(rule: str, expression: str, *examples: str) -> str:
    shown = " or ".join(f"'{each}', " for each in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{expression}')"
