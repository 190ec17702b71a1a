"""Answers in the form of a `meta.k8s.io` Table: what `kubectl get` prints.

`table_of` is a whole Table as bytes; `table_parts` the same in pieces, for who wants to pause between them.
"""

from __future__ import annotations

from kube_actors.server.tables.rows import IncludeObject
from kube_actors.server.tables.tables import table_of, table_parts

__all__ = ["IncludeObject", "table_of", "table_parts"]
