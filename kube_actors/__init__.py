"""Kubernetes in one Python process: every node, pod, deployment and service is a trio actor."""
