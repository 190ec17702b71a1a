"""What Kubernetes fills into a pod spec, of a Pod or of a template. Running it again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api.quantity import Quantity
from kube_actors.kinds.pod_amounts import pod_amounts

Body = dict[str, Any]

VOLUME_DEFAULTS: Final[Mapping[str, Body]] = {
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default", "lun": 0},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
"""What Kubernetes fills into the sources of volumes, those of a pod and those of a PersistentVolume."""
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
DEFAULT_FILE_MODE = 0o644
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod_spec(spec: Body) -> None:
    """Policies, ports, probes, resources and volumes of a pod spec."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    if "serviceAccount" in spec:
        spec.setdefault("serviceAccountName", spec["serviceAccount"])
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    for name in CONTAINER_LISTS:
        for container in spec.get(name) or ():
            default_container(container)
    if spec.get("hostNetwork"):
        _default_host_ports(spec)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def default_pod(pod: Body) -> None:
    """A Pod: its spec, and what only a Pod has, not a template."""
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return
    default_pod_spec(spec)
    if isinstance(grace := spec["terminationGracePeriodSeconds"], int) and grace < 0:
        spec["terminationGracePeriodSeconds"] = 1
    spec.setdefault("enableServiceLinks", True)
    for name in CONTAINER_LISTS[:2]:
        for container in spec.get(name) or ():
            _requests_from_limits(container)
    if spec.get("resources"):
        _pod_requests(spec)


def _pod_requests(spec: Body) -> None:
    """A pod that is limited as a whole requests what its containers do, and where they say nothing, its limit."""
    resources = spec["resources"]
    for kind in ("limits", "requests"):
        _canonical(resources.get(kind))
    limits = resources.get("limits")
    if not limits:
        return
    alone = {name: value for name, value in spec.items() if name not in ("resources", "overhead")}
    requested = {name: str(amount) for name, amount in pod_amounts(alone, "requests").items()}
    requests = resources.setdefault("requests", {})
    for name, amount in (*requested.items(), *limits.items()):
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            requests.setdefault(name, amount)


def default_container(container: Body) -> None:
    """One container of any sort."""
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    container.setdefault("imagePullPolicy", pull_policy(container.get("image", "")))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
    for name in PROBES:
        if container.get(name) is not None:
            _default_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _default_http_get(hook)
    for kind, amounts in container["resources"].items():
        if kind in ("limits", "requests"):
            _canonical(amounts)


def pull_policy(image: str) -> str:
    """`Always` for `latest`, named or meant; `IfNotPresent` for any other tag or a digest."""
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return "Always" if not colon or tag == "latest" else "IfNotPresent"


def _default_probe(probe: Body) -> None:
    for name, seconds in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(name):
            probe[name] = seconds
    _default_http_get(probe)
    grpc = probe.get("grpc")
    if grpc is not None:
        grpc["service"] = grpc.get("service") or ""


def _default_http_get(handler: Body) -> None:
    """`httpGet` of a probe or lifecycle hook."""
    action = handler.get("httpGet")
    if action is not None:
        for name, value in (("path", "/"), ("scheme", "HTTP")):
            if not action.get(name):
                action[name] = value


def _default_host_ports(spec: Body) -> None:
    """A pod in the host's network takes the host's ports."""
    for name in CONTAINER_LISTS[:2]:
        for container in spec.get(name) or ():
            for port in container.get("ports") or ():
                if not port.get("hostPort") and "containerPort" in port:
                    port["hostPort"] = port["containerPort"]


def _requests_from_limits(container: Body) -> None:
    """Whoever limits a resource without requesting it requests as much."""
    resources = container.get("resources") or {}
    limits = resources.get("limits")
    if not limits:
        return
    requests = resources.setdefault("requests", {})
    for name, amount in limits.items():
        requests.setdefault(name, amount)


def _canonical(amounts: Any) -> None:
    """Write quantities as Kubernetes stores them: `0.5` is `500m`."""
    if isinstance(amounts, dict):
        for name, amount in amounts.items():
            amounts[name] = str(Quantity.parse(amount))


def _default_volume(volume: Body) -> None:
    if not any(name != "name" and value is not None for name, value in volume.items()):
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        source = volume.get(name)
        if source is not None:
            source.setdefault("defaultMode", DEFAULT_FILE_MODE)
            _default_items(source)
            for part in source.get("sources") or ():
                _default_projection(part)
    default_volume_source(volume)
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        template.setdefault("metadata", {})
        if isinstance(template.get("spec"), dict):
            template["spec"].setdefault("volumeMode", "Filesystem")


def default_volume_source(volume: Body) -> None:
    """The source of a pod's volume, or of a PersistentVolume (then `volume` is its spec)."""
    for name, defaults in VOLUME_DEFAULTS.items():
        source = volume.get(name)
        if source is not None:
            for field, value in defaults.items():
                source.setdefault(field, value)


def _default_projection(part: Body) -> None:
    token = part.get("serviceAccountToken")
    if token is not None:
        token.setdefault("expirationSeconds", 3600)
    if part.get("downwardAPI") is not None:
        _default_items(part["downwardAPI"])


def _default_items(source: Body) -> None:
    for item in source.get("items") or ():
        reference = item.get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
