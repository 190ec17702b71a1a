"""Probes on one line, as `kubectl describe` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def probe_text(probe: Mapping[str, Any]) -> str:
    """`http-get http://:80/health delay=5s timeout=1s period=10s #success=1 #failure=3`."""
    return (
        f"{_action(probe)} delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )


def _action(probe: Mapping[str, Any]) -> str:
    if "exec" in probe:
        return f"exec [{' '.join(map(str, probe['exec'].get('command') or ()))}]"
    if "httpGet" in probe:
        request = probe["httpGet"]
        scheme = str(request.get("scheme", "HTTP")).lower()
        path = str(request.get("path", "")).removeprefix("/")
        return f"http-get {scheme}://{request.get('host', '')}:{request.get('port', '')}/{path}"
    if "tcpSocket" in probe:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port', '')}"
    if "grpc" in probe:
        return f"grpc <pod>:{probe['grpc'].get('port', '')} {probe['grpc'].get('service') or ''}".rstrip()
    return "unknown"
