"""The port of the API: held before anything is started, and before the code that serves it is read."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from kube_actors.config.types import ApiConfig
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.network.ports_in_use import port_holder
from kube_actors.state import StateDirectory

log = Log(__name__)


@contextmanager
def bound_api_socket(config: ApiConfig, state: StateDirectory) -> Iterator[socket.socket]:
    """A listening socket: on the configured port, else that of the last time, else any.

    InputError names who holds a port that is taken.
    """
    wanted = config.port or _last_port(state)
    try:
        sock = _listening(config.host, wanted)
    except OSError as error:
        if config.port or error.errno != errno.EADDRINUSE or not wanted:
            raise InputError([_not_bound(config, wanted, error)]) from error
        log.warning("the API's port of the last time is taken: clients need the new kubeconfig", port=wanted)
        sock = _listening(config.host, 0)
    with sock:
        yield sock


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen()  # only now is a port refused that somebody else listens at
    except OSError:
        sock.close()
        raise
    return sock


def _last_port(state: StateDirectory) -> int:
    try:
        port = int(state.api_port.read_text())
    except (OSError, ValueError):
        return 0
    return port if 0 < port < 65536 else 0


def _not_bound(config: ApiConfig, port: int, error: OSError) -> Problem:
    message, hint = f"cannot listen on {config.host}:{port}: {error.strerror}", None
    if error.errno == errno.EADDRNOTAVAIL:
        message = f"{config.host} is not an address of this machine"
        return Problem(message, path="$.spec.api.host", hint="0.0.0.0 listens at all it has")
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        message = f"{config.host}:{port} is in use" + (f" by {holder}" if holder is not None else "")
        hint = "choose another port, or 0 for a free one"
    return Problem(message, path="$.spec.api.port", hint=hint)
