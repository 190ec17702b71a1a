"""An operator written with kopf: it answers every ConfigMap with the label `greet` by writing a greeting into it."""

from __future__ import annotations

from typing import Any

import kopf


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Keep what it knows in annotations, and do without Events."""
    settings.persistence.finalizer = "example.org/greeter"
    settings.posting.enabled = False


@kopf.on.create("configmaps", labels={"greet": kopf.PRESENT})
def greet(name: str, patch: kopf.Patch, **_: Any) -> None:
    """Say hello."""
    patch["data"] = {"greeting": f"hello {name}"}


@kopf.on.delete("configmaps", labels={"greet": kopf.PRESENT})
def bid_farewell(name: str, **_: Any) -> None:
    """Say goodbye; until then the finalizer keeps the object."""
    print("farewell", name, flush=True)
