"""`kube-actors status`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place


@click.command(
    short_help="Say which clusters run and how they are.",
    epilog=epilog("kube-actors status", "kube-actors status --name quickstart -o json"),
)
@with_place
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")
def command(name: str | None, state_dir: str | None, output: str) -> int:
    """Say which clusters run, where they answer, and how their nodes and pods are.

    Ends with status 1 when the cluster, or any, is not running or does not answer.
    """
    import json

    from kube_actors.cli.main import NOT_FOUND
    from kube_actors.cli.overview import described, overview
    from kube_actors.cli.places import find_running, running_clusters, state_home

    home = state_home(state_dir)
    clusters = running_clusters(home) if name is None else []
    overviews = [overview(each) for each in clusters or [find_running(home, name)]]
    if output == "json":
        click.echo(json.dumps([each.dump() for each in overviews], indent=2))
    else:
        click.echo("\n\n".join(described(each) for each in overviews))
    return 0 if all(each.answers for each in overviews) else NOT_FOUND
