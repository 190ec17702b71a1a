#!/usr/bin/env python3
"""Write `docs/api.md`: what of the Kubernetes API is served, and what of it is kept without anybody acting on it.

The facts are the registry, `kinds/unattended.py` and `kinds/unused_fields.json`; a test holds the page to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from kube_actors.api.registry import Registry, Resource
from kube_actors.kinds.unattended import unattended
from kube_actors.kinds.unused_fields import POD_SPECS, UnusedField, unused_fields

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
HEAD = """\
# What is served of the Kubernetes API

All resources of Kubernetes v1.36 that need no server of others: discovery, OpenAPI, tables, watches, patches,
server-side apply, validation and defaults hold for every one of them. *Acted on* says whether something in the cluster
does what the object asks for. Where nothing does, it is kept and served all the same, and whoever creates one over the
API is warned. Fields that are accepted and do nothing stand below, with the reason; using one is answered with a
`Warning` too.

The same facts for programs: `kube_actors/kinds/unattended.py`, `kube_actors/kinds/unused_fields.json`. This page is
made by `tools/generate_api_table.py`.
"""
WORDS = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}


def page() -> str:
    """The whole page."""
    resources = sorted(Registry.built_in(), key=lambda each: (each.group, each.version))
    parts = [HEAD]
    for (group, version), rows in groupby(resources, key=lambda each: (each.group, each.version)):
        parts.append("\n".join(_group(group, version, tuple(rows))))
    parts.append("\n".join(_fields()))
    return "\n".join(parts)


def _group(group: str, version: str, rows: tuple[Resource, ...]) -> Iterator[str]:
    yield f"## {group or 'core'}/{version}"
    yield ""
    yield "| kind | resource | verbs | subresources | acted on |"
    yield "|---|---|---|---|---|"
    for row in rows:
        verbs = "all" if set(row.verbs) >= WORDS else ", ".join(row.verbs)
        subresources = ", ".join(each.name for each in row.subresources) or "none"
        yield f"| {row.kind} | {row.plural} | {verbs} | {subresources} | {_acted_on(row)} |"
    yield ""


def _acted_on(row: Resource) -> str:
    """Whether somebody does, and if not, what is missing."""
    warning = unattended(row.id, row.kind)
    return "yes" if warning is None else f"no: nothing {warning.rpartition('nothing in this cluster ')[2]}"


def _fields() -> Iterator[str]:
    yield "## Fields that are kept and do nothing"
    yield ""
    yield from _table("Pods, and templates of pods", "pods", len(POD_SPECS["pods"]) + 1)
    yield from _table("Services", "services", 0)
    yield from _table("Nodes", "nodes", 0)
    yield "Refused by name instead of ignored: kinds of volumes other than emptyDir, configMap, secret, hostPath,"
    yield "downwardAPI and projected (the pod waits with the Event `FailedMount`), environment from `fileKeyRef`"
    yield "(`CreateContainerConfigError`), handlers of a RuntimeClass other than the node's runtime (`process`,"
    yield "`docker`, `simulated`; the pod waits with the Event `FailedCreatePodSandBox`), and what the tier of a node"
    yield "cannot honour (Event, and `kube-actors doctor`)."


def _table(title: str, resource: str, cut: int) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield "| field | why it does nothing | warned of |"
    yield "|---|---|---|"
    for field in sorted(unused_fields(resource), key=lambda each: each.path):
        yield f"| `{field.path[cut:]}` | {field.why}{_unless(field)} | {'no' if field.quiet else 'yes'} |"
    yield ""


def _unless(field: UnusedField) -> str:
    return "" if field.default is None else f" (as `{field.default}` asks for)"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
