"""`kube-actors doctor`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_state_dir


@click.command(short_help="Look at what this machine allows.", epilog=epilog("kube-actors doctor"))
@with_state_dir
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")
def command(state_dir: str | None, output: str) -> int:
    """Look at this machine: what pods can be here, what is missing for more, and what dead clusters left.

    Ends with status 1 when a cluster cannot run here at all.
    """
    import json

    from kube_actors.cli.examination import Verdict, examine
    from kube_actors.cli.main import NOT_FOUND
    from kube_actors.cli.places import state_home
    from kube_actors.text import visible

    findings = examine(state_home(state_dir))
    if output == "json":
        click.echo(json.dumps([each.dump() for each in findings], indent=2))
    else:
        width = max(len(each.subject) for each in findings)
        for each in findings:
            click.echo(visible(f"{each.verdict.value:8} {each.subject:{width}}  {each.found}"))
            if each.advice:
                click.echo(visible(f"{'':8} {'':{width}}  → {each.advice}"))
    return NOT_FOUND if any(each.verdict is Verdict.BROKEN for each in findings) else 0
