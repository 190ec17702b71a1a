"""RBAC: what roles allow, whom bindings give them to, who may hand them out, and the roles of every cluster."""
