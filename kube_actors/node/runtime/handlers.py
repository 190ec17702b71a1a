"""What a probe or a lifecycle hook does, with every name resolved: a port is a number, the host is empty or an address.

`resolve_handler` reads them from the API's `probe`, `postStart` and `preStop` objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from kube_actors.records import frozen


@frozen
class ExecAction:
    """Run a command in the container; exit code 0 is success."""

    command: tuple[str, ...]


@frozen
class HttpGetAction:
    """GET a path; any status from 200 to 399 is success. `host` empty is the pod's address."""

    port: int
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class TcpSocketAction:
    """Open a TCP connection; that it opens is success. `host` empty is the pod's address."""

    port: int
    host: str = ""


@frozen
class GrpcAction:
    """Ask the gRPC health service."""

    port: int
    service: str = ""


@frozen
class SleepAction:
    """Wait (hooks only), in cluster seconds."""

    seconds: float


ProbeHandler = ExecAction | HttpGetAction | TcpSocketAction | GrpcAction
HookHandler = ExecAction | HttpGetAction | TcpSocketAction | SleepAction


class ProbeOutcome(Enum):
    """Kubernetes' four results: a warning counts as success, unknown counts as nothing (the result is thrown away)."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "unknown"


@frozen
class ProbeResult:
    """What one probe found, with its output or the reason it failed as the Event shows it."""

    outcome: ProbeOutcome
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """True for success and for warning."""
        return self.outcome in (ProbeOutcome.SUCCESS, ProbeOutcome.WARNING)


class UnresolvedHandler(ValueError):
    """A handler names a port its container does not have, or says nothing to do; the message is Kubernetes'."""


def resolve_handler(body: Mapping[str, Any], container: Mapping[str, Any]) -> ProbeHandler | SleepAction:
    """The handler in an API probe or hook object, its named port looked up in the container's `ports`."""
    if (action := body.get("exec")) is not None:
        return ExecAction(tuple(action.get("command") or ()))
    if (action := body.get("httpGet")) is not None:
        headers = tuple((h["name"], h.get("value") or "") for h in action.get("httpHeaders") or ())
        return HttpGetAction(
            port=_port(action["port"], container),
            path=action.get("path") or "/",
            host=action.get("host") or "",
            scheme=(action.get("scheme") or "HTTP").upper(),
            headers=headers,
        )
    if (action := body.get("tcpSocket")) is not None:
        return TcpSocketAction(_port(action["port"], container), action.get("host") or "")
    if (action := body.get("grpc")) is not None:
        return GrpcAction(int(action["port"]), action.get("service") or "")
    if (action := body.get("sleep")) is not None:
        return SleepAction(float(action["seconds"]))
    raise UnresolvedHandler("missing probe handler")


def _port(port: int | str, container: Mapping[str, Any]) -> int:
    if isinstance(port, int):
        number = port
    else:
        named = [p["containerPort"] for p in container.get("ports") or () if p.get("name") == port]
        if named:
            number = named[0]
        elif port.isdecimal():
            number = int(port)
        else:
            raise UnresolvedHandler(f"couldn't find port: {port} in container {container.get('name', '')}")
    if not 0 < number < 65536:
        raise UnresolvedHandler(f"invalid port number: {number}")
    return int(number)
