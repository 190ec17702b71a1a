"""The cluster's objects, in memory, in order, and kept.

Words: a **Key** says where an object lives. A **Revision** is an object at one moment: bytes, and a **Projection** of
what is asked often. A **Candidate** is offered to the store; accepted, it makes a **Commit**: one numbered step from a
revision to the next. **History** keeps recent steps once, in a log per resource, which every **Watch** reads at its own
pace. The **head** is the newest step; the **durable revision** the newest that survives the process, as far as the
**Journal** has got. A number is given out once, ever.
"""

from kube_actors.store.projection import Owner, Projection, base_projection
from kube_actors.store.revision import Candidate, Commit, Key, Revision
from kube_actors.store.scope import Batch, WatchEvent
from kube_actors.store.store import Store
from kube_actors.store.watch import Watch

__all__ = [
    "Batch",
    "Candidate",
    "Commit",
    "Key",
    "Owner",
    "Projection",
    "Revision",
    "Store",
    "Watch",
    "WatchEvent",
    "base_projection",
]
