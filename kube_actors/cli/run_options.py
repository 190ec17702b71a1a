"""What `run` was asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kube_actors.api.names import dns1123_label
from kube_actors.cli.places import state_home
from kube_actors.config.cluster_document import parse_duration
from kube_actors.errors import InputError, Problem
from kube_actors.records import frozen


@frozen
class RunOptions:
    """`until` is seconds of cluster time, None for no end; `home` is where the states of clusters are."""

    files: tuple[str, ...]
    home: Path
    name: str | None = None
    ephemeral: bool = False
    prune: bool = False
    virtual: bool = False
    seed: int | None = None
    until: float | None = None
    trace: str | None = None
    interactive: bool = True

    @classmethod
    def of(cls, files: tuple[str, ...], options: Mapping[str, Any]) -> RunOptions:
        """From the command line's words. InputError with everything that is wrong about them."""
        problems = []
        name, until = options["name"], options["until"]
        if name is not None and dns1123_label(name):
            hint = "lower-case letters, digits and '-', at most 63"
            problems.append(Problem(f"--name: {name!r} is not a name", hint=hint))
        seconds = None if until is None else parse_duration(until)
        if until is not None and not seconds:
            problems.append(Problem(f"--until: {until!r} is not a duration", hint="for example 90s, 10m or 24h"))
        if options["virtual"] and until is None:
            problems.append(Problem("--virtual needs an end", hint="for example --until 24h"))
        if problems:
            raise InputError(problems)
        return cls(
            files=files,
            home=state_home(options["state_dir"]),
            name=name,
            ephemeral=options["ephemeral"] or options["virtual"],
            prune=options["prune"],
            virtual=options["virtual"],
            seed=options["seed"],
            until=seconds,
            trace=options["trace"],
            interactive=not options["no_input"],
        )
