"""The Pod Security Standards (`pod-security.kubernetes.io/enforce: restricted` on a namespace). Pure.

A *policy* is a level (privileged, baseline, restricted) and the version of Kubernetes whose checks it means. A *check*
looks at a pod's metadata and spec and answers with a *violation*, if there is one.
"""
