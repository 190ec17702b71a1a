"""The one way in: prepare (pure) -> admit -> finish (pure) -> commit.

A **Client** writes in the name of an **Identity**. Each write is a **Request** that goes through the **Pipeline**:
`prepare` decodes, confines, defaults and records who owns what; **Admission** plugins change or refuse it; `finish`
validates; the store takes it if nobody wrote in between, otherwise the client starts again.
"""

from kube_actors.writes.admission import Admission
from kube_actors.writes.client import Applied, Client
from kube_actors.writes.identity import Identity
from kube_actors.writes.pipeline import Pipeline

__all__ = ["Admission", "Applied", "Client", "Identity", "Pipeline"]
