"""Manifests for tests, in a line each. They are plain objects: add to them what a test is about."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def pod(name: str, *, image: str = "app", labels: dict[str, str] | None = None, **spec: Any) -> Object:
    """A Pod with one container named `main`; `spec` goes into the pod's spec."""
    metadata: Object = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**_pod_spec(image), **spec}}


def deployment(
    name: str, *, replicas: int = 1, image: str = "app", annotations: dict[str, str] | None = None, **spec: Any
) -> Object:
    """A Deployment whose pods have the label `app: <name>`; `annotations` are those of its pods (simulation settings),
    `spec` goes into its own spec."""
    metadata: Object = {"labels": {"app": name}, **({"annotations": annotations} if annotations else {})}
    template = {"metadata": metadata, "spec": _pod_spec(image)}
    own = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": own}


def service(name: str, *, port: int = 80, target_port: int | str | None = None) -> Object:
    """A Service in front of the pods with the label `app: <name>`."""
    ports = [{"port": port, **({} if target_port is None else {"targetPort": target_port})}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _pod_spec(image: str) -> Object:
    return {"containers": [{"name": "main", "image": image}]}
