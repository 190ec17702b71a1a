"""`kube-actors reset`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place


@click.command(
    short_help="Delete a stopped cluster's state.",
    epilog=epilog("kube-actors reset --name quickstart", "kube-actors reset --all --yes"),
)
@with_place
@click.option("--all", "everything", is_flag=True, help="Every cluster that is not running.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(name: str | None, state_dir: str | None, everything: bool, yes: bool) -> int:
    """Delete the state of a cluster that is not running: its objects, its logs, and pods that ran on without it."""
    import sys

    from kube_actors.cli.places import state_home
    from kube_actors.cli.resetting import chosen_states, reset_state
    from kube_actors.errors import InputError, Problem

    states = chosen_states(state_home(state_dir), name, everything=everything)
    if not states:
        click.echo("there is nothing to reset")
        return 0
    if not yes:
        if not sys.stdin.isatty():
            raise InputError([Problem("nobody is there to ask", hint="say --yes to delete the state")])
        names = ", ".join(state.root.name for state in states)
        click.confirm(f"Delete the state of {names}?", abort=True, err=True)
    for state in states:
        reset_state(state)
        click.echo(f"reset {state.root.name}")
    return 0
