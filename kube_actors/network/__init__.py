"""The cluster's network: address ranges and pools, the service model, the data planes that carry it, and DNS.

Nothing here speaks to the Kubernetes API: callers pass plain values in and get plain values back.

Glossary. *Ranges* are the three networks of one cluster (pods, services, nodes). A *pool* hands out addresses or ports.
A *service port* is one virtual address and port with the endpoints behind it; *changes* are what turns one set of
service ports into another; a *data plane* makes traffic follow them. The *relay* moves bytes between sockets, a *proxy*
decides which endpoint a new connection goes to. *Records* are what DNS answers from.
"""
