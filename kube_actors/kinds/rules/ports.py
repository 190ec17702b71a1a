"""Ports that have names of their own: those of Services, and of the endpoints behind them."""

from __future__ import annotations

from collections.abc import Collection

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body


def named_port_rules(port: Body, field: str, *, named: bool, taken: Collection[str] = ()) -> list[Cause]:
    """What is wrong with name, number and protocol; one of several has to be `named`, and not like those `taken`."""
    found = []
    name = port.get("name", "")
    if name:
        found += [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_label(name)]
        if name in taken:
            found.append(causes.duplicate(f"{field}.name", name))
    elif named:
        found.append(causes.required(f"{field}.name"))
    found += causes.port(f"{field}.port", port.get("port", 0))
    protocol = port.get("appProtocol")
    if protocol is not None:
        found += [causes.invalid(f"{field}.appProtocol", protocol, why) for why in names.qualified_name(protocol)]
    return found
