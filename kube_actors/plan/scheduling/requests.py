"""What a pod asks of a node."""

from __future__ import annotations

from collections.abc import Mapping

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.pods import PodSpec
from kube_actors.records import frozen

# What a container that asks for nothing is taken to use when nodes are compared (never when a node is ruled out).
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024


@frozen
class Requests:
    """Cpu in thousandths of a core, memory in bytes; `others` sorted by name. `scoring_*` assume a default."""

    cpu: int = 0
    memory: int = 0
    others: tuple[tuple[str, int], ...] = ()
    scoring_cpu: int = 0
    scoring_memory: int = 0


NO_REQUESTS = Requests()


def pod_requests(spec: PodSpec) -> Requests:
    """The most a pod needs at one time, as Kubernetes counts it.

    Its containers and sidecars run together; each plain init container runs alone but for the sidecars before it.
    Containers 100m + 100m, init container 500m: the pod asks for 500m. Overhead is added; requests of the pod as a
    whole stand for those of its containers.
    """
    exact, scoring = _most(spec, scoring=False), _most(spec, scoring=True)
    whole = spec.resources.requests if spec.resources is not None else {}
    for name, amount in whole.items():
        exact[name] = scoring[name] = _count(name, amount)
    for name, amount in spec.overhead.items():
        exact[name] = exact.get(name, 0) + _count(name, amount)
        scoring[name] = scoring.get(name, 0) + _count(name, amount)
    others = tuple(sorted((name, n) for name, n in exact.items() if n > 0 and name not in ("cpu", "memory")))
    return Requests(exact.get("cpu", 0), exact.get("memory", 0), others, scoring["cpu"], scoring["memory"])


def _most(spec: PodSpec, *, scoring: bool) -> dict[str, int]:
    together: dict[str, int] = {}
    peak: dict[str, int] = {}
    for init in spec.init_containers:
        asked = _asked(init.resources.requests, scoring)
        if init.sidecar:
            _add(together, asked)
            _raise(peak, together)
        else:
            _raise(peak, {name: n + together.get(name, 0) for name, n in asked.items()})
    for container in spec.containers:
        _add(together, _asked(container.resources.requests, scoring))
    _raise(together, peak)
    return together


def _asked(requests: Mapping[str, Quantity], scoring: bool) -> dict[str, int]:
    asked = {name: _count(name, amount) for name, amount in requests.items()}
    if scoring:
        asked.setdefault("cpu", DEFAULT_MILLI_CPU)
        asked.setdefault("memory", DEFAULT_MEMORY)
    return asked


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)


def _count(name: str, amount: Quantity) -> int:
    return amount.milli if name == "cpu" else amount.value
