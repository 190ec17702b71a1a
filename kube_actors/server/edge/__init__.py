"""Where clients connect: TLS, HTTP/1.1, and the limits that keep one client from being felt by the others.

* `parsing` turns bytes into whole requests and knows nothing of sockets.
* `heads` writes the first lines of answers, `bodies` sends what follows them.
* `connection` is one client from its first byte to its last.
* `listeners` accepts, watches the deadlines of all connections and drains them in the end.
"""

from kube_actors.server.edge.limits import EdgeLimits
from kube_actors.server.edge.listeners import Binding, Edge, open_edge

__all__ = ["Binding", "Edge", "EdgeLimits", "open_edge"]
