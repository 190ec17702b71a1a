"""The runtime whose pods are containers of a Docker Engine on this machine.

A pod is a tiny container that holds its namespaces open (`pause`) and its containers beside it. Volumes are directories
bound into them. Everything is marked with labels, by which a later runtime finds and adopts it. Images are those the
engine has; nothing is pulled.
"""

from kube_actors.node.runtime.docker.runtime import DockerRuntime, DockerSettings, open_docker_runtime

__all__ = ["DockerRuntime", "DockerSettings", "open_docker_runtime"]
