"""`kube-actors version`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog


@click.command(short_help="Say which version this is.", epilog=epilog("kube-actors version -o json"))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")
def command(output: str) -> None:
    """Say which version this is, and which Kubernetes it speaks."""
    import json
    import platform

    from kube_actors.cli.about import KUBERNETES, VERSION

    if output == "json":
        said = {"version": VERSION, "kubernetes": KUBERNETES, "python": platform.python_version()}
        click.echo(json.dumps(said))
    else:
        click.echo(f"kube-actors {VERSION} (Kubernetes {KUBERNETES}, Python {platform.python_version()})")
